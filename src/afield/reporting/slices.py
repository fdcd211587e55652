"""Where a model fails worst: groups of rows by one or two columns whose loss is higher than elsewhere, beyond chance.

Thousands of groups are looked at, so some look bad by luck: a group is named only when its lower bound survives a
Bonferroni correction for all groups looked at.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from afield.data.table import Column, NumberColumn, Table
from afield.problem.schema import ColumnSpec
from afield.reporting.facts import SliceFacts
from afield.reporting.figures import datum

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: least rows of a group, as a count and as a share
LEAST_ROWS, LEAST_SHARE = 20, 0.02
#: bins of a number, most levels of a category, most single groups that are crossed, most groups returned
BINS, LEVELS, CROSSED, SHOWN = 4, 20, 24, 6
#: how much more loss than the others a group needs to be named; than each of its two halves, if it is a crossing
RATIO, DEEPER = 1.1, 1.15
#: share of a group's rows that may be in one that is named already
SHARED = 0.5
#: most rows, and most cells, that are looked at
MOST_ROWS, MOST_CELLS = 50_000, 10_000_000


@dataclass(frozen=True)
class Group:
    """Rows that meet a condition; ``columns`` are the columns that the condition names."""

    text: str
    columns: tuple[str, ...]
    rows: Mask


def groups(name: str, column: Column, spec: ColumnSpec) -> list[Group]:
    """Return the groups that one column makes: levels, quarters, missing cells."""
    gone = column.missing
    found = [Group(f"{name} is missing", (name,), gone)] if gone.any() else []
    if isinstance(column, NumberColumn):
        known = column.values[~gone]
        distinct = np.unique(known)
        unit = f" {spec.unit}" if spec.unit else ""
        if 1 < len(distinct) <= 6:
            return found + [Group(f"{name} = {datum(float(v))}{unit}", (name,), column.values == v) for v in distinct]
        if len(distinct) < 2:
            return found
        cuts = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1], method="lower"))
        ends = [-math.inf, *(float(c) for c in cuts), math.inf]
        for low, high in pairwise(ends):
            rows = (column.values > low) & (column.values <= high)
            found.append(Group(_between(name, low, high, unit), (name,), rows))
        return found
    if spec.kind not in ("category", "datetime"):
        return found
    if spec.kind == "datetime":
        texts = np.asarray([str(v)[:4] for v in column.levels], dtype=object)
        years = sorted({str(t) for t in texts if t})
        return found + [
            Group(f"year of {name} = {y}", (name,), np.asarray(texts == y, dtype=bool)[column.codes]) for y in years
        ]
    counts = np.bincount(column.codes, minlength=len(column.levels))
    for code in np.argsort(-counts, kind="stable")[:LEVELS]:
        if counts[code] and column.levels[code] != "":
            found.append(Group(f"{name} = {column.levels[code]}", (name,), column.codes == code))
    return found


def _between(name: str, low: float, high: float, unit: str) -> str:
    if math.isinf(low):
        return f"{name} ≤ {datum(high)}{unit}"
    if math.isinf(high):
        return f"{name} > {datum(low)}{unit}"
    return f"{name} {datum(low)} to {datum(high)}{unit}"


def worst_slices(table: Table, specs: Mapping[str, ColumnSpec], loss: Floats) -> list[SliceFacts]:
    """Return the groups with clearly more loss than the other rows, the most harmful first.

    Parameters
    ----------
    table : Table
        The rows that were answered: features only.
    specs : mapping of str to ColumnSpec
    loss : float64 [N]
        Loss of each row, at least 0; rows without a finite loss are left out.
    """
    limit = min(MOST_ROWS, max(2_000, MOST_CELLS // max(1, len(table.columns))))
    rows = np.flatnonzero(np.isfinite(loss))
    if len(rows) > limit:
        rows = rows[np.linspace(0, len(rows) - 1, limit).astype(np.int64)]
    if len(rows) < 2 * LEAST_ROWS:
        return []
    table, loss = table.take(rows.astype(np.int64)), loss[rows]
    least = max(LEAST_ROWS, math.ceil(LEAST_SHARE * table.rows))
    top = float(np.quantile(loss, 0.995))
    loss = np.minimum(loss, max(top, 1e-300))  # one absurd row must not accuse every group that it is in
    single = [g for n, c in table.columns.items() if n in specs for g in groups(n, c, specs[n]) if _fits(g, least)]
    harm = [_harm(g, loss) for g in single]
    seeds = [single[i] for i in sorted(range(len(single)), key=lambda i: (-harm[i], i))[:CROSSED]]
    pairs = [
        both
        for i, a in enumerate(seeds)
        for b in seeds[i + 1 :]
        if a.columns != b.columns
        and _fits(both := Group(f"{a.text} and {b.text}", a.columns + b.columns, a.rows & b.rows), least)
        and loss[both.rows].mean() > DEEPER * max(loss[a.rows].mean(), loss[b.rows].mean())
    ]
    looked = len(single) + CROSSED * (CROSSED - 1) // 2
    z = NormalDist().inv_cdf(1 - 0.025 / max(1, looked))
    ranked = sorted([*single, *pairs], key=lambda g: (-_harm(g, loss), g.text))
    return _distinct(ranked, loss, z)


def _fits(group: Group, least: int) -> bool:
    count = int(group.rows.sum())
    return least <= count <= len(group.rows) - least


def _harm(group: Group, loss: Floats) -> float:
    """Return how many standard errors the group is worse than the other rows."""
    inside, outside = loss[group.rows], loss[~group.rows]
    spread = math.sqrt(float(inside.var()) / len(inside) + float(outside.var()) / len(outside))
    return (float(inside.mean()) - float(outside.mean())) / spread if spread > 0 else 0.0


def _distinct(ranked: list[Group], loss: Floats, z: float) -> list[SliceFacts]:
    """Return the first groups that pass the guard and are not mostly the rows of one that is named already."""
    kept: list[Group] = []
    found: list[SliceFacts] = []
    for group in ranked:
        if len(found) == SHOWN or _harm(group, loss) < z:
            break
        inside, outside = loss[group.rows], loss[~group.rows]
        mean, others = float(inside.mean()), float(outside.mean())
        near = any((group.rows & k.rows).sum() > SHARED * min(group.rows.sum(), k.rows.sum()) for k in kept)
        if mean < RATIO * others or near:
            continue
        error = 1.96 * float(inside.std(ddof=1)) / math.sqrt(len(inside))
        kept.append(group)
        found.append(
            SliceFacts(
                text=group.text,
                rows=int(group.rows.sum()),
                score=mean,
                overall=others,
                low=max(0.0, mean - error),
                high=mean + error,
            )
        )
    return sorted(found, key=lambda s: (-s.score, s.text))
