"""Rules of one column: thresholds, levels, missingness, and curves. Made on some rows, answered on the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from afield.data.table import Column, NumberColumn
from afield.problem.schema import ColumnSpec

#: a number counts as decided when the rule is off by at most this share of the target's standard deviation
CLOSE = 0.002
#: rows of the making half that a level or a leaf needs
LEAST_ROWS = 3
#: most distinct numbers that are also taken as levels
MOST_LEVELS = 200
#: least distinct numbers for answers from neighbours: with fewer, much lies between them
LEAST_NEIGHBOURS = 100
BETWEEN = "the order of its values"

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


def ordered(column: Column, spec: ColumnSpec) -> Floats | None:
    """Return the column as numbers in an order that means something, NaN = missing; None for names and prose."""
    if isinstance(column, NumberColumn):
        return column.values
    if spec.kind != "datetime":
        return None
    ranks = np.empty(len(column.levels), dtype=np.float64)  # ISO texts sort as the times they name
    ranks[np.argsort(np.asarray([str(v) for v in column.levels]), kind="stable")] = np.arange(len(ranks))
    ranks[column.levels == ""] = np.nan
    return ranks[column.codes]


def level_codes(column: Column) -> tuple[Ints, int] | None:
    """Return (codes [N], levels) of a column with few distinct values; None when there are too many."""
    if isinstance(column, NumberColumn):
        distinct, codes = np.unique(column.values, return_inverse=True, equal_nan=True)
        return (codes.astype(np.int64), len(distinct)) if len(distinct) <= MOST_LEVELS else None
    return column.codes.astype(np.int64), len(column.levels)


def classes(
    column: Column, spec: ColumnSpec, answer: Ints, made: Mask, names: Sequence[str]
) -> Iterator[tuple[Ints, str]]:
    """Yield (class of each row outside ``made``, or -1 where the rule is silent; the rule in words)."""
    count = max(len(names), int(answer.max(initial=0)) + 1)
    common = int(np.argmax(np.bincount(answer[made], minlength=count)))
    coded = level_codes(column)
    if coded is not None:
        codes, levels = coded
        table = np.bincount(codes[made] * count + answer[made], minlength=levels * count).reshape(levels, count)
        chosen = np.where(table.sum(axis=1) >= LEAST_ROWS, table.argmax(axis=1), -1)
        used = int(np.sum(table.sum(axis=1) > 0))
        yield chosen[codes[~made]], f"a look at its {used} value{'s'[: used != 1]}"
    gone = column.missing
    if 0 < gone[made].sum() < made.sum():
        table = np.bincount(gone[made] * count + answer[made], minlength=2 * count).reshape(2, count)
        yield table.argmax(axis=1)[gone[~made].astype(int)], "whether it is missing or not"
    values = ordered(column, spec)
    if values is not None:
        cuts, leaves = _segments(values[made & ~gone], answer[made & ~gone], count)
        lone = int(np.argmax(np.bincount(answer[made & gone], minlength=count))) if gone[made].any() else common
        chosen = leaves[np.searchsorted(cuts, values[~made], side="left")]
        yield np.where(gone[~made], lone, chosen), _cut_text(cuts, leaves, names, spec)


def _cut_text(cuts: Floats, leaves: Ints, names: Sequence[str], spec: ColumnSpec) -> str:
    if len(cuts) == 1 and spec.kind == "number" and leaves.max() < len(names):
        return f"the rule '{spec.name} <= {cuts[0]:.6g}: {names[leaves[0]]}, else {names[leaves[1]]}'"
    return f"a rule of {len(cuts)} threshold{'s'[: len(cuts) != 1]} on it"


def _segments(values: Floats, answer: Ints, count: int) -> tuple[Floats, Ints]:
    """Return (cuts [k], class of each segment [k + 1]) of a best-first Gini tree with at most count + 2 leaves."""
    order = np.argsort(values, kind="stable")
    x, y = values[order], answer[order]
    if not len(x):
        return np.zeros(0), np.zeros(1, dtype=np.int64)
    sums = np.zeros((len(x) + 1, count), dtype=np.float64)
    np.cumsum(np.eye(count)[y], axis=0, out=sums[1:])
    bounds = [0, len(x)]
    while len(bounds) - 1 < count + 2:
        best = max((_split(x, sums, a, b) for a, b in pairwise(bounds)), key=lambda s: s[0])
        if best[0] <= 1e-9:
            break
        bounds = sorted([*bounds, best[1]])
    cuts = np.asarray([(x[b - 1] + x[b]) / 2 for b in bounds[1:-1]])
    leaves = np.asarray([int(np.argmax(sums[b] - sums[a])) for a, b in pairwise(bounds)])
    return cuts, leaves


def _split(x: Floats, sums: Floats, start: int, end: int) -> tuple[float, int]:
    """Return (gain, position) of the best cut between rows ``start`` and ``end``."""
    at = start + 1 + np.flatnonzero(x[start + 1 : end] > x[start : end - 1])
    at = at[(at - start >= LEAST_ROWS) & (end - at >= LEAST_ROWS)]
    if not len(at):
        return 0.0, start
    left, right, whole = sums[at] - sums[start], sums[end] - sums[at], sums[end] - sums[start]
    gain = (left**2).sum(axis=1) / (at - start) + (right**2).sum(axis=1) / (end - at)
    best = int(np.argmax(gain))
    return float(gain[best] - (whole**2).sum() / (end - start)), int(at[best])


def numbers(column: Column, spec: ColumnSpec, answer: Floats, made: Mask, target: str) -> Iterator[tuple[Floats, str]]:
    """Yield (prediction of each row outside ``made``, NaN where the rule is silent; the rule in words).

    The last rule only says between which values the answer lies: its prediction is the nearest of these to the truth,
    so it is right exactly where the order of the column is the order of the target.
    """
    coded = level_codes(column)
    if coded is not None:
        codes, levels = coded
        rows = np.bincount(codes[made], minlength=levels).astype(np.float64)
        sums = np.bincount(codes[made], weights=answer[made], minlength=levels).astype(np.float64)
        by_level: Floats = np.where(rows >= LEAST_ROWS, sums / np.maximum(rows, 1), np.nan)
        yield by_level[codes[~made]], f"a look at its {int((rows > 0).sum())} values"
    values = ordered(column, spec)
    if values is None:
        return
    known = made & np.isfinite(values)
    x, inverse = np.unique(values[known], return_inverse=True)
    if len(x) < 10:
        return
    slope, offset = _line(values[known], answer[known])
    sign = "-" if offset < 0 else "+"
    add = f" {sign} {abs(offset):.4g}" if abs(offset) > CLOSE * float(np.std(answer)) else ""
    yield slope * values[~made] + offset, f"{target} = {slope:.6g} * {spec.name}{add}"
    means = np.bincount(inverse, weights=answer[known]) / np.bincount(inverse)
    asked = values[~made]
    inside = (asked >= x[0]) & (asked <= x[-1])
    curve = np.where(inside, np.interp(asked, x, means), slope * asked + offset)
    yield np.where(np.isnan(asked), np.nan, curve), "a curve through the other rows"
    if len(x) >= LEAST_NEIGHBOURS:  # a steep image of the target: the answer lies between those of the neighbours
        right = np.clip(np.searchsorted(x, asked, side="left"), 0, len(x) - 1)
        left = np.where(x[right] == asked, right, np.maximum(right - 1, 0))
        low, high = np.minimum(means[left], means[right]), np.maximum(means[left], means[right])
        between = np.clip(answer[~made], low, high)
        yield np.where(inside, between, curve), BETWEEN


def _line(x: Floats, y: Floats) -> tuple[float, float]:
    """Return (slope, offset) through the middles of the lower and upper thirds: outliers cannot bend it."""
    order = np.argsort(x, kind="stable")
    third = max(1, len(x) // 3)
    low, high = order[:third], order[-third:]
    run = float(np.median(x[high]) - np.median(x[low]))
    slope = float(np.median(y[high]) - np.median(y[low])) / run if run > 0 else 0.0
    return slope, float(np.median(y - slope * x))
