"""Raw cells to typed columns by a column's spec: training, prediction and scoring all read through here.

Equal to ``afield.problem.cells.read_cell`` on every cell; distinct cells are read once, and cells that Python's own
``float`` reads alike take a fast path.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from afield.data.raw import SEPARATOR, CodedCells, NumberCells, ObjectCells, RawColumn, coded, objects
from afield.data.table import Column, NumberColumn, StringColumn
from afield.data.typed import EXACT
from afield.problem.cells import CellError, canonical_number, read_cell
from afield.problem.schema import ColumnSpec

_PLAIN_BYTES = (b"0123456789+-eE. " + SEPARATOR.encode(), b"0123456789+-eE, " + SEPARATOR.encode())
#: A number that ``float`` reads as the cell rules do, with a point.
PLAIN = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


class BadCell(Exception):  # noqa: N818 - control flow, always turned into a DataError with file and column
    """A cell that cannot be read: its row from 0, the cell, the reason."""

    def __init__(self, row: int, cell: object, reason: str) -> None:
        super().__init__(reason)
        self.row, self.cell, self.reason = row, cell, reason


def column_of(spec: ColumnSpec, cells: RawColumn) -> Column:
    """Return the typed column that the cells are by ``spec``.

    Raises
    ------
    BadCell
        At the first cell that cannot be read.
    """
    if spec.kind == "number":
        return NumberColumn(_numbers(spec, cells))
    return _strings(spec, cells)


def plain_numbers(chunk: str | Sequence[str], decimal: str = ".") -> NDArray[np.float64] | None:
    """Return the numbers of a chunk of plain or empty cells, else None; infinities come from too large numbers."""
    joined = chunk if isinstance(chunk, str) else SEPARATOR.join(chunk)
    if not isinstance(chunk, str) and joined.count(SEPARATOR) != len(chunk) - 1:
        return None  # a cell holds the separator
    if not joined.isascii() or joined.encode().translate(None, _PLAIN_BYTES[decimal == ","]):
        return None
    if decimal == ",":
        joined = joined.replace(",", ".")
        chunk = joined
    cells = chunk.split(SEPARATOR) if isinstance(chunk, str) else chunk
    try:
        if SEPARATOR * 2 in joined or joined.startswith(SEPARATOR) or joined.endswith(SEPARATOR) or not joined:
            return np.array([float(c) if c else np.nan for c in cells], dtype=np.float64)
        return np.fromiter(map(float, cells), dtype=np.float64, count=len(cells))
    except ValueError:
        return None


def _numbers(spec: ColumnSpec, cells: RawColumn) -> NDArray[np.float64]:
    if isinstance(cells, NumberCells):
        return _finite(without_tokens(spec, cells.values))
    if isinstance(cells, CodedCells):
        codes, levels = _used(cells)
        return np.array(_read_levels(spec, codes, levels), dtype=np.float64)[codes]
    if isinstance(cells, ObjectCells):
        return np.array(_read_objects(spec, cells.values), dtype=np.float64)
    parts, start = [], 0
    tokens = _number_tokens(spec)
    for chunk in cells.chunks:
        plain = plain_numbers(chunk, spec.decimal) if tokens is not None else None
        if plain is None or np.isinf(plain).any():
            values = _mixed_numbers(spec, chunk.split(SEPARATOR) if isinstance(chunk, str) else chunk, start)
        else:
            values = without_tokens(spec, plain)
        parts.append(values)
        start += len(values)
    return np.concatenate(parts) if parts else np.empty(0)


def _mixed_numbers(spec: ColumnSpec, cells: Sequence[str], start: int) -> NDArray[np.float64]:
    """Read each distinct cell once; those that are not plain by the full rules."""
    known: dict[str, float] = {}
    tokens = _number_tokens(spec)
    fast = spec.decimal == "." and tokens == ()
    for cell in dict.fromkeys(cells):
        if fast and PLAIN.fullmatch(cell) and abs(value := float(cell)) != np.inf:
            known[cell] = value
            continue
        try:
            known[cell] = float(read_cell(spec, cell))
        except CellError as error:
            raise BadCell(start + list(cells).index(cell), cell, str(error)) from error
    return np.fromiter(map(known.__getitem__, cells), dtype=np.float64, count=len(cells))


def _number_tokens(spec: ColumnSpec) -> tuple[float, ...] | None:
    """Return the missing tokens that are numbers; None when one is not in canonical form, so that texts decide."""
    numbers = [t for t in spec.missing if PLAIN.fullmatch(t)]
    if any(canonical_number(float(t)) != t for t in numbers):
        return None
    return tuple(float(t) for t in numbers)


def without_tokens(spec: ColumnSpec, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the numbers with those that mean "missing" as NaN."""
    tokens = [t for t in spec.missing if PLAIN.fullmatch(t) and canonical_number(float(t)) == t]
    numbers = [float(t) for t in tokens] + [float(t) for t in ("inf", "-inf") if t in spec.missing]
    return np.where(np.isin(values, numbers), np.nan, values) if numbers else values


def _finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    infinite = np.isinf(values)
    if infinite.any():
        row = int(np.argmax(infinite))
        raise BadCell(row, float(values[row]), "an infinite number")
    return values


def _used(cells: CodedCells) -> tuple[NDArray[np.int32], list[object]]:
    """Return codes into the levels that occur, in order of first appearance, and these as typed cells."""
    import pandas as pd

    codes, used = pd.factorize(cells.codes)
    return codes.astype(np.int32), [_typed(str(cells.levels[i]), cells.typed) for i in used]


def _typed(level: str, typed: str) -> object:
    if level == "":
        return None
    if typed == "boolean":
        return level == "true"
    return datetime.fromisoformat(level) if typed == "datetime" else level


def _read_levels(spec: ColumnSpec, codes: NDArray[np.int32], levels: Sequence[object]) -> list[float | str]:
    values = []
    for i, level in enumerate(levels):
        try:
            values.append(read_cell(spec, level))
        except CellError as error:
            raise BadCell(int(np.argmax(codes == i)), level, str(error)) from error
    return values


def _read_objects(spec: ColumnSpec, cells: Sequence[object]) -> list[float | str]:
    values = []
    for row, cell in enumerate(cells):
        try:
            values.append(read_cell(spec, cell))
        except CellError as error:
            raise BadCell(row, cell, str(error)) from error
    return values


def _strings(spec: ColumnSpec, cells: RawColumn) -> StringColumn:
    if isinstance(cells, ObjectCells):
        return StringColumn.of(objects(_read_objects(spec, cells.values)))
    if isinstance(cells, NumberCells):
        codes, levels = _number_levels(cells)
    elif isinstance(cells, CodedCells):
        if cells.typed == "datetime" and spec.kind == "datetime":
            return _merge(cells.codes, list(cells.levels))
        codes, levels = _used(cells)
    else:
        texts = coded(cells)
        codes, levels = texts.codes, list(texts.levels)
    return _merge(codes, [str(v) for v in _read_levels(spec, codes, levels)])


def _number_levels(cells: NumberCells) -> tuple[NDArray[np.int32], list[object]]:
    import pandas as pd

    codes, levels = pd.factorize(cells.values, use_na_sentinel=False)
    return codes.astype(np.int32), [int(v) if abs(v) < EXACT and v == int(v) else float(v) for v in levels]


def _merge(codes: NDArray[np.int32], values: Sequence[str]) -> StringColumn:
    """Return the column with equal values as one level: cells ``NA`` and blank are both missing."""
    index: dict[str, int] = {}
    places = np.array([index.setdefault(v, len(index)) for v in values], dtype=np.int32)
    return StringColumn(places[codes] if len(codes) else codes, objects(list(index)))
