"""What one column alone tells about itself, and the findings on the way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afield.core.findings import Finding
from afield.data.dates import DateReading
from afield.data.marks import Reading
from afield.data.raw import CodedCells, TextCells, coded
from afield.problem.cells import BLANKS, fold
from afield.problem.schema import DEFAULT_MISSING, ColumnSpec


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What one column alone tells.

    ``spec`` is set where all is clear,
    ``values`` where the numbers were read on the way.
    """

    name: str
    spec: ColumnSpec | None = None
    numbers: Reading | None = None
    dates: DateReading | None = None
    cells: CodedCells | None = None
    missing: tuple[str, ...] = DEFAULT_MISSING
    settled: str = ""
    label: str = "string"
    values: NDArray[np.float64] | None = None
    findings: tuple[Finding, ...] = ()


def missing_finding(name: str, what: str, rows: NDArray[np.bool_]) -> Finding:
    """Return the finding that numbers are taken for missing in these rows (bool [N])."""
    return Finding(
        code="data.missing_token",
        severity="warning" if "," in what or "infinite" in what else "note",
        what=f"{what[0].upper() + what[1:]} in {name!r} is taken for a missing value in {int(rows.sum()):,} rows.",
        column=name,
        rows=tuple(int(r) + 1 for r in np.flatnonzero(rows)[:5]),
        fix=f"if it is a value, say so: --kind {name}=number" if "infinite" not in what else "",
    )


def words_finding(name: str, words: Sequence[str], cells: TextCells | CodedCells) -> Finding:
    """Return the finding that words in a column of values are taken for missing."""
    rows = rows_of(words, cells if isinstance(cells, CodedCells) else coded(cells))
    shown = ", ".join(repr(w) for w in words[:5])
    return Finding(
        code="data.missing_token",
        severity="note",
        what=f"{shown} in the number column {name!r} is taken for a missing value in {len(rows):,} rows.",
        column=name,
        rows=tuple(rows[:5].tolist()),
        fix=f"if it means something, make the column a category: --kind {name}=category",
    )


def rows_of(words: Iterable[str], cells: CodedCells) -> NDArray[np.int64]:
    """Return the rows, from 1, of cells that are one of these words after strip and fold."""
    sought = set(words)
    hit = np.array([fold(str(t).strip(BLANKS)) in sought or str(t).strip(BLANKS) in sought for t in cells.levels])
    return np.flatnonzero(hit[cells.codes]) + 1 if len(hit) else np.empty(0, dtype=np.int64)
