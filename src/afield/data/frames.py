"""Objects in memory as sources: pandas, polars and pyarrow frames, numpy arrays, columns or rows of Python objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from afield.core.errors import DataError
from afield.data.delimited import check_unique
from afield.data.raw import Batch, CodedCells, NumberCells, ObjectCells, RawColumn, TextCells, objects
from afield.data.source import Source
from afield.data.typed import of_array, of_booleans, of_datetimes, of_integers, of_strings


def open_object(data: object) -> Source:
    """Open an object that is a table.

    Raises
    ------
    DataError
        ``data.unsupported``, ``data.empty``, ``data.duplicate_columns``, ``data.ragged``.
    """
    shown = f"<{type(data).__module__.partition('.')[0]} {type(data).__name__}>"
    columns = _columns(data, shown)
    lengths = {n: len(c) for n, c in columns.items()}
    if len(set(lengths.values())) > 1:
        raise DataError("data.ragged", "The columns differ in length.", where=shown, got=str(lengths)[:200])
    rows = next(iter(lengths.values()), 0)

    def batches(count: int, wanted: tuple[str, ...]) -> Iterator[Batch]:
        for start in range(0, rows, count):
            yield {n: _part(columns[n], start, min(start + count, rows)) for n in wanted}

    return Source(name=shown, format="frame", names=tuple(columns), batches=batches)


def _columns(data: Any, shown: str) -> dict[str, RawColumn]:
    if isinstance(data, np.ndarray):
        return _of_numpy(data, shown)
    if isinstance(data, Mapping):
        names = [str(n) for n in data]
        check_unique(names, shown)
        return {n: _of_values(v, n, shown) for n, v in zip(names, data.values(), strict=True)}
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _of_rows(data, shown)
    import narwhals.stable.v2 as nw

    try:
        frame = nw.from_native(data)
    except (TypeError, ValueError) as error:
        if "unique" in str(error).lower() or "duplicate" in str(error).lower():
            check_unique([str(c) for c in data.columns], shown)
        raise _unsupported(shown) from error
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    native = frame.to_native()
    names = [str(n) for n in getattr(native, "columns", frame.columns)] if _is_pandas(native) else frame.columns
    check_unique(names, shown)
    return {n: _of_series(frame[c], n) for n, c in zip(names, frame.columns, strict=True)}


def _is_pandas(frame: object) -> bool:
    return type(frame).__module__.startswith("pandas")


def _of_numpy(data: Any, shown: str) -> dict[str, RawColumn]:
    if data.dtype.names:  # a structured array
        return {n: of_array(np.asarray(data[n])) for n in data.dtype.names}
    if data.ndim != 2:
        raise DataError(
            "data.unsupported",
            f"The array has {data.ndim} dimension(s); a table has two.",
            where=shown,
            fix="reshape it to (rows, columns)",
        )
    return {f"x{i}": of_array(data[:, i]) for i in range(data.shape[1])}


def _of_rows(data: Sequence[Any], shown: str) -> dict[str, RawColumn]:
    if data and all(isinstance(row, Mapping) for row in data):
        names = list(dict.fromkeys(str(n) for row in data for n in row))
        rows = [{str(k): v for k, v in row.items()} for row in data]
        return {n: ObjectCells([row.get(n) for row in rows]) for n in names}
    if data and all(isinstance(row, (list, tuple)) for row in data):
        width = len(data[0])
        if any(len(row) != width for row in data):
            raise DataError("data.ragged", "The rows differ in length.", where=shown)
        return {f"x{i}": ObjectCells([row[i] for row in data]) for i in range(width)}
    if not data:
        raise DataError("data.empty", "There are no rows.", where=shown)
    raise _unsupported(shown)


def _of_values(values: Any, name: str, shown: str) -> RawColumn:
    if isinstance(values, np.ndarray):
        if values.ndim != 1:
            raise DataError("data.unsupported", f"Column {name!r} has {values.ndim} dimensions, not one.", where=shown)
        return of_array(values)
    if isinstance(values, (list, tuple)):
        return ObjectCells(values)
    import narwhals.stable.v2 as nw

    try:
        return _of_series(nw.from_native(values, series_only=True), name)
    except TypeError as error:
        raise DataError(
            "data.unsupported",
            f"Column {name!r} is a {type(values).__name__}.",
            where=shown,
            expected="a list, array or series",
        ) from error


def _of_series(series: Any, name: str) -> RawColumn:
    import narwhals.stable.v2 as nw

    kind = series.dtype
    missing = series.is_null().to_numpy().astype(bool)
    if kind.is_numeric():
        if kind.is_integer() and not missing.any():
            return of_integers(series.to_numpy())
        numbers = series.cast(nw.Float64).to_numpy().astype(np.float64)
        return NumberCells(np.where(missing, np.nan, numbers), whole=kind.is_integer())
    if kind == nw.Boolean:
        return of_booleans(series.fill_null(False).to_numpy().astype(bool), missing)
    if isinstance(kind, nw.Datetime) or kind == nw.Date:
        if getattr(kind, "time_zone", None):
            series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return of_datetimes(series.to_numpy().astype("datetime64[us]"))
    values = series.to_list()
    if kind in (nw.Categorical, nw.Enum):
        return _of_categories(values)
    return of_strings(objects(values)) if kind == nw.String else ObjectCells(values)


def _of_categories(values: list[Any]) -> RawColumn:
    if all(v is None or isinstance(v, str) for v in values):
        return of_strings(objects(values), "category")
    from afield.problem.cells import read_cell
    from afield.problem.schema import ColumnSpec

    plain = ColumnSpec(name="", kind="text", missing=())
    return of_strings(objects([read_cell(plain, v) for v in values]), "category")


def _part(cells: RawColumn, start: int, stop: int) -> RawColumn:
    if isinstance(cells, NumberCells):
        return NumberCells(cells.values[start:stop], cells.whole)
    if isinstance(cells, CodedCells):
        return CodedCells(cells.codes[start:stop], cells.levels, cells.typed)
    if isinstance(cells, ObjectCells):
        return ObjectCells(cells.values[start:stop])
    raise TypeError(f"{TextCells.__name__} do not come from objects")


def _unsupported(shown: str) -> DataError:
    return DataError(
        "data.unsupported",
        f"A {shown} cannot be read as a table.",
        expected="a path, URL, pandas, polars or pyarrow frame, 2-D array, dict of columns, or list of dicts",
    )
