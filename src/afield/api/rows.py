"""Rows of any source as batches that a model takes: a file is streamed, a frame is one batch."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from afield.core.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from afield.model.model import Model
    from afield.problem.schema import ColumnSpec

BATCH_ROWS = 16_384

Feed = dict[str, "NDArray[Any]"]
Kept = dict[str, Sequence[Any]]


def is_file(data: object) -> bool:
    """Return whether ``data`` is a path or a URL."""
    return isinstance(data, str | os.PathLike)


def batches(
    model: Model, data: object, *, keep: Sequence[str] = (), extra: Sequence[ColumnSpec] = ()
) -> Iterator[tuple[Feed, Kept]]:
    """Yield (feed of the graph, kept columns) for consecutive rows.

    Parameters
    ----------
    model : Model
    data : path, URL or anything that ``Model.predict`` takes
    keep : sequence of str
        Columns to hand through.
    extra : sequence of ColumnSpec
        Columns to read besides the model's, such as the target; they are in the feed under their input names.

    Raises
    ------
    DataError, ModelFileError
        With file, column and row.
    """
    columns = (*model.schema.columns, *extra)
    if is_file(data):
        from afield.data.stream import stream

        inputs = {spec.name: spec.input_name for spec in columns}
        for found, kept in stream(data, columns, batch_rows=BATCH_ROWS, keep=tuple(keep)):
            yield {inputs[name]: values for name, values in found.items()}, dict(kept)
        return
    from afield.model.rows import feed_rows

    feed, _ = feed_rows(replace(model.schema, columns=columns), data)
    yield feed, {name: _column(data, name) for name in keep}


def _column(data: Any, name: str) -> Sequence[Any]:
    """Return one column of a frame as a list."""
    try:
        values = data[name]
    except (KeyError, IndexError, ValueError, TypeError) as error:
        known = [str(c) for c in getattr(data, "columns", data if isinstance(data, dict) else ())]
        raise DataError(
            "data.missing_column", f"There is no column {name!r} to keep.", fix=did_you_mean(name, known)
        ) from error
    cells = values.to_list() if hasattr(values, "to_list") else values
    return [None if isinstance(cell, float) and math.isnan(cell) else cell for cell in cells]
