"""Typed sources to raw columns: numpy and pandas arrays, and lists of Python objects."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from afield.core.errors import DataError
from afield.data.raw import CodedCells, NumberCells, ObjectCells, RawColumn, objects
from afield.problem.cells import CellError, canonical_number, read_cell
from afield.problem.schema import ColumnSpec

#: Beyond it, doubles skip whole numbers.
EXACT = 2.0**53
_PLAIN = ColumnSpec(name="", kind="text", missing=())


def of_strings(values: Any, typed: Literal["text", "category"] = "text") -> CodedCells:
    """Return coded cells of an array or pandas series of str; missing values become ``""``."""
    import pandas as pd

    codes, levels = pd.factorize(values)
    texts = objects([str(v) for v in levels])
    codes = codes.astype(np.int32)
    if (codes < 0).any():
        if "" in set(texts):
            codes[codes < 0] = int(np.flatnonzero(texts == "")[0])
        else:  # the new level goes where it appeared first
            place = len(set(codes[: int(np.argmax(codes < 0))].tolist()))
            codes = np.where(codes < 0, place, np.where(codes >= place, codes + 1, codes)).astype(np.int32)
            texts = objects([*texts[:place], "", *texts[place:]])
    return CodedCells(codes, texts, typed)


def of_booleans(values: NDArray[np.bool_], missing: NDArray[np.bool_]) -> CodedCells:
    """Return coded cells of booleans."""
    texts = np.where(missing, "", np.where(values, "true", "false")).astype(object)
    cells = of_strings(texts)
    return CodedCells(cells.codes, cells.levels, "boolean")


def of_datetimes(values: NDArray[Any]) -> CodedCells:
    """Return coded cells of datetime64 [N] of any unit, NaT = missing."""
    import pandas as pd

    seconds = values.astype("datetime64[s]")
    codes, levels = pd.factorize(seconds.astype(np.int64), use_na_sentinel=False)
    distinct = np.asarray(levels).astype("datetime64[s]")
    texts = np.where(np.isnat(distinct), "", np.datetime_as_string(distinct, unit="s")).astype(object)
    return CodedCells(codes.astype(np.int32), texts, "datetime")


def of_integers(values: NDArray[Any]) -> RawColumn:
    """Return number cells of integers, or their digits as text where a double cannot hold them."""
    if len(values) and (float(values.max()) > EXACT or float(values.min()) < -EXACT):
        return of_strings(values.astype(str).astype(object))
    return NumberCells(values.astype(np.float64), whole=True)


def of_array(values: NDArray[Any]) -> RawColumn:
    """Return raw cells of a one-dimensional numpy array of any usual type."""
    match values.dtype.kind:
        case "b":
            return of_booleans(values, np.zeros(len(values), dtype=bool))
        case "i" | "u":
            return of_integers(values)
        case "f":
            return NumberCells(values.astype(np.float64), whole=False)
        case "M":
            return of_datetimes(values)
        case "U" | "T":
            return of_strings(values.astype(object))
        case _:
            return ObjectCells(values.tolist() if values.dtype.kind == "O" else values.astype(object).tolist())


def settle(cells: ObjectCells, name: str, where: str) -> RawColumn:
    """Return typed cells of Python objects: by their types where they agree, else as canonical text.

    Raises
    ------
    DataError
        ``data.unsupported``: a list, an object or bytes among the cells.
    """
    values = [_missing_as_none(v) for v in cells.values]
    types = {type(v) for v in values} - {type(None)}
    if types and all(issubclass(t, (int, float, Decimal)) and t is not bool for t in types):
        return _numbers(values, whole=all(issubclass(t, int) for t in types))
    typed: Literal["text", "boolean", "datetime"] = "text"
    if types == {bool}:
        typed = "boolean"
    elif types and all(issubclass(t, date) for t in types):
        typed = "datetime"
    texts = values if types <= {str} else [_text(v, name, row, where) for row, v in enumerate(values, 1)]
    coded = of_strings(objects(["" if v is None else v for v in texts]))
    return CodedCells(coded.codes, coded.levels, typed)


def _missing_as_none(value: object) -> object:
    if value is None or type(value) in (str, int, float, bool):
        return value
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, np.generic) and value.dtype.kind != "M":
        return value.item()
    return value


def _numbers(values: Sequence[Any], *, whole: bool) -> RawColumn:
    if whole and any(v is not None and abs(v) > EXACT for v in values):
        return of_strings(objects(["" if v is None else canonical_number(v) for v in values]))
    return NumberCells(np.array([np.nan if v is None else float(v) for v in values], dtype=np.float64), whole)


def _text(value: object, name: str, row: int, where: str) -> str:
    try:
        return value if isinstance(value, str) else str(read_cell(_PLAIN, value))
    except CellError as error:
        raise DataError(
            "data.unsupported",
            f"The cells of {name!r} cannot be read: {error}.",
            where=f"{where}, column {name!r}, row {row}",
            got=type(value).__name__,
            expected="text, numbers, booleans or dates",
            fix=f"turn the column into plain values, or leave it out: --ignore {name}",
        ) from error
