"""Categories by what the target does in them: the smoothed mean of the target for each level.

A level with total weight w and mean y counts as (w * y + m * prior) / (w + m), the m-estimate of Micci-Barreca (2001).

The caller fits one for each fold, without the fold, else a level would know the answers of its own rows. Columns of few
levels are exceptions (`target_order`): those that differ plainly are learned from all rows, the others are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.data.answer import Answer
from afield.data.table import StringColumn, Table
from afield.graph.builder import Builder, Value
from afield.parts.encoders.levels import FIRST, MISSING, PRIVATE_BELOW, RARE, keep_levels, look_up, string_column
from afield.parts.encoders.state import header_of, pack
from afield.parts.encoders.target_order import CHANCE, joined, plainness
from afield.parts.encoders.target_sums import TargetSums
from afield.parts.protocol import Feature, FitContext, Setting, Settings, State
from afield.parts.settings import settle
from afield.problem.schema import ColumnSpec

_MAX_WIDTH = 2000  # features of all columns together


@dataclass(frozen=True)
class _Column:
    """``means``: float [1 + levels, K], first of missing; ``whole``: of all rows; ``plain``: how far from chance."""

    levels: tuple[str, ...]
    means: NDArray[Any]
    whole: bool
    plain: float = 0.0


@dataclass(frozen=True)
class FittedTargetMean:
    """``levels``: the kept levels of each column.

    ``means``: float32 [1 + rows, K]; row 0 is the prior, then for each column missing and its levels.
    ``whole``: whether the means of each column are of all rows.
    """

    columns: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    means: NDArray[np.float32]
    whole: tuple[bool, ...] = ()

    def column(self, name: str) -> _Column:
        """Return what a column has."""
        place = self.columns.index(name)
        start = 1 + sum(1 + len(kept) for kept in self.levels[:place])
        means = self.means[start : start + 1 + len(self.levels[place])]
        return _Column(self.levels[place], means, self.whole[place])

    @property
    def features(self) -> Sequence[Feature]:
        """``color.mean``, or ``color.mean[k]`` for the k-th of several: class k, or half k of too many classes."""
        count = self.means.shape[1]
        marks = [f"[{k}]" for k in range(count)] if count > 1 else [""]
        return [Feature(name=f"{name}.mean{mark}", column=name) for name in self.columns for mark in marks]

    def lower(self, builder: Builder, inputs: Mapping[str, Value]) -> Value:
        """Add five nodes, or seven for several classes: string [N] each to float32 [N, C * K]."""
        keys = [("", *kept) for kept in self.levels]
        bounds = np.cumsum([len(k) for k in keys])[:-1]
        if self.means.shape[1] == 1:
            values = np.split(self.means[1:, 0], bounds)
            return look_up(builder, inputs, self.columns, keys, values, default=float(self.means[0, 0]))
        places = np.split(np.arange(1, len(self.means), dtype=np.int64), bounds)
        rows = look_up(builder, inputs, self.columns, keys, places, default=0)
        means = builder.gather(builder.constant(self.means), rows, axis=0)
        return builder.reshape(means, [0, len(self.columns) * self.means.shape[1]])

    def state(self) -> State:
        """Return columns, levels, classes and means."""
        return pack({"columns": self.columns, "levels": self.levels, "whole": self.whole}, means=self.means)


class TargetMean:
    """Smoothed mean of the target for each level."""

    name = "target_mean"
    kinds = frozenset({"category"})
    uses_target = True
    space: Mapping[str, Setting] = {
        "smoothing": Setting(kind="number", default=10.0, low=0.1, high=1000.0, log=True),
        "min_count": Setting(kind="integer", default=PRIVATE_BELOW, low=PRIVATE_BELOW, high=1000, log=True),
        "max_levels": Setting(kind="integer", default=10_000, low=2, high=100_000, log=True),
        "max_classes": Setting(kind="integer", default=30, low=2, high=100),
        "whole_levels": Setting(kind="integer", default=64, low=0, high=1000),
        "few_levels": Setting(kind="integer", default=12, low=0, high=1000),
    }

    def fit(
        self, table: Table, specs: Sequence[ColumnSpec], target: Answer, context: FitContext, settings: Settings
    ) -> FittedTargetMean:
        """Compute the means over all rows of ``table``, by row weight.

        Columns of up to ``whole_levels`` levels that differ plainly keep the means of ``context.like``; over windows of
        time none does. Columns of up to ``few_levels`` that do not differ plainly are left out, but for the plainest.
        """
        settled = settle(self.space, settings)
        like = context.like if isinstance(context.like, FittedTargetMean) else None
        most = min(settled["max_classes"], max(1, _MAX_WIDTH // len(specs)))
        summed = TargetSums.of(target, context.weights, most=most)
        found = {}
        for name in like.columns if like else [s.name for s in specs]:
            kept = like.column(name) if like else None
            if kept is None or not kept.whole:
                kept = _learned(string_column(table, name), summed, settled, context)
            found[name] = kept
        if like is None and not context.forward:
            few = settled["few_levels"]
            plain = {n: c for n, c in found.items() if c.whole or len(c.levels) > few}
            found = plain or dict([max(found.items(), key=lambda pair: pair[1].plain)])
        columns = tuple(found.values())
        return FittedTargetMean(
            columns=tuple(found),
            levels=tuple(c.levels for c in columns),
            means=np.concatenate([summed.prior[None], *(c.means for c in columns)]).astype(np.float32),
            whole=tuple(c.whole for c in columns),
        )

    def restore(self, state: State) -> FittedTargetMean:
        """Return the fitted encoder that gave this state."""
        header = header_of(state)
        levels = tuple(tuple(kept) for kept in header["levels"])
        return FittedTargetMean(tuple(header["columns"]), levels, state["means"], tuple(header["whole"]))


def _learned(column: StringColumn, summed: TargetSums, settled: Mapping[str, Any], context: FitContext) -> _Column:
    """Return a column's levels and means, joined where the levels differ plainly and may be learned from all rows."""
    kept = keep_levels(column, min_count=settled["min_count"], max_levels=settled["max_levels"])
    codes, size, prior = kept.codes[column.codes], FIRST + len(kept.texts), summed.prior
    weight, sums = summed.by(codes, size)
    weights = np.repeat(weight[:, None], len(prior), axis=1)
    known = np.arange(size) != RARE
    known[MISSING] = kept.counts[MISSING] >= settled["min_count"]
    plain, whole = 0.0, False
    if context.like is None and not context.forward:
        counts = _observations(codes, context.groups, size) * known
        means = np.divide(sums, weights, out=np.zeros_like(sums), where=weights > 0)
        plain = plainness(counts, means, summed.variance)
        whole = len(kept.texts) <= settled["whole_levels"] and plain >= 1.0 / CHANCE
    if whole:
        for k, variance in enumerate(summed.variance):
            weights[:, k], sums[:, k] = joined(counts, weight, sums[:, k], float(variance))
    means = (sums + settled["smoothing"] * prior) / (weights + settled["smoothing"])
    means[~known] = prior
    return _Column(kept.texts, np.concatenate([means[MISSING : MISSING + 1], means[FIRST:]]), whole, plain)


def _observations(codes: NDArray[np.int64], groups: NDArray[np.int64] | None, size: int) -> NDArray[np.float64]:
    """Return how many rows each code has, float64 [size]; rows of one group count as one."""
    if groups is None:
        return np.bincount(codes, minlength=size).astype(np.float64)
    pairs = np.unique(groups.astype(np.int64) * size + codes)
    return np.bincount(pairs % size, minlength=size).astype(np.float64)


part = TargetMean()
