"""Follows each element of a value back to the one thing that it depends on: a column, or an element computed earlier.

Structure (Concat, Reshape, Transpose, Gather with constant places) moves elements; operators with a constant beside
them append a step. Whatever takes two such things together starts anew: its results are elements of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from afield.platforms.microcontroller.following.steps import BINARY, LABELS, UNARY, Step
from afield.platforms.microcontroller.ir import Array, DType, Graph, Node, Tensor

#: values of more elements are not followed
FOLLOWED = 1 << 16


@dataclass(frozen=True)
class Cell:
    """An element: element ``index`` of the value ``root``, then ``steps``."""

    root: str
    index: int
    steps: tuple[Step, ...] = ()

    def then(self, step: Step) -> Cell:
        """Return the cell after one more step."""
        return Cell(self.root, self.index, (*self.steps, step))


Cells = dict[str, Array]  # value to an object array of Cell, of the value's shape


def follow(graph: Graph) -> Cells:
    """Return the cells of every value that is not constant and not too large."""
    cells: Cells = {name: fresh(graph.tensors[name]) for name in graph.inputs if graph.tensors[name].size <= FOLLOWED}
    for node in graph.nodes:
        outputs = [graph.tensors[n] for n in node.outputs if n]
        if any(t.size > FOLLOWED for t in outputs):
            continue
        made = _moved(graph, node, cells)
        if made is None:
            made = _stepped(graph, node, cells)
        for position, tensor in enumerate(outputs):
            one = made[position] if made is not None else fresh(tensor)
            cells[tensor.name] = _anchored(tensor, one.reshape(tensor.shape), graph)
    return cells


def fresh(tensor: Tensor) -> Array:
    """Return cells that are the elements of a value itself."""
    found = np.empty(tensor.size, dtype=object)
    found[:] = [Cell(tensor.name, i) for i in range(tensor.size)]
    return found.reshape(tensor.shape)


def _anchored(tensor: Tensor, cells: Array, graph: Graph) -> Array:
    """Start anew at a cast to floats of whole numbers, or of computed doubles: what reads it compares floats."""
    flat = cells.ravel()
    for i, cell in enumerate(flat):
        kind = graph.tensors[cell.root].dtype
        computed = cell.root not in graph.inputs and kind is DType.FLOAT64 and tensor.dtype is DType.FLOAT32
        whole = not kind.is_float and kind is not DType.STRING and tensor.dtype.is_float
        if (computed or whole) and cell.steps and cell.steps[-1].op == "Cast":
            flat[i] = Cell(tensor.name, i)
    return flat.reshape(cells.shape)


def _moved(graph: Graph, node: Node, cells: Cells) -> list[Array] | None:
    """Return the outputs' cells of an operator that only moves elements; None for others."""
    if node.op == "Concat":
        axis, parts = node.attributes["axis"], [cells[n] for n in node.inputs if n in cells]
        return [np.concatenate(parts, axis=axis)] if len(parts) == len(node.inputs) and isinstance(axis, int) else None
    first = cells.get(node.inputs[0]) if node.inputs else None
    if first is None or node.op not in _MOVES:
        return None
    return _MOVES[node.op](graph, node, first)


def _gathered(graph: Graph, node: Node, first: Array) -> list[Array] | None:
    axis, places = node.attributes["axis"], graph.constant(node.inputs[1])
    if places is None or not isinstance(axis, int):
        return None
    extent = first.shape[axis]
    wrapped = np.where(places < 0, places + extent, places)
    inside = bool(((wrapped >= 0) & (wrapped < extent)).all())
    return [np.take(first, np.atleast_1d(wrapped), axis=axis)] if inside else None  # one place alone would be no array


def _split(graph: Graph, node: Node, first: Array) -> list[Array] | None:
    del graph
    axis, sizes = node.attributes["axis"], node.attributes["sizes"]
    if not isinstance(axis, int) or not isinstance(sizes, tuple):
        return None
    parts = np.split(first, np.cumsum(sizes)[:-1], axis=axis)
    return [p for p, name in zip(parts, node.outputs, strict=True) if name]


_MOVES: dict[str, Callable[[Graph, Node, Array], list[Array] | None]] = {
    "View": lambda graph, node, first: [first],
    "Transpose": lambda graph, node, first: [np.transpose(first, node.attributes["perm"])],  # type: ignore[arg-type]
    "Gather": _gathered,
    "Split": _split,
}


def _stepped(graph: Graph, node: Node, cells: Cells) -> list[Array] | None:
    """Return the output's cells of an operator that takes one followed value beside constants; None for others."""
    if not node.outputs[0]:
        return None
    result = graph.tensors[node.outputs[0]]
    if node.op in ("Cast", LABELS, *UNARY) and (x := cells.get(node.inputs[0])) is not None:
        step = Step(node.op, dtype=result.dtype, attributes=dict(node.attributes) if node.op == LABELS else None)
        return [_each(x, lambda cell: cell.then(step))]
    if len(node.inputs) != 2:
        return None
    sides = [cells.get(n) for n in node.inputs]
    constants = [graph.constant(n) for n in node.inputs]
    if node.op == "Gather" and sides[1] is not None and constants[0] is not None and node.attributes["axis"] == 0:
        return [_fetched(sides[1], constants[0], result)]
    for left in (True, False) if node.op in BINARY or node.op == "StringConcat" else ():
        other, x = constants[not left], sides[left]
        if other is not None and x is not None:
            wide, beside = np.broadcast_arrays(x, other)
            made = np.empty(wide.size, dtype=object)
            for i, (cell, value) in enumerate(zip(wide.ravel(), beside.ravel(), strict=True)):
                made[i] = cell.then(Step(node.op, value, left, result.dtype))
            return [made.reshape(wide.shape)]
    return None


def _fetched(index: Array, table: Array, result: Tensor) -> Array:
    """Return the cells of rows that are looked up in a constant table."""
    rows = table.reshape(table.shape[0], -1)
    made = np.empty((index.size, rows.shape[1]), dtype=object)
    for i, cell in enumerate(index.ravel()):
        for k in range(rows.shape[1]):
            made[i, k] = cell.then(Step("Gather", rows[:, k], dtype=result.dtype))
    return made


def _each(cells: Array, change: Callable[[Cell], Cell]) -> Array:
    made = np.empty(cells.size, dtype=object)
    made[:] = [change(cell) for cell in cells.ravel()]
    return made.reshape(cells.shape)
