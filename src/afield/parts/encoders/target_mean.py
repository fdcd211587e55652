"""Categories by what the target does in them: the smoothed mean of the target for each level.

The caller fits one for each fold, without the fold, else a level would know the answers of its own rows. A level
with total weight w and mean y counts as (w * y + m * prior) / (w + m), the m-estimate of Micci-Barreca (2001).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afield.data.answer import Answer
from afield.data.table import Table
from afield.graph.builder import Builder, Value
from afield.parts.encoders.levels import FIRST, MISSING, PRIVATE_BELOW, keep_levels, look_up, string_column
from afield.parts.encoders.state import header_of, pack
from afield.parts.encoders.target_sums import TargetSums
from afield.parts.protocol import Feature, FitContext, Setting, Settings, State
from afield.parts.settings import settle
from afield.problem.schema import ColumnSpec

_MAX_WIDTH = 2000  # features of all columns together


@dataclass(frozen=True)
class FittedTargetMean:
    """``levels``: the kept levels of each column.

    ``means``: float32 [1 + rows, K]; row 0 is the prior, then for each column missing and its levels.
    """

    columns: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    means: NDArray[np.float32]

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
        return pack({"columns": self.columns, "levels": self.levels}, means=self.means)


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
    }

    def fit(
        self, table: Table, specs: Sequence[ColumnSpec], target: Answer, context: FitContext, settings: Settings
    ) -> FittedTargetMean:
        """Compute the means over all rows of ``table``, by row weight."""
        settled = settle(self.space, settings)
        columns = tuple(s.name for s in specs)
        most = min(settled["max_classes"], max(1, _MAX_WIDTH // len(columns)))
        summed = TargetSums.of(target, context.weights, most=most)
        prior = summed.prior()
        levels, rows = [], [prior[None]]
        for name in columns:
            column = string_column(table, name)
            kept = keep_levels(column, min_count=settled["min_count"], max_levels=settled["max_levels"])
            codes = kept.codes[column.codes]
            size = FIRST + len(kept.texts)
            weight, sums = summed.by(codes, size)
            means = (sums + settled["smoothing"] * prior) / (weight + settled["smoothing"])[:, None]
            if kept.counts[MISSING] < settled["min_count"]:
                means[MISSING] = prior
            rows.append(np.concatenate([means[MISSING : MISSING + 1], means[FIRST:]]))
            levels.append(kept.texts)
        return FittedTargetMean(columns, tuple(levels), np.concatenate(rows).astype(np.float32))

    def restore(self, state: State) -> FittedTargetMean:
        """Return the fitted encoder that gave this state."""
        header = header_of(state)
        levels = tuple(tuple(kept) for kept in header["levels"])
        return FittedTargetMean(tuple(header["columns"]), levels, state["means"])


part = TargetMean()
