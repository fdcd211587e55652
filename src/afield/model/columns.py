"""One column of any library becomes one input of the graph, cell by cell as ``afield.problem.cells`` says.

Numbers in numpy arrays and repeated texts take short cuts that give the same values. No library of tables may be
imported here, so their columns are recognised by what they can do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.core.errors import ModelFileError
from afield.model.media import FORMS, read_media
from afield.problem.cells import canonical_number, read_cell
from afield.problem.schema import MEDIA_KINDS, ColumnSpec

WANTED = {
    "number": "a number, or None for a missing one",
    "category": "a text, a number or a boolean, or None for a missing one",
    "text": "a text, or None for a missing one",
    "datetime": "a date, or a text in a format of the column, or None for a missing one",
}
_UNREADABLE = (ValueError, TypeError)  # CellError is a ValueError; TypeError: a value that cannot be hashed


def read_column(spec: ColumnSpec, values: NDArray[Any] | Sequence[Any]) -> NDArray[Any]:
    """Return graph input: float64 [N] (NaN = missing), object [N] of str (``""`` = missing), or an array of media.

    Raises
    ------
    ModelFileError
        ``model.cell``.
    """
    if spec.kind in MEDIA_KINDS:
        return read_media(spec, values)
    kind = values.dtype.kind if isinstance(values, np.ndarray) else "O"
    if kind in "fiub":
        return _numbers(spec, np.asarray(values)) if spec.kind == "number" else _by_distinct(spec, np.asarray(values))
    if kind == "M" and spec.kind == "datetime":
        whole = np.asarray(values).astype("datetime64[s]")
        known = whole[~np.isnat(whole)]
        if not len(known) or (known.min() >= _FIRST and known.max() <= _LAST):
            return np.where(np.isnat(whole), "", np.datetime_as_string(whole)).astype(object)
    return _one_by_one(spec, values.tolist() if isinstance(values, np.ndarray) and kind == "U" else list(values))


def read_one(spec: ColumnSpec, value: Any) -> NDArray[Any]:
    """Return graph input [1] of one value; raises as ``read_column``."""
    try:
        return np.array([read_cell(spec, value)], dtype=dtype_of(spec))
    except _UNREADABLE as error:
        raise cell_error(spec, 0, value, error) from error


def dtype_of(spec: ColumnSpec) -> type[Any]:
    """Return the element type of the column's graph input in numpy."""
    if spec.kind in MEDIA_KINDS:
        return FORMS[spec.kind][0]
    return np.float64 if spec.kind == "number" else object


def cell_error(spec: ColumnSpec, row: int, value: Any, reason: Exception) -> ModelFileError:
    """Return the error for a value that does not fit its column; ``row`` counts from 0."""
    shown = repr(value)
    return ModelFileError(
        "model.cell",
        f"The {spec.kind} column {spec.name!r} cannot take a value: {reason}.",
        where=f"column {spec.name!r}, row {row + 1}",
        got=f"{type(value).__name__} {shown if len(shown) <= 60 else shown[:57] + '...'}",
        expected=WANTED[spec.kind],
        fix="Correct the value, or give None where it is not known.",
    )


# Short cuts -----------------------------------------------------------------------------------------------------------

_FIRST, _LAST = np.datetime64("0001-01-01", "s"), np.datetime64("9999-12-31T23:59:59", "s")


def _numbers(spec: ColumnSpec, values: NDArray[Any]) -> NDArray[np.float64]:
    result = np.asarray(values, dtype=np.float64)
    for token in _missing_numbers(spec.missing):
        hit = result == token
        if hit.any():
            result = np.where(hit, np.nan, result)
    if np.isinf(result).any():
        row = int(np.argmax(np.isinf(result)))
        raise cell_error(spec, row, values[row].item(), ValueError("an infinite number"))
    return result


@lru_cache(maxsize=256)
def _missing_numbers(missing: tuple[str, ...]) -> tuple[float, ...]:
    """Return the numbers among the missing tokens, such as -999."""
    found = []
    for token in missing:
        try:
            value = float(token)
        except ValueError:
            continue
        if value == value and canonical_number(value) == token:  # noqa: PLR0124 - not NaN
            found.append(value)
    return tuple(found)


def _by_distinct(spec: ColumnSpec, values: NDArray[Any]) -> NDArray[Any]:
    distinct, first, inverse = np.unique(values, return_index=True, return_inverse=True)
    texts = np.empty(len(distinct), dtype=object)
    for at in np.argsort(first).tolist():  # in order of rows, so that the first wrong row is named
        value = distinct[at].item()
        try:
            texts[at] = read_cell(spec, value)
        except _UNREADABLE as error:
            raise cell_error(spec, int(first[at]), value, error) from error
    return np.asarray(texts[inverse.reshape(-1)])


class _Readings(dict[Any, Any]):
    """Remembers the reading of each distinct value of a column: texts repeat, and parsing them costs."""

    def __init__(self, spec: ColumnSpec) -> None:
        super().__init__()
        self.spec = spec

    def __missing__(self, value: Any) -> float | str:
        self[value] = result = read_cell(self.spec, value)
        return result


def _one_by_one(spec: ColumnSpec, values: list[Any]) -> NDArray[Any]:
    # 1, 1.0 and True are one key of a dict, but not one level of a category
    plain = len(set(map(type, values)) - {str, type(None)}) <= 1
    read: Callable[[Any], float | str] = _Readings(spec).__getitem__ if plain else lambda v: read_cell(spec, v)
    result = np.empty(len(values), dtype=dtype_of(spec))
    try:
        result[:] = [read(value) for value in values]
    except _UNREADABLE as error:
        raise _first_unreadable(spec, values, error) from error
    return result


def _first_unreadable(spec: ColumnSpec, values: list[Any], error: Exception) -> ModelFileError:
    for row, value in enumerate(values):
        try:
            read_cell(spec, value)
        except _UNREADABLE as found:
            return cell_error(spec, row, value, found)
    return cell_error(spec, 0, values[0], error)


# Columns of other libraries -------------------------------------------------------------------------------------------


_SCALARS = frozenset({str, bytes, float, int, bool, type(None)})


def is_scalar(value: Any) -> bool:
    """Return True for one value, False for a column of values."""
    if type(value) in _SCALARS or isinstance(value, str | bytes | float | int):
        return True
    if isinstance(value, np.ndarray | np.generic):
        return value.ndim == 0
    return not (hasattr(value, "__len__") or hasattr(value, "__iter__") or hasattr(value, "__array__"))


def values_of(column: Any) -> NDArray[Any] | Sequence[Any]:
    """Return the values of a column of any library as an array or a list."""
    if isinstance(column, np.ma.MaskedArray):
        return list(column.tolist())
    if isinstance(column, list | tuple):
        return column
    if hasattr(column, "to_pylist"):  # pyarrow; its to_numpy turns missing codes of dictionaries into the last level
        coded = str(column.type).startswith("dictionary")
        options = {} if hasattr(column, "chunks") else {"zero_copy_only": False}
        return list(column.to_pylist()) if coded else _flat(np.asarray(column.to_numpy(**options)))
    if hasattr(column, "to_numpy"):
        column = column.to_numpy()
    return _flat(column) if isinstance(column, np.ndarray) else list(column)


def _flat(array: NDArray[Any]) -> NDArray[Any]:
    if array.ndim != 1:
        raise ModelFileError("model.rows", "A column must have one value a row.", got=f"shape {array.shape}")
    return array
