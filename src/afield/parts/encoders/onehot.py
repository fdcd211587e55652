"""Categories for linear models and networks: one column of 0 and 1 for each kept level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afield.data.answer import Answer
from afield.data.table import Table
from afield.graph.builder import Builder, Value
from afield.parts.encoders.levels import (
    FIRST,
    MISSING,
    PRIVATE_BELOW,
    RARE,
    KeptLevels,
    keep_levels,
    look_up_codes,
    string_column,
)
from afield.parts.encoders.state import header_of, pack
from afield.parts.protocol import Feature, FitContext, Setting, Settings, State
from afield.parts.settings import settle
from afield.problem.schema import ColumnSpec


@dataclass(frozen=True)
class FittedOneHot:
    """``levels``: the kept levels of each column. ``cells``: int64 [W, 2], column index and code of each feature."""

    columns: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    cells: NDArray[np.int64]

    @property
    def features(self) -> Sequence[Feature]:
        """``color=red`` for levels, ``color.missing`` and ``color.rare`` where these occur in training."""
        return [
            Feature(name=_name(self.columns[c], code, self.levels[c]), column=self.columns[c])
            for c, code in self.cells.tolist()
        ]

    def lower(self, builder: Builder, inputs: Mapping[str, Value]) -> Value:
        """Add eight nodes: string [N] each to 0 and 1, float32 [N, W]."""
        codes = look_up_codes(builder, inputs, self.columns, self.levels)
        spread = builder.gather(codes, builder.constant(np.ascontiguousarray(self.cells[:, 0])), axis=1)
        hit = builder.op("Equal", spread, builder.constant(self.cells[:, 1].astype(np.float32)), dtype="bool")
        return builder.cast(hit, "float32")

    def state(self) -> State:
        """Return columns, levels and cells."""
        return pack({"columns": self.columns, "levels": self.levels}, cells=self.cells)


class OneHot:
    """One column of 0 and 1 for each level."""

    name = "onehot"
    kinds = frozenset({"category"})
    uses_target = False
    space: Mapping[str, Setting] = {
        "min_count": Setting(kind="integer", default=PRIVATE_BELOW, low=PRIVATE_BELOW, high=1000, log=True),
        "max_levels": Setting(kind="integer", default=200, low=1, high=2000, log=True),
        "max_width": Setting(kind="integer", default=2000, low=1, high=10_000, log=True),
        "few_levels": Setting(kind="integer", default=10_000, low=1, high=10_000, log=True),
    }

    def fit(
        self, table: Table, specs: Sequence[ColumnSpec], target: Answer, context: FitContext, settings: Settings
    ) -> FittedOneHot:
        """Choose the levels to keep; beyond ``max_width`` the rarest of all columns go first.

        Columns of more than ``few_levels`` are left out, unless all are.
        """
        limits = settle(self.space, settings)
        width, few = limits.pop("max_width"), limits.pop("few_levels")
        every = {s.name: keep_levels(string_column(table, s.name), **limits) for s in specs}
        chosen_columns = {name: found for name, found in every.items() if len(found.texts) <= few} or every
        columns, kept = tuple(chosen_columns), list(chosen_columns.values())
        levels = _within(kept, width)
        cells = []
        for c, (column, texts) in enumerate(zip(kept, levels, strict=True)):
            counts = column.counts[: FIRST + len(texts)].copy()
            counts[RARE] += column.counts[FIRST + len(texts) :].sum()
            cells += [(-int(n), c, code) for code, n in enumerate(counts) if n]
        chosen = sorted((c, code) for _, c, code in sorted(cells)[:width])
        return FittedOneHot(columns, levels, np.array(chosen, np.int64).reshape(-1, 2))

    def restore(self, state: State) -> FittedOneHot:
        """Return the fitted encoder that gave this state."""
        header = header_of(state)
        return FittedOneHot(
            tuple(header["columns"]), tuple(tuple(kept) for kept in header["levels"]), np.asarray(state["cells"])
        )


def _within(kept: Sequence[KeptLevels], width: int) -> tuple[tuple[str, ...], ...]:
    """Return the levels of each column that fit beside a column each for missing and for rare."""
    left = width - sum(1 + int(k.counts[MISSING] > 0) for k in kept)
    ranked = sorted((-int(n), c, j) for c, k in enumerate(kept) for j, n in enumerate(k.counts[FIRST:]))
    chosen = np.bincount(np.array([c for _, c, _ in ranked[: max(0, left)]], np.int64), minlength=len(kept))
    return tuple(k.texts[:n] for k, n in zip(kept, chosen.tolist(), strict=True))


def _name(column: str, code: int, levels: Sequence[str]) -> str:
    if code == MISSING:
        return f"{column}.missing"
    return f"{column}.rare" if code == RARE else f"{column}={levels[code - FIRST]}"


part = OneHot()
