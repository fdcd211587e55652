"""The table in memory: typed columns, strings as codes into their distinct values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class NumberColumn:
    """Numbers. ``values``: float64 [N], NaN = missing."""

    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: Rows) -> NumberColumn:
        """Return the column with these rows only."""
        return NumberColumn(np.asarray(self.values[rows]))

    def feed(self, rows: Rows | slice) -> NDArray[Any]:
        """Return graph input: float64 [n]."""
        return np.asarray(self.values[rows], dtype=np.float64)

    @property
    def missing(self) -> NDArray[np.bool_]:
        """bool [N], True where the cell is missing."""
        return np.isnan(self.values)


@dataclass(frozen=True)
class StringColumn:
    """Categories, texts and datetimes.

    ``codes``: int32 [N] into ``levels``; ``levels``: the distinct values in order of first appearance,
    object array of str, where ``""`` is missing.
    """

    codes: NDArray[np.int32]
    levels: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, rows: Rows) -> StringColumn:
        """Return the column with these rows only; levels stay as they are."""
        return StringColumn(np.asarray(self.codes[rows]), self.levels)

    def feed(self, rows: Rows | slice) -> NDArray[Any]:
        """Return graph input: object [n] of str."""
        return np.asarray(self.levels[self.codes[rows]], dtype=object)

    @property
    def missing(self) -> NDArray[np.bool_]:
        """bool [N], True where the cell is missing."""
        return np.asarray(self.levels == "", dtype=bool)[self.codes]

    @classmethod
    def of(cls, values: Sequence[str] | NDArray[Any]) -> StringColumn:
        """Return the column of these texts; levels in order of first appearance."""
        import pandas as pd

        codes, levels = pd.factorize(np.asarray(values, dtype=object), use_na_sentinel=False)
        return cls(codes.astype(np.int32), np.asarray(levels, dtype=object))


Column = NumberColumn | StringColumn


@dataclass(frozen=True)
class Table:
    """Columns of equal length under their names, in the order of the source."""

    columns: Mapping[str, Column]
    rows: int

    def __post_init__(self) -> None:
        for name, column in self.columns.items():
            if len(column) != self.rows:
                raise ValueError(f"column {name!r} has {len(column)} rows, the table {self.rows}")

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]

    def take(self, rows: Rows) -> Table:
        """Return the table with these rows only."""
        return Table({n: c.take(rows) for n, c in self.columns.items()}, len(rows))

    def select(self, names: Sequence[str]) -> Table:
        """Return the table with these columns only, in this order."""
        return Table({n: self.columns[n] for n in names}, self.rows)
