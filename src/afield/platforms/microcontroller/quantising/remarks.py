"""What a quantised model computes in integers, and what it still computes in floats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from afield.core.errors import UnsupportedError
from afield.platforms.microcontroller.compiler import Options
from afield.platforms.microcontroller.integer import oracle
from afield.platforms.microcontroller.plan import VIEW
from afield.platforms.microcontroller.tabular.compile import prepare

_MOVING = (VIEW, "Copy", "Transpose", "Gather", "Cast", "Lookup")


def left_over(content: bytes, levels: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return a sentence on each of both; none on a model that cannot be compiled, which is told later.

    Raises
    ------
    UnsupportedError
        ``graph.operator``: no operator came to compute in integers.
    """
    _, graph, problems = prepare(content, Options(), levels)
    if problems:
        return ()
    whole = Counter(node.op.removeprefix("Integer") for node in graph.nodes if node.op in oracle.INTEGER)
    ends = ("QuantizeLinear", "DequantizeLinear")
    real = Counter(node.op for node in graph.nodes if node.op not in (*oracle.KNOWN, *_MOVING, *ends))
    if not whole:
        raise UnsupportedError(
            "graph.operator", "No operator of the model has a form in integers.", where="--int8",
            got=_counted(real), fix="Leave --int8 out.",
        )  # fmt: skip
    said = [f"in integers: {_counted(whole)}"]
    return (*said, f"still in floats: {_counted(real)}") if real else (*said, "nothing is left in floats but the ends")


def _counted(names: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" if count > 1 else name for name, count in sorted(names.items()))
