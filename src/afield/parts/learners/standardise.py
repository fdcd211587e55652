"""The target of a regression on a scale of its own: libraries keep it as float32, or sum squares of it.

Depths near 8,000 m that differ by centimetres would be lost otherwise.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.data.answer import Answer


@dataclass(frozen=True)
class Scale:
    """``value = centre + spread * scaled``."""

    centre: float = 0.0
    spread: float = 1.0

    @classmethod
    def of(cls, target: Answer, weights: NDArray[np.float64] | None) -> Scale:
        """Return weighted mean and standard deviation of a regression's target; 0 and 1 for classes."""
        if target.task != "regression":
            return cls()
        values = np.asarray(target.values, dtype=np.float64)
        centre = float(np.average(values, weights=weights))
        spread = float(np.sqrt(np.average((values - centre) ** 2, weights=weights)))
        return cls(centre, spread if np.isfinite(spread) and spread > 0.0 else 1.0)

    def forth(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Return the values on this scale."""
        return (np.asarray(values, dtype=np.float64) - self.centre) / self.spread

    def back(self, scaled: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the values that ``forth`` took."""
        return self.centre + self.spread * scaled

    def to_json(self) -> dict[str, float]:
        """Return both fields."""
        return asdict(self)
