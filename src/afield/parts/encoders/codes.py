"""Categories for trees: each level is a whole number without order.

0 is missing, 1 is rare or unseen, 2 and up are the kept levels, most frequent first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from afield.data.answer import Answer
from afield.data.table import Table
from afield.graph.builder import Builder, Value
from afield.parts.encoders.levels import FIRST, PRIVATE_BELOW, keep_levels, look_up_codes, string_column
from afield.parts.encoders.state import header_of, pack
from afield.parts.protocol import Feature, FitContext, Setting, Settings, State
from afield.parts.settings import settle
from afield.problem.schema import ColumnSpec


@dataclass(frozen=True)
class FittedCodes:
    """``levels``: the kept levels of each column, in the order of their codes."""

    columns: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]

    @property
    def features(self) -> Sequence[Feature]:
        """One feature a column, under its name."""
        return [
            Feature(name=name, column=name, form="codes", levels=FIRST + len(kept))
            for name, kept in zip(self.columns, self.levels, strict=True)
        ]

    def lower(self, builder: Builder, inputs: Mapping[str, Value]) -> Value:
        """Add five nodes: string [N] each to whole numbers, float32 [N, C]."""
        return look_up_codes(builder, inputs, self.columns, self.levels)

    def state(self) -> State:
        """Return columns and levels."""
        return pack({"columns": self.columns, "levels": self.levels})


class Codes:
    """Categories as whole numbers, for trees."""

    name = "codes"
    kinds = frozenset({"category"})
    uses_target = False
    space: Mapping[str, Setting] = {
        "min_count": Setting(kind="integer", default=PRIVATE_BELOW, low=PRIVATE_BELOW, high=1000, log=True),
        "max_levels": Setting(kind="integer", default=254, low=2, high=10_000, log=True),
    }

    def fit(
        self, table: Table, specs: Sequence[ColumnSpec], target: Answer, context: FitContext, settings: Settings
    ) -> FittedCodes:
        """Choose the levels to keep."""
        limits = settle(self.space, settings)
        columns = tuple(s.name for s in specs)
        return FittedCodes(columns, tuple(keep_levels(string_column(table, n), **limits).texts for n in columns))

    def restore(self, state: State) -> FittedCodes:
        """Return the fitted encoder that gave this state."""
        header = header_of(state)
        return FittedCodes(tuple(header["columns"]), tuple(tuple(kept) for kept in header["levels"]))


part = Codes()
