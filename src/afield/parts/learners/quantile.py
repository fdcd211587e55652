"""Linear quantile regression: a convex loss whose corner is rounded, so that a quasi-Newton method solves it.

Exact solvers take linear programs of the size of the table; the rounding is far below the noise of the answer.
Source: He, Pan, Tan and Zhou, Smoothed quantile regression with large-scale inference (Journal of Econometrics 2023).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: the rounding of the corner is at least this, in standard deviations of the target
LEAST_WIDTH = 0.03
#: a ridge penalty weighs so much against this loss, whose curvature is lower than that of squares
PENALTY = 0.2
ITERATIONS = 200


def fit_quantile(
    matrix: Floats, values: Floats, weights: Floats | None, level: float, alpha: float, start: Floats, bias: float
) -> tuple[Floats, float]:
    """Return coefficients float64 [F] and the intercept of the quantile ``level``.

    Parameters
    ----------
    matrix, values : float64 [N, F] and [N]
        ``values`` on a scale of standard deviation 1.
    alpha : float
        Ridge penalty of the coefficients, as in ridge regression.
    start, bias : float64 [F] and float
        Where to begin: the ridge regression.
    """
    from scipy.optimize import minimize
    from scipy.special import ndtr

    rows, width = matrix.shape
    share = np.full(rows, 1.0 / rows) if weights is None else weights / weights.sum()
    rounding = max(LEAST_WIDTH, ((width + np.log(rows)) / rows) ** 0.4 / 4)
    pull = PENALTY * alpha / rows

    def loss(x: Floats) -> tuple[float, Floats]:
        left = values - matrix @ x[:-1] - x[-1]
        at = left / rounding
        below = ndtr(-at)
        bell = np.exp(-0.5 * np.square(at)) / np.sqrt(2 * np.pi)
        each = level * left + rounding * bell - left * below
        slope = (below - level) * share
        value = float(each @ share + pull / 2 * x[:-1] @ x[:-1])
        return value, np.append(matrix.T @ slope + pull * x[:-1], slope.sum())

    first = np.append(start, bias + _quantile(values - matrix @ start - bias, share, level))
    found = minimize(loss, first, jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS})
    chosen = np.asarray(found.x[:-1], dtype=np.float64)
    return chosen, _quantile(values - matrix @ chosen, share, level)


def _quantile(values: Floats, weights: Floats, level: float) -> float:
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return float(values[order][min(np.searchsorted(reached, level * reached[-1]), len(values) - 1)])
