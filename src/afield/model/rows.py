"""Whatever a user calls rows becomes the feed of the graph, by the schema inside the file.

Columns that are not there are an error, never NaN; extra columns and another order do not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.core.errors import ModelFileError, did_you_mean
from afield.model.columns import dtype_of, is_scalar, read_column, read_one, values_of
from afield.problem.schema import MEDIA_KINDS, Schema

Feed = dict[str, NDArray[Any]]
_FORMS = "a dict of columns, one dict for one row, a list of dicts, a pandas, polars or pyarrow frame, or a numpy array"


def feed_rows(schema: Schema, rows: Any) -> tuple[Feed, int]:
    """Return (feed, number of rows).

    Parameters
    ----------
    schema : Schema
    rows : object
        A mapping of names to columns or, for one row, to values; a list of such one-row mappings (a key that only
        some of them have is missing in the others); a pandas, polars or pyarrow frame, or anything with ``columns``
        and ``frame[name]``; a numpy structured array; a 2-D numpy array with the model's columns in order.

    Returns
    -------
    feed : dict of str to ndarray [N]
        Graph input name to float64, or object of str.
    rows : int
        N.

    Raises
    ------
    ModelFileError
        ``model.rows``, ``model.missing_column``, ``model.cell``.
    """
    if isinstance(rows, Mapping):
        return _from_mapping(schema, rows)
    if isinstance(rows, np.ndarray):
        return _from_array(schema, rows)
    if hasattr(rows, "column_names") and hasattr(rows, "column"):  # pyarrow Table, RecordBatch
        names = _unique(list(rows.column_names))
        return _from_columns(schema, names, lambda name: values_of(rows.column(name)))
    if hasattr(rows, "columns") and hasattr(rows, "__getitem__"):  # pandas, polars, narwhals
        names = _unique(list(rows.columns))
        return _from_columns(schema, names, lambda name: values_of(rows[name]))
    if hasattr(rows, "to_dict") and hasattr(rows, "index"):  # one row of a pandas frame
        return _from_mapping(schema, rows.to_dict())
    if isinstance(rows, Sequence) and not isinstance(rows, str | bytes):
        return _from_records(schema, rows)
    raise _unknown_form(rows)


def empty_feed(schema: Schema) -> Feed:
    """Return the feed of zero rows."""
    return {c.input_name: np.zeros(0, dtype=dtype_of(c)) for c in schema.columns}


# The forms of rows ----------------------------------------------------------------------------------------------------


def _from_mapping(schema: Schema, rows: Mapping[Any, Any]) -> tuple[Feed, int]:
    try:
        given = [rows[spec.name] for spec in schema.columns]
    except KeyError:
        texts = {str(key): value for key, value in rows.items()}  # names such as 2019 come as int
        _require(schema, list(texts))
        given = [texts[spec.name] for spec in schema.columns]
    scalars = [is_scalar(value) for value in given]
    if all(scalars):
        return {s.input_name: read_one(s, v) for s, v in zip(schema.columns, given, strict=True)}, 1
    if any(scalars):
        name = schema.columns[scalars.index(True)].name
        raise ModelFileError(
            "model.rows",
            "Some columns are lists of values and others are single values.",
            where=f"column {name!r}",
            got=type(given[scalars.index(True)]).__name__,
            expected="a list of values for every column, or one value for every column",
        )
    by_name = {spec.name: value for spec, value in zip(schema.columns, given, strict=True)}
    media = {spec.name for spec in schema.columns if spec.kind in MEDIA_KINDS}
    return _from_columns(
        schema,
        {name: name for name in by_name},
        lambda name: by_name[name] if name in media else values_of(by_name[name]),
    )


def _from_records(schema: Schema, rows: Sequence[Any]) -> tuple[Feed, int]:
    if not rows:
        return empty_feed(schema), 0
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, Mapping):
            raise ModelFileError(
                "model.rows",
                "A list of rows must hold dicts: without names nobody knows which value is which.",
                where=f"row {number}",
                got=type(row).__name__,
                expected=_FORMS,
            )
    names = {str(key): key for row in rows for key in row}
    return _from_columns(schema, names, lambda name: [row.get(name) for row in rows])


def _from_array(schema: Schema, rows: NDArray[Any]) -> tuple[Feed, int]:
    if rows.dtype.names:
        flat = np.atleast_1d(rows)
        return _from_columns(schema, {n: n for n in rows.dtype.names}, lambda name: values_of(flat[name]))
    if rows.ndim != 2 or rows.shape[1] != len(schema.columns):
        raise ModelFileError(
            "model.rows",
            "A numpy array without names must hold the model's columns in their order.",
            got=f"shape {rows.shape}",
            expected=f"(N, {len(schema.columns)}): {', '.join(repr(c.name) for c in schema.columns[:20])}",
        )
    positions = {spec.name: at for at, spec in enumerate(schema.columns)}
    return _from_columns(schema, {n: n for n in positions}, lambda name: values_of(rows[:, positions[name]]))


def _from_columns(
    schema: Schema, names: Mapping[str, Any], column: Callable[[Any], NDArray[Any] | Sequence[Any]]
) -> tuple[Feed, int]:
    """Read column by column; ``names`` maps a name as text to the key that ``column`` takes."""
    _require(schema, list(names))
    feed: Feed = {}
    first = -1
    for spec in schema.columns:
        values = column(names[spec.name])
        if first < 0:
            first = len(values)
        elif len(values) != first:
            raise ModelFileError(
                "model.rows",
                "The columns have different numbers of rows.",
                where=f"column {spec.name!r}",
                got=str(len(values)),
                expected=f"{first}, as column {schema.columns[0].name!r} has",
            )
        feed[spec.input_name] = read_column(spec, values)
    return feed, max(first, 0)


def _require(schema: Schema, given: list[str]) -> None:
    known = set(given)
    lacking = [c.name for c in schema.columns if c.name not in known]
    if not lacking:
        return
    others = [name for name in given if name not in {c.name for c in schema.columns}]
    shown = ", ".join(repr(name) for name in lacking[:10]) + (" ..." if len(lacking) > 10 else "")
    raise ModelFileError(
        "model.missing_column",
        f"The rows lack {'the column' if len(lacking) == 1 else f'{len(lacking)} columns'} {shown}.",
        where=f"column {lacking[0]!r}",
        got="columns " + ", ".join(repr(n) for n in given[:20]) if given else "no columns",
        expected=", ".join(repr(c.name) for c in schema.columns[:20]),
        fix=(f"For {lacking[0]!r}: {did_you_mean(lacking[0], others)} " if others else "")
        + "A value that is not known is given as None; a column is never left out.",
    )


def _unique(names: list[Any]) -> dict[str, Any]:
    by_text = {str(name): name for name in names}
    if len(by_text) < len(names):
        twice = next(str(n) for at, n in enumerate(names) if str(n) in {str(m) for m in names[:at]})
        raise ModelFileError("model.rows", f"Two columns are called {twice!r}.", fix="Rename or drop one of them.")
    return by_text


def _unknown_form(rows: Any) -> ModelFileError:
    path = isinstance(rows, str | bytes) or hasattr(rows, "__fspath__")
    return ModelFileError(
        "model.rows",
        "This object cannot be read as rows.",
        got=repr(rows)[:60] if path else type(rows).__name__,
        expected=_FORMS,
        fix="For a file: `afield predict model.onnx FILE`, or afield.predict(model, FILE)." if path else "",
    )
