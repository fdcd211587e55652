"""The way from an ONNX file to C: read, rewrite, check, plan, emit."""

from __future__ import annotations

from dataclasses import dataclass, field

from afield.core.errors import UnsupportedError
from afield.platforms.microcontroller.emission.names import identifier
from afield.platforms.microcontroller.emission.network import Network, emit
from afield.platforms.microcontroller.ir import Graph
from afield.platforms.microcontroller.operators import Site, registry
from afield.platforms.microcontroller.passes.pipeline import rewritten
from afield.platforms.microcontroller.plan import VIEW, Plan, plan
from afield.platforms.microcontroller.reading.read import read
from afield.platforms.microcontroller.trees.lowering import lower_plain


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to compile.

    Parameters
    ----------
    name : str
        Becomes the prefix of all names in C.
    dimensions : dict of str to int
        Sizes of symbolic dimensions; a symbolic first dimension is 1 by itself.
    exact : bool
        Keep float64 as double instead of float32.
    """

    name: str = "network"
    dimensions: dict[str, int] = field(default_factory=dict)
    exact: bool = False


@dataclass(frozen=True, kw_only=True)
class Compiled:
    """A network ready to be bundled: its graph after all passes, its plan, and its C."""

    graph: Graph
    plan: Plan
    network: Network


def problems(data: bytes, options: Options | None = None) -> list[str]:
    """Return every reason why a file cannot be compiled, one sentence each; none for one that can.

    Raises
    ------
    ModelFileError
        ``model.damaged``.
    """
    return _prepared(data, options or Options())[1]


def compile_network(data: bytes, options: Options | None = None) -> Compiled:
    """Compile an ONNX file to C.

    Raises
    ------
    ModelFileError
        ``model.damaged``.
    UnsupportedError
        ``graph.operator``, with all reasons at once.
    """
    options = options or Options()
    graph, found = _prepared(data, options)
    if found:
        raise UnsupportedError(
            "graph.operator",
            f"The model cannot be compiled for a microcontroller: {len(found)} reason{'s' if len(found) > 1 else ''}.",
            got=" ".join(found),
            fix="Export the model without these, or run it on another platform.",
        )
    finished = plan(graph)
    return Compiled(graph=graph, plan=finished, network=emit(graph, finished, identifier(options.name)))


def _prepared(data: bytes, options: Options) -> tuple[Graph, list[str]]:
    reading = read(data, options.name, options.dimensions)
    if reading.problems:
        return reading.graph, reading.problems
    lowered = lower_plain(reading.graph)
    if lowered.problems:
        return lowered.graph, [*lowered.problems]
    graph = rewritten(lowered.graph)
    return graph, unsupported(graph, exact=options.exact)


def unsupported(graph: Graph, *, exact: bool = False) -> list[str]:
    """Return a sentence for each node, input or output of a rewritten graph that cannot become C."""
    del exact
    known = registry()
    found = []
    for node in graph.nodes:
        if node.op == VIEW:
            continue
        operator = known.get(node.op)
        if operator is None:
            found.append(f"{node.op} {node.name!r}: this operator is not supported.")
        else:
            found += [f"{node.op} {node.name!r}: {reason}" for reason in operator.problems(Site(graph, node))]
    for name in (*graph.inputs, *graph.outputs):
        if not graph.tensors[name].dtype.size_bytes:
            found.append(f"{name!r} holds strings, which have no form in C.")
    return found
