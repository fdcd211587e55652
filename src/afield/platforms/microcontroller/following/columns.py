"""Text columns as a microcontroller holds them: codes of the values that a model knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from afield.platforms.microcontroller.following.cells import Cell, Cells
from afield.platforms.microcontroller.following.steps import BINARY, LABELS, run, table_of
from afield.platforms.microcontroller.ir import Array, Graph

MISSING, UNKNOWN, FIRST = 0, 1, 2
#: stands for every text that a model does not know; no key of a model has this form
NEVER_SEEN = "\0never seen\0"


@dataclass(frozen=True, kw_only=True)
class CodeColumn:
    """A code: 0 where it is missing, 1 for every text that the model does not know, then ``values`` in order."""

    name: str
    values: tuple[str, ...]

    @property
    def count(self) -> int:
        """Number of codes."""
        return FIRST + len(self.values)

    def outcomes(self, cell: Cell) -> Array:
        """Return what a cell of this column is for each code."""
        return run(cell.steps, np.array(["", NEVER_SEEN, *self.values], dtype=object))


def code_columns(
    graph: Graph, cells: Cells, source: str, names: Sequence[str], levels: Mapping[str, Sequence[str]]
) -> tuple[CodeColumn, ...]:
    """Return the text columns, with all values on which the graph does something of its own.

    Parameters
    ----------
    source : str
        The input that holds the texts, in the order of ``names``.
    levels : mapping
        Values in the order of the schema: those that the graph knows come first, further ones follow.
    """
    known: list[list[str]] = [[] for _ in names]
    for node in graph.nodes:
        if node.op not in (LABELS, "Equal"):
            continue
        for cell in cells[node.outputs[0]].ravel() if node.outputs[0] in cells else ():
            if cell.root == source:
                known[cell.index] += _known(cell)
    found = []
    for name, own in zip(names, known, strict=True):
        ordered = [v for v in levels.get(name, ()) if v in set(own)]
        found.append(CodeColumn(name=name, values=tuple(v for v in dict.fromkeys([*ordered, *own]) if v)))
    return tuple(found)


def _known(cell: Cell) -> list[str]:
    """Return the texts of a column on which a cell does something of its own."""
    before, after = "", ""
    for step in cell.steps:
        if step.op == "StringConcat":
            before, after = (step.constant + before, after) if step.left else (before, after + step.constant)
        elif step.op == LABELS or (step.op in BINARY and isinstance(step.constant, str)):
            keys = table_of(step.attributes or {})[0] if step.op == LABELS else [step.constant]
            wanted = [k for k in keys if isinstance(k, str) and k.startswith(before) and k.endswith(after)]
            return [k[len(before) : len(k) - len(after)] for k in wanted if len(k) >= len(before) + len(after)]
        else:
            return []
    return []
