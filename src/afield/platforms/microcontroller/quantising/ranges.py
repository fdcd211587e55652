"""Several ways to range activations, and which of them keeps a model's answers best on the rows that gave the ranges.

The least and the greatest value waste steps where a few values lie far out; without these few the others gain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from afield.model.session import open_session

if TYPE_CHECKING:
    import onnx

Rows = Mapping[str, NDArray[Any]]
Ranges = dict[str, tuple[float, float]]
#: of all values of a tensor these shares, in percent, lie in its range
SHARES = (99.99, 99.9, 99.5)
#: rows on which answers are compared
COMPARED = 64
#: how much of the first one's distance is clearly better
CLEARLY = 0.5
#: elements of all activations that are held at once to find their percentiles: 160 MB
_ELEMENTS = 40_000_000
_FEWEST = 8


def closest(model: onnx.ModelProto, made: Sequence[onnx.ModelProto], rows: Rows) -> onnx.ModelProto:
    """Return the first quantised model, or the one nearest to ``model`` where that is off by half as much at most.

    The rows gave the ranges themselves, so that a small gain on them is none on others.
    """
    few = {n: v[:COMPARED] for n, v in rows.items()}
    want = _answers(model, few)
    off = [sum(_distance(a, b) for a, b in zip(want, _answers(one, few), strict=True)) for one in made]
    best = int(np.argmin(off))
    return made[best if off[best] <= CLEARLY * off[0] else 0]


def held(model: onnx.ModelProto, rows: Rows) -> Rows:
    """Return as many rows as fit into memory with all their activations."""
    import onnx

    total = 1
    for value in onnx.shape_inference.infer_shapes(model).graph.value_info:
        total += int(np.prod([d.dim_value or 1 for d in value.type.tensor_type.shape.dim]))
    return {n: v[: max(_FEWEST, _ELEMENTS // total)] for n, v in rows.items()}


def inner_ranges(model: onnx.ModelProto, rows: Rows, chosen: Sequence[str]) -> list[Ranges]:
    """Return for each of ``SHARES`` where so many values of each activation beside a ``chosen`` node lie."""
    import onnx

    constants, among = {t.name for t in model.graph.initializer}, set(chosen)
    beside = [n for node in model.graph.node if node.name in among for n in (*node.input, *node.output)]
    names = [n for n in dict.fromkeys(beside) if n and n not in constants]
    wider = onnx.ModelProto()
    wider.CopyFrom(model)
    there = {o.name for o in model.graph.output}
    inputs = {i.name for i in model.graph.input}
    wider.graph.output.extend(onnx.ValueInfoProto(name=n) for n in names if n not in there | inputs)
    session = open_session(wider.SerializeToString())
    floats = {o.name for o in session.get_outputs() if o.type == "tensor(float)"} | (inputs & {*rows})
    names = [n for n in names if n in floats and (n not in inputs or rows[n].dtype == np.float32)]
    asked = [n for n in names if n not in inputs]
    parts = [session.run(asked, feed) for feed in batched(model, held(model, rows))]
    values = {n: np.concatenate([part[k].ravel() for part in parts]) for k, n in enumerate(asked)}
    values |= {n: rows[n].ravel() for n in names if n in inputs}
    found: list[Ranges] = [{} for _ in SHARES]
    for name, value in values.items():
        ends = np.percentile(value, [*(100 - s for s in SHARES), *SHARES], method="nearest")
        for ranges, low, high in zip(found, ends[: len(SHARES)], ends[len(SHARES) :], strict=True):
            ranges[name] = (min(0.0, float(low)), max(0.0, float(high)))
    return found


def batched(model: onnx.ModelProto, rows: Rows, most: int = 64) -> list[dict[str, NDArray[Any]]]:
    """Return rows as feeds of at most so many; one by one where the graph takes one."""
    inputs = {i.name: i.type.tensor_type.shape.dim for i in model.graph.input}
    step = 1 if any(len(inputs[n]) and inputs[n][0].HasField("dim_value") for n in rows) else most
    count = len(next(iter(rows.values())))
    return [{n: np.ascontiguousarray(v[i : i + step]) for n, v in rows.items()} for i in range(0, count, step)]


def _answers(model: onnx.ModelProto, rows: Rows) -> list[NDArray[np.float64]]:
    session = open_session(model.SerializeToString(), plain=True)
    names = [o.name for o in session.get_outputs() if "string" not in o.type and "int" not in o.type]
    found = [session.run(names, feed) for feed in batched(model, rows)]
    return [np.concatenate([np.asarray(part[k], np.float64) for part in found]) for k in range(len(names))]


def _distance(want: NDArray[np.float64], got: NDArray[np.float64]) -> float:
    """Return the mean difference in standard deviations."""
    return float(np.abs(want - got).mean() / max(float(want.std()), 1e-9))
