"""Levels of categories: which of them are kept, and how a graph looks them up.

All columns of an encoder share one ``LabelEncoder``: each cell is first prefixed with the number of its column
(``3:red``), so the table grows with the levels alone and the number of nodes not at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afield.data.table import StringColumn, Table
from afield.graph.builder import Builder, Value

MISSING, RARE, FIRST = 0, 1, 2  # codes: missing, rare or unseen, and the first kept level

#: A level in fewer rows could name a person. Settings may raise this limit, never lower it.
PRIVATE_BELOW = 5


@dataclass(frozen=True)
class KeptLevels:
    """The levels of one column that are kept.

    ``texts``: most frequent first, ties by text; the level ``texts[j]`` has the code ``FIRST + j``.
    ``codes``: int64 [levels of the column], the code of each of the column's distinct values.
    ``counts``: int64 [FIRST + len(texts)], training rows with each code.
    """

    texts: tuple[str, ...]
    codes: NDArray[np.int64]
    counts: NDArray[np.int64]


def keep_levels(column: StringColumn, *, min_count: int, max_levels: int) -> KeptLevels:
    """Return the ``max_levels`` most frequent levels that occur in at least ``min_count`` rows."""
    counts = np.bincount(column.codes, minlength=len(column.levels))
    levels = column.levels.tolist()
    often = [int(i) for i in np.flatnonzero(counts >= min_count) if levels[i] != "" and _encodable(levels[i])]
    kept = sorted(often, key=lambda i: (-int(counts[i]), levels[i]))[:max_levels]
    codes = np.where(np.asarray(column.levels == "", dtype=bool), MISSING, RARE).astype(np.int64)
    codes[kept] = np.arange(FIRST, FIRST + len(kept))
    totals = np.zeros(FIRST + len(kept), np.int64)
    np.add.at(totals, codes, counts)
    return KeptLevels(tuple(levels[i] for i in kept), codes, totals)


def string_column(table: Table, name: str) -> StringColumn:
    """Return a column that has to hold strings."""
    column = table[name]
    if not isinstance(column, StringColumn):
        raise TypeError(f"the column {name!r} holds numbers, this encoder reads strings")
    return column


def look_up(
    builder: Builder,
    inputs: Mapping[str, Value],
    columns: Sequence[str],
    keys: Sequence[Sequence[str]],
    values: Sequence[NDArray[np.float32]] | Sequence[NDArray[np.int64]],
    *,
    default: float,
) -> Value:
    """Add five nodes that replace each cell by its value: string [N] each to float32 or int64 [N, C].

    Parameters
    ----------
    keys : texts of each column
    values : float32 or int64 [len(keys[c])] of each column c; all of one dtype
    default : value of a cell that is none of the keys
    """
    prefixes = np.array([[f"{c}:"] for c in range(len(columns))], dtype=object)
    stacked = builder.stack_columns([inputs[name] for name in columns])
    marked = builder.op("StringConcat", builder.constant(prefixes), stacked)
    texts = [f"{c}:{text}" for c, column in enumerate(keys) for text in column]
    flat = np.concatenate(values)
    if flat.dtype == np.float32:
        result = builder.op(
            "LabelEncoder",
            marked,
            dtype="float32",
            keys_strings=texts,
            values_floats=flat.tolist(),
            default_float=float(default),
        )
    else:
        result = builder.op(
            "LabelEncoder",
            marked,
            dtype="int64",
            keys_strings=texts,
            values_int64s=flat.tolist(),
            default_int64=int(default),
        )
    return builder.transpose(result, [1, 0])


def look_up_codes(
    builder: Builder, inputs: Mapping[str, Value], columns: Sequence[str], texts: Sequence[Sequence[str]]
) -> Value:
    """Add nodes that replace each cell by its code (MISSING, RARE or FIRST + j): float32 [N, C]."""
    keys = [("", *kept) for kept in texts]
    values = [np.array([MISSING, *range(FIRST, FIRST + len(kept))], np.float32) for kept in texts]
    return look_up(builder, inputs, columns, keys, values, default=RARE)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate has no UTF-8, so no graph can hold it
        return False
    return True
