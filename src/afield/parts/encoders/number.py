"""Numbers for trees: each value passes through as float32, so that a threshold on the feature is one on the column.

Casting to float32 merges large numbers that lie close together (timestamps, long ids). Columns where it would merge
training values are moved by a centre, and scaled where they leave the range of float32, in double before the cast.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afield.data.answer import Answer
from afield.data.table import NumberColumn, Table
from afield.graph.builder import Builder, Value
from afield.parts.encoders.state import header_of, pack
from afield.parts.protocol import Feature, FitContext, Setting, Settings, State
from afield.parts.settings import settle
from afield.problem.schema import ColumnSpec

FLOAT32_MAX = float(np.finfo(np.float32).max)

#: Share of distinct training values that a cast may merge: digits of a measurement that carry nothing.
_MERGED_SHARE = 0.01
_SAMPLE = 200_000  # rows that decide it; more cost sorting time and change nothing


@dataclass(frozen=True)
class FittedNumber:
    """``centre`` and ``scale``: float64 [C]; a feature is ``(x - centre) * scale``, clipped to float32."""

    columns: tuple[str, ...]
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]

    @property
    def _plain(self) -> NDArray[np.bool_]:
        return np.asarray((self.centre == 0) & (self.scale == 1), dtype=bool)

    @property
    def features(self) -> Sequence[Feature]:
        """One feature a column, under its name."""
        return [Feature(name=n, column=n, identity=bool(p)) for n, p in zip(self.columns, self._plain, strict=True)]

    def lower(self, builder: Builder, inputs: Mapping[str, Value]) -> Value:
        """Add six to eight nodes: float64 [N] each to float32 [N, C]; NaN stays NaN."""
        x = builder.transpose(builder.stack_columns([inputs[n] for n in self.columns]), [1, 0])
        if not self._plain.all():
            x = builder.op("Sub", x, builder.constant(self.centre))
            x = builder.op("Mul", x, builder.constant(self.scale))
        x = builder.op("Min", x, builder.constant(np.float64(FLOAT32_MAX)))
        x = builder.op("Max", x, builder.constant(np.float64(-FLOAT32_MAX)))
        return builder.cast(x, "float32")

    def state(self) -> State:
        """Return columns, centres and scales."""
        return pack({"columns": self.columns}, centre=self.centre, scale=self.scale)


class Number:
    """Numbers as they are, for trees."""

    name = "number"
    kinds = frozenset({"number"})
    uses_target = False
    space: Mapping[str, Setting] = {}

    def fit(
        self, table: Table, specs: Sequence[ColumnSpec], target: Answer, context: FitContext, settings: Settings
    ) -> FittedNumber:
        """Find the columns that float32 cannot hold as they are."""
        settle(self.space, settings)
        columns = tuple(s.name for s in specs)
        places = np.array([_place(numbers(table, name)) for name in columns]).reshape(-1, 2)
        return FittedNumber(columns, np.ascontiguousarray(places[:, 0]), np.ascontiguousarray(places[:, 1]))

    def restore(self, state: State) -> FittedNumber:
        """Return the fitted encoder that gave this state."""
        return FittedNumber(tuple(header_of(state)["columns"]), state["centre"], state["scale"])


def numbers(table: Table, name: str) -> NDArray[np.float64]:
    """Return float64 [N] of a column that has to hold numbers."""
    column = table[name]
    if not isinstance(column, NumberColumn):
        raise TypeError(f"the column {name!r} holds strings, this encoder reads numbers")
    return column.values


def _place(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the centre and scale under which float32 keeps the values apart; (0, 1) wherever that does."""
    values = values[np.isfinite(values)]
    with np.errstate(over="ignore", under="ignore"):
        if np.array_equal(values.astype(np.float32), values):
            return 0.0, 1.0
    distinct = np.unique(values[:: max(1, len(values) // _SAMPLE)])
    if len(distinct) < 2 or _merged(distinct, 0.0, 1.0) <= _MERGED_SHARE * len(distinct):
        return 0.0, 1.0
    middles = [0.0, float(distinct[len(distinct) // 2]), float(distinct[0] / 2 + distinct[-1] / 2)]
    choices = [(m, s) for m in middles for s in (1.0, _scale(distinct, m))]
    return min(choices, key=lambda choice: _merged(distinct, *choice))  # the first of the best


def _scale(distinct: NDArray[np.float64], centre: float) -> float:
    """Return the power of two (exact in double) that brings the values near 1."""
    with np.errstate(over="ignore"):
        reach = float(np.minimum(np.abs(distinct - centre).max(), np.finfo(np.float64).max))
    return float(np.ldexp(1.0, -int(np.clip(np.frexp(reach)[1], -1000, 1000))))


def _merged(distinct: NDArray[np.float64], centre: float, scale: float) -> int:
    with np.errstate(over="ignore", under="ignore"):
        cast = np.clip((distinct - centre) * scale, -FLOAT32_MAX, FLOAT32_MAX).astype(np.float32)
    return int(np.count_nonzero(cast[1:] == cast[:-1]))


part = Number()
