"""What a network sees of the features: numbers near 1 without long tails, marks for missing ones, rows of a table.

Trees take any number; a network needs numbers of one size. So it can use the features that trees use, and nothing
but this module knows how they are brought to that size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.parts.protocol import Feature

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

REACH = float(np.finfo(np.float32).max)  # infinities count as this
SOFT = 3.0  # where the smooth clip saturates, in interquartile ranges
_OUTERMOST = 0.005  # ranks beyond count as this one: a normal score of 2.6
_SAMPLE = 200_000  # rows that decide quantiles


@dataclass(frozen=True)
class Encoded:
    """Rows as a network takes them.

    ``numbers``: float64 [N, D]; ``marks``: float64 [N, M], 1 where the value is missing; ``bins``: float64 [N, D, T],
    how far the value is through each bin, or None; ``codes``: int64 [N, C], rows of the table of levels.
    """

    numbers: Floats
    marks: Floats
    bins: Floats | None
    codes: Indices


@dataclass(frozen=True)
class Inputs:
    """How features become what a network sees.

    Parameters
    ----------
    dense, codes : int64 [D], [C]
        Columns of the feature matrix.
    levels : int64 [C]
        Levels of each column of codes; the table of levels has one more row for each, for all other values.
    marked : int64 [M]
        Which of ``dense`` lacked values in training.
    centre, scale : float64 [D]
        Median, and the inverse of the interquartile range.
    low, inverse, rise : float64 [D, T]
        Lower end and inverse width of each bin between quantiles (0: an empty bin), and what passing it adds to the
        normal score; T is 0 where nothing needs them.
    start : float64 [D]
        Normal score below the first bin.
    ranked : int64, 0-d
        1: numbers become normal scores; 0: they are scaled, and clipped smoothly.
    """

    dense: Indices
    codes: Indices
    levels: Indices
    marked: Indices
    centre: Floats
    scale: Floats
    low: Floats
    inverse: Floats
    rise: Floats
    start: Floats
    ranked: Indices

    @classmethod
    def fit(cls, features: NDArray[np.float32], forms: Sequence[Feature], *, ranked: bool, bins: int) -> Inputs:
        """Learn medians and quantiles from float32 [N, F]; ``bins`` 0: no bins are needed."""
        codes = np.array([i for i, f in enumerate(forms) if f.form == "codes"], dtype=np.int64)
        dense = np.array([i for i, f in enumerate(forms) if f.form != "codes"], dtype=np.int64)
        columns = [_there(features[:, i]) for i in dense]
        placed = np.array([_place(c) for c in columns]).reshape(-1, 2)
        cut = [_cut(c, bins) for c in columns]
        low, inverse, rise = (
            np.array([c[i] for c in cut], dtype=np.float64).reshape(len(dense), bins) for i in range(3)
        )
        missing = np.array([bool(np.isnan(features[:, i]).any()) for i in dense], dtype=bool)
        return cls(
            dense=dense,
            codes=codes,
            levels=np.array([forms[i].levels for i in codes], dtype=np.int64),
            marked=np.flatnonzero(missing).astype(np.int64),
            centre=placed[:, 0].copy(),
            scale=placed[:, 1].copy(),
            low=low,
            inverse=inverse,
            rise=rise,
            start=np.array([c[3] for c in cut], dtype=np.float64),
            ranked=np.array(int(ranked), dtype=np.int64),
        )

    @property
    def offsets(self) -> Indices:
        """The first row of each column of codes in the table of levels, int64 [C]."""
        return np.concatenate([[0], np.cumsum(self.levels + 1)])[: len(self.levels)].astype(np.int64)

    @property
    def table_rows(self) -> int:
        """Rows of the table of levels."""
        return int(np.sum(self.levels + 1))

    def __call__(self, features: NDArray[np.float32], *, bins: bool) -> Encoded:
        """Return the rows of float32 [N, F] as the network takes them; ``bins``: with bins."""
        values = np.clip(features[:, self.dense].astype(np.float64), -REACH, REACH)
        missing = np.isnan(values)
        values = np.where(missing, self.centre, values)
        through = np.clip((values[:, :, None] - self.low) * self.inverse, 0.0, 1.0) if bins or self.ranked else None
        if self.ranked and through is not None:
            numbers = np.sum(through * self.rise, axis=2) + self.start
        else:
            away = (values - self.centre) * self.scale
            numbers = away / np.sqrt(1.0 + (away / SOFT) ** 2)
        found = features[:, self.codes]
        known = (found >= 0) & (found < self.levels)
        codes = np.where(known, found, self.levels).astype(np.int64) + self.offsets
        return Encoded(numbers, missing[:, self.marked].astype(np.float64), through if bins else None, codes)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all fields."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Inputs:
        """Return what ``arrays`` came from."""
        return cls(**{f.name: arrays[f.name] for f in fields(cls)})


def _there(column: NDArray[np.float32]) -> Floats:
    """Return the values that are there, sorted; 0 alone when there are none."""
    values = np.clip(column[:: max(1, len(column) // _SAMPLE)].astype(np.float64), -REACH, REACH)
    values = np.sort(values[~np.isnan(values)])
    return values if len(values) else np.zeros(1)


def _place(values: Floats) -> tuple[float, float]:
    """Return median and inverse interquartile range, or half the range where that is 0 (Holzmueller et al. 2024)."""
    low, median, high = (float(q) for q in np.quantile(values, [0.25, 0.5, 0.75]))
    spread = high - low if high > low else float(values[-1] - values[0]) / 2.0
    return median, 1.0 / spread if spread > 0.0 else 0.0


def _cut(values: Floats, bins: int) -> tuple[Floats, Floats, Floats, float]:
    """Return lower ends, inverse widths and rises of ``bins`` bins between quantiles, and the score at the start."""
    if bins == 0:
        return np.zeros(0), np.zeros(0), np.zeros(0), 0.0
    edges = np.unique(np.quantile(values, np.linspace(0.0, 1.0, bins + 1), method="nearest"))
    below, upto = (np.searchsorted(values, edges, side) / len(values) for side in ("left", "right"))
    ranks = np.clip((below + upto) / 2.0, _OUTERMOST, 1.0 - _OUTERMOST)
    scores = np.array([NormalDist().inv_cdf(float(r)) for r in ranks])
    low, inverse, rise = np.zeros(bins), np.zeros(bins), np.zeros(bins)
    count = len(edges) - 1
    low[:count], inverse[:count], rise[:count] = edges[:-1], 1.0 / np.diff(edges), np.diff(scores)
    return low, inverse, rise, float(scores[0]) if count else 0.0
