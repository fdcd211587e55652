"""Rows made from the schema and the graph alone, never from real rows: for self-tests and for parity.

Sample rows look like the data, column by column. Hostile rows sit where implementations part ways: on each threshold
of the graph and on its float neighbours, at infinities, on levels nobody has seen, on dates that do not exist.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.core.randomness import derive_seed
from afield.model.rows import Feed
from afield.problem.schema import ColumnSpec, Schema

#: Words of sample texts: common, neutral, of no person's data.
WORDS = (
    "river stone light green winter field morning apple paper small window quiet table north early water "
    "garden letter summer bright cloud wooden answer second harbour yellow simple bridge evening copper"
).split()

_NUMBERS = (
    np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 1e308, -1e308, 5e-324, -5e-324, 1e-40, 3.5e38, -3.5e38,
    float(np.finfo(np.float32).max), 2.0**24 + 1, 2.0**53,
)  # fmt: skip
_TEXTS = (
    "",
    "never seen",
    " ",
    "ÆØÅ naïve 漢字 🦪",
    "İı ẞß ǅ",
    "a\tb\nc",
    "0",
    "1.0",
    "nan",
    "x" * 3_000,
    "word " * 200,
)
_DATES = (
    "", "0001-01-01T00:00:00", "9999-12-31T23:59:59", "1969-12-31T23:59:59", "1970-01-01T00:00:00",
    "2000-02-29T12:00:00", "1900-02-28T00:00:00", "2023-02-30T00:00:00", "2024-12-31T24:00:00", "2023-13-01T00:00:00",
    "2023-06-15", "2023-06-15 10:00:00", "2023-06-15T10:00:00Z", "not a date", "T", "----",
)  # fmt: skip

_SHARE_MISSING, _SHARE_OUTSIDE = 0.06, 0.04


def synthesise(schema: Schema, n: int, seed: int) -> Feed:
    """Return ``n`` sample rows, column by column from the schema alone.

    Numbers are uniform in the range seen in training, some outside it; levels, dates in range, texts of neutral
    words; some cells are missing.

    Returns
    -------
    dict of str to ndarray [n]
        Graph input name to float64 or object of str.
    """
    return {
        c.input_name: _sample(c, n, np.random.default_rng(derive_seed(seed, "sample", c.name))) for c in schema.columns
    }


def hostile(schema: Schema, thresholds: Mapping[str, NDArray[np.float64]], n_max: int = 20_000, seed: int = 0) -> Feed:
    """Return hostile rows: one odd value at a time on top of sample rows, then random mixtures.

    Parameters
    ----------
    schema : Schema
    thresholds : mapping of str to float64 [T]
        Column name to the thresholds that the graph compares that number column with.
    n_max : int
        At most this many rows. Where there are more odd values, an even choice of the threshold rows is left out.
    seed : int

    Returns
    -------
    dict of str to ndarray [n], n <= n_max
    """
    fixed = [_odd_values(c) for c in schema.columns]
    near = [_neighbours(thresholds.get(c.name, ())) if c.kind == "number" else [] for c in schema.columns]
    cap = n_max - n_max // 4
    singles = _choose([(at, v) for at, values in enumerate(fixed) for v in values], cap)
    singles += _choose([(at, v) for at, values in enumerate(near) for v in values], cap - len(singles))
    mixed = min(n_max - len(singles), max(256, len(singles) // 2))
    feed = synthesise(schema, len(singles) + mixed, derive_seed(seed, "hostile"))
    for row, (at, value) in enumerate(singles):
        feed[schema.columns[at].input_name][row] = value
    for at, spec in enumerate(schema.columns):
        rng = np.random.default_rng(derive_seed(seed, "mixture", spec.name))
        pool = _array(spec, [*fixed[at], *near[at]])
        odd = np.flatnonzero(rng.random(mixed) < 0.5)
        feed[spec.input_name][len(singles) + odd] = pool[rng.integers(0, len(pool), len(odd))]
    return feed


# Sample values --------------------------------------------------------------------------------------------------------


def _sample(spec: ColumnSpec, n: int, rng: np.random.Generator) -> NDArray[Any]:
    draw = rng.random(n)
    missing, outside = draw < _SHARE_MISSING, draw > 1 - _SHARE_OUTSIDE
    if spec.kind == "number":
        low, high = _range(spec)
        values = rng.uniform(low, high, n) if high > low else np.full(n, low)
        values[outside] += rng.choice([-2.0, 2.0], int(outside.sum())) * ((high - low) or 1.0)
        values[missing] = np.nan
        return values
    if spec.kind == "datetime":
        texts = [_date(day) for day in rng.uniform(*_range(spec), n)]
    elif spec.kind == "category" and spec.levels:
        texts = [spec.levels[i] for i in rng.integers(0, len(spec.levels), n)]
    else:
        lengths = rng.integers(1, 13, n) if spec.kind == "text" else np.ones(n, dtype=np.int64)
        texts = [" ".join(WORDS[i] for i in rng.integers(0, len(WORDS), length)) for length in lengths]
    values = np.array(texts, dtype=object)
    if spec.kind == "category":
        values[outside] = "never seen"
    values[missing] = ""
    return values


def _range(spec: ColumnSpec) -> tuple[float, float]:
    low = 0.0 if spec.low is None else max(spec.low, -1e300)
    high = (low + 1.0) if spec.high is None else min(spec.high, 1e300)
    return (low, high) if low <= high else (high, low)


def _date(day: float) -> str:
    first, last = -719_162.0, 2_932_896.0  # 0001-01-01 and 9999-12-31 in days since 1970
    seconds = int(min(max(day, first), last) * 86_400)
    return (dt.datetime(1970, 1, 1) + dt.timedelta(seconds=seconds)).isoformat()


# Odd values -----------------------------------------------------------------------------------------------------------


def _odd_values(spec: ColumnSpec) -> list[Any]:
    if spec.kind == "number":
        seen = [v for v in (spec.low, spec.high) if v is not None]
        return list(dict.fromkeys([*_NUMBERS[3:], *seen, *_neighbours(np.array(seen))])) + list(_NUMBERS[:3]) + [-0.0]
    if spec.kind == "datetime":
        return [*_DATES, *(_date(v) for v in (spec.low, spec.high) if v is not None)]
    changed = [s for level in spec.levels[:20] for s in (f"{level} ", level.upper(), level.lower(), level.swapcase())]
    return list(dict.fromkeys([*_TEXTS, *spec.levels, *changed]))


def _neighbours(thresholds: Any) -> list[float]:
    """Return each threshold, its float64 neighbours, its float32 rounding and that one's float32 neighbours."""
    exact = np.unique(np.asarray(thresholds, dtype=np.float64))
    exact = exact[np.isfinite(exact)]
    with np.errstate(over="ignore", under="ignore"):  # thresholds beyond float32 round to infinity: that is a case too
        narrow = exact.astype(np.float32)
        around = [
            exact, np.nextafter(exact, -np.inf), np.nextafter(exact, np.inf),
            *(a.astype(np.float64) for a in (
                narrow, np.nextafter(narrow, np.float32(-np.inf)), np.nextafter(narrow, np.float32(np.inf))
            )),
        ]  # fmt: skip
    return [float(v) for v in np.unique(np.concatenate(around))]


def _choose(items: list[tuple[int, Any]], most: int) -> list[tuple[int, Any]]:
    if len(items) <= most:
        return items
    return [items[i] for i in np.linspace(0, len(items) - 1, max(most, 0)).astype(np.int64)]


def _array(spec: ColumnSpec, values: list[Any]) -> NDArray[Any]:
    return np.array(values, dtype=np.float64 if spec.kind == "number" else object)
