"""Rows to graph feeds by the specs inside a model, in batches: file to file in constant memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from numpy.typing import NDArray

from afield.core.errors import DataError, did_you_mean
from afield.data.columns import BadCell, column_of
from afield.data.load import bad_cell
from afield.data.opening import open_source
from afield.data.raw import CodedCells, NumberCells, ObjectCells, RawColumn
from afield.data.source import Source
from afield.problem.schema import ColumnSpec

Feeds = tuple[dict[str, NDArray[Any]], dict[str, list[Any]]]


def stream(
    source: object, specs: Sequence[ColumnSpec], *, batch_rows: int = 8192, keep: Sequence[str] = ()
) -> Iterator[Feeds]:
    """Yield (columns, kept) of at most about ``batch_rows`` rows: all rows, in order.

    Parameters
    ----------
    source : object
        What ``load`` takes.
    specs : sequence of ColumnSpec
        The columns to feed. Others in the source do not matter, nor does their order.
    keep : sequence of str
        Columns to hand through as they are.

    Yields
    ------
    columns : dict
        By ``spec.name``: float64 [n] for numbers, object [n] of str otherwise.
    kept : dict
        By name: list of cells, text as written in text files.

    Raises
    ------
    DataError
        ``data.missing_column``, ``data.cell``, ``data.empty`` and the ``data.*`` codes of reading.
    """
    with open_source(source) as opened:
        needed = list(dict.fromkeys([*(s.name for s in specs), *keep]))
        check_columns(opened, needed)
        first = 0
        for batch in opened.batches(batch_rows, tuple(needed)):
            columns = {s.name: _feed(s, batch[s.name], first, opened.name) for s in specs}
            yield columns, {n: _cells(batch[n]) for n in keep}
            first += len(batch[needed[0]]) if needed else 0
        if first == 0:
            raise DataError("data.empty", "There are no rows.", where=opened.name)


def check_columns(opened: Source, needed: Sequence[str]) -> None:
    """Raise ``data.missing_column`` unless all needed columns are there."""
    lacking = [n for n in needed if n not in opened.names]
    if lacking:
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise DataError(
            "data.missing_column",
            f"The data has no column {lacking[0]!r}{more}.",
            where=opened.name,
            got=", ".join(opened.names[:30]),
            expected=", ".join(needed[:30]),
            fix=_renamed(lacking[0], opened.names),
        )


def _renamed(name: str, names: Sequence[str]) -> str:
    near = did_you_mean(name, list(names))
    return near if near.startswith("did you mean") else "add it; leave its cells empty where the value is not known"


def _feed(spec: ColumnSpec, cells: RawColumn, first: int, where: str) -> NDArray[Any]:
    try:
        return column_of(spec, cells).feed(slice(None))
    except BadCell as bad:
        raise bad_cell(spec, bad, first, where) from bad


def _cells(cells: RawColumn) -> list[Any]:
    if isinstance(cells, NumberCells):
        if cells.whole:
            return [int(v) if v == v else None for v in cells.values.tolist()]  # noqa: PLR0124 - NaN
        return [v if v == v else None for v in cells.values.tolist()]  # noqa: PLR0124
    if isinstance(cells, CodedCells):
        return [str(v) for v in cells.levels[cells.codes]]
    if isinstance(cells, ObjectCells):
        return list(cells.values)
    return [c for chunk in cells.lists() for c in chunk]
