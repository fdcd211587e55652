"""What is done to the blend of the members before it is given out. The graph holds it as nodes; this is it in numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

#: added to probabilities before their logarithm: it bounds how far a rounding error can grow, and keeps the order
SOFT = 1e-5


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """A monotone map with one to three numbers, fitted on out-of-fold answers.

    Parameters
    ----------
    kind : {"none", "temperature", "beta", "line"}
        ``temperature``: Softmax(slope * log(P + 1e-5)). ``beta`` (two classes):
        Sigmoid(slope * log(p1 + 1e-5) - other * log(p0 + 1e-5) + offset). ``line`` (regression):
        slope * y + offset.
    slope, other, offset : float
        Slopes are above 0.

    Notes
    -----
    Source: Guo et al., On Calibration of Modern Neural Networks (ICML 2017); Kull et al., Beta calibration
    (AISTATS 2017).
    """

    kind: Literal["none", "temperature", "beta", "line"] = "none"
    slope: float = 1.0
    other: float = 1.0
    offset: float = 0.0

    def __call__(self, answers: NDArray[Any]) -> NDArray[np.float64]:
        """Return the calibrated answers, float64 of the same shape: [N, K], or [N] or [N, 1] for a regression."""
        values = np.asarray(answers, dtype=np.float64)
        if self.kind == "none":
            return values
        if self.kind == "line":
            return values * self.slope + self.offset
        logs = np.log(values + SOFT)
        if self.kind == "beta":
            odds = logs @ np.array([-self.other, self.slope]) + self.offset
            with np.errstate(over="ignore"):
                positive = 1.0 / (1.0 + np.exp(-odds))
            return np.column_stack([1.0 - positive, positive])
        raised = np.exp(self.slope * (logs - logs.max(axis=1, keepdims=True)))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True))

    def text(self) -> str:
        """Return what it does, in words; empty where it does nothing."""
        if self.kind == "temperature":
            way = "less" if self.slope < 1.0 else "more"
            return f"probabilities made {way} extreme (temperature {1 / self.slope:.3g}, fitted out-of-fold)"
        if self.kind == "beta":
            numbers = f"{self.slope:.3g}, {self.other:.3g}, {self.offset:.3g}"
            return f"probabilities corrected by a beta curve ({numbers}, fitted out-of-fold)"
        if self.kind == "line" and self.slope == 1.0:
            return f"{self.offset:+.4g} added to predictions (fitted out-of-fold)"
        if self.kind == "line":
            return f"predictions times {self.slope:.4g} (fitted out-of-fold)"
        return ""
