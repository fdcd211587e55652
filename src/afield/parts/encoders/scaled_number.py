"""Numbers for linear models and networks: imputed, standardised in double, clipped, with a mark for missing values.

``shape = "log"`` also bends columns with a long tail, by a signed logarithm around their median, so that a few large
values do not rule a linear model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afield.data.answer import Answer
from afield.data.table import Table
from afield.graph.builder import Builder, Value
from afield.parts.encoders.number import numbers
from afield.parts.encoders.state import header_of, pack
from afield.parts.protocol import Feature, FitContext, Setting, Settings, State
from afield.parts.settings import settle
from afield.problem.schema import ColumnSpec

_REACH = 1e150  # magnitudes beyond count as this, so that squares and products stay finite
_SKEWED = 1.0  # absolute skewness from which a tail counts as long
_IQR_OF_NORMAL = 1.349  # interquartile range of the standard normal distribution

#: Rows of ``FittedScaledNumber.numbers``.
_IMPUTED, _CENTRE, _SCALE, _BENT, _CENTRE_2, _SCALE_2, _MARKED = range(7)


@dataclass(frozen=True)
class FittedScaledNumber:
    """Medians, centres and scales of all columns.

    ``numbers``: float64 [7, C], for each column what is imputed, centre, scale, whether it is bent, centre and scale
    after bending, and whether missing values are marked. ``clip``: bound of the features.
    """

    columns: tuple[str, ...]
    clip: float
    numbers: NDArray[np.float64]

    @property
    def _marked(self) -> NDArray[np.int64]:
        return np.flatnonzero(self.numbers[_MARKED])

    @property
    def features(self) -> Sequence[Feature]:
        """One feature a column, then one for each column with missing values in training."""
        marks = [self.columns[i] for i in self._marked]
        return [Feature(name=n, column=n) for n in self.columns] + [
            Feature(name=f"{n}.missing", column=n) for n in marks
        ]

    def lower(self, builder: Builder, inputs: Mapping[str, Value]) -> Value:
        """Add 12 to 23 nodes: float64 [N] each to float32 [N, W]."""
        x = builder.transpose(builder.stack_columns([inputs[n] for n in self.columns]), [1, 0])
        missing = builder.op("IsNaN", x, dtype="bool")
        x = builder.op("Where", missing, builder.constant(self.numbers[_IMPUTED]), x, dtype="float64")
        x = _bound(builder, x, _REACH)
        x = self._move(builder, x, _CENTRE, _SCALE)
        if self.numbers[_BENT].any():
            size = builder.op("Log", builder.op("Add", builder.op("Abs", x), builder.constant(np.float64(1))))
            bent = builder.op("Mul", builder.op("Sign", x), size)
            x = builder.op("Where", builder.constant(self.numbers[_BENT] > 0), bent, x, dtype="float64")
            x = self._move(builder, x, _CENTRE_2, _SCALE_2)
        x = builder.cast(_bound(builder, x, self.clip), "float32")
        if not len(self._marked):
            return x
        marks = builder.gather(missing, builder.constant(self._marked.astype(np.int64)), axis=1)
        return builder.concat([x, builder.cast(marks, "float32")], axis=1)

    def _move(self, builder: Builder, x: Value, centre: int, scale: int) -> Value:
        x = builder.op("Sub", x, builder.constant(self.numbers[centre]))
        return builder.op("Mul", x, builder.constant(self.numbers[scale]))

    def state(self) -> State:
        """Return columns, bound and numbers."""
        return pack({"columns": self.columns, "clip": self.clip}, numbers=self.numbers)


class ScaledNumber:
    """Standardised numbers, for linear models and networks."""

    name = "scaled_number"
    kinds = frozenset({"number"})
    uses_target = False
    space: Mapping[str, Setting] = {
        "clip": Setting(kind="number", default=10.0, low=1.0, high=1000.0, log=True),
        "shape": Setting(kind="choice", default="plain", choices=("plain", "log")),
    }

    def fit(
        self, table: Table, specs: Sequence[ColumnSpec], target: Answer, context: FitContext, settings: Settings
    ) -> FittedScaledNumber:
        """Compute medians, means and spreads of the values that are there."""
        settled = settle(self.space, settings)
        columns = tuple(s.name for s in specs)
        each = [_statistics(numbers(table, name), bend=settled["shape"] == "log") for name in columns]
        return FittedScaledNumber(columns, settled["clip"], np.ascontiguousarray(np.array(each).reshape(-1, 7).T))

    def restore(self, state: State) -> FittedScaledNumber:
        """Return the fitted encoder that gave this state."""
        header = header_of(state)
        return FittedScaledNumber(tuple(header["columns"]), header["clip"], state["numbers"])


def _bound(builder: Builder, x: Value, reach: float) -> Value:
    x = builder.op("Min", x, builder.constant(np.float64(reach)))
    return builder.op("Max", x, builder.constant(np.float64(-reach)))


def _statistics(column: NDArray[np.float64], *, bend: bool) -> tuple[float, ...]:
    """Return the seven numbers of a column."""
    missing = np.isnan(column)
    marked = float(missing.any())
    values = np.clip(column[~missing], -_REACH, _REACH)
    if not len(values):
        return 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, marked
    low, median, high = (float(q) for q in np.quantile(values, [0.25, 0.5, 0.75]))
    centre, scale = _standard(values)
    if bend and scale > 0:
        spread = (high - low) / _IQR_OF_NORMAL
        steep = 1 / spread if spread > 1 / _REACH else scale
        z = (values - median) * steep
        bent = np.sign(z) * np.log(np.abs(z) + 1)
        centre_2, scale_2 = _standard(bent)
        before, after = _skewness((values - centre) * scale), _skewness((bent - centre_2) * scale_2)
        if before > _SKEWED and after < before:
            return median, median, steep, 1.0, centre_2, scale_2, marked
    return median, centre, scale, 0.0, 0.0, 1.0, marked


def _standard(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return mean and inverse standard deviation; the inverse is 0 where there is no spread."""
    centre = float(values.mean())
    spread = float(np.sqrt(np.mean((values - centre) ** 2)))
    flat = values.min() == values.max() or spread < 1 / _REACH
    return (float(values[0]), 0.0) if flat else (centre, 1 / spread)


def _skewness(standard: NDArray[np.float64]) -> float:
    return float(abs(np.mean(standard**3)))


part = ScaledNumber()
