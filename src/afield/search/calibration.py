"""Fits what is done to the blend: a temperature or a beta curve for classes, a shift or a factor for a regression.

It is kept only where answers that it was not fitted on get better beyond noise, so that few rows change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.data.measures import pinball_losses, row_losses
from afield.data.metrics import Metric
from afield.graph.builder import Builder, Value
from afield.model.calibration import SOFT, Calibration

Floats = NDArray[np.float64]

#: a mean gain must be so many of its standard errors above 0: 5 % of the time noise alone is
BEYOND_NOISE = 1.645
#: fewer rows fit nothing; of more rows so many are drawn, evenly
LEAST_ROWS, MOST_ROWS = 60, 60_000
#: bounds of slopes: outside them rounding errors grow too far
SLOPES = (0.4, 4.0)
#: pull of the slopes towards 1, in rows
PULL = 5.0


@dataclass(frozen=True)
class Judged:
    """Out-of-fold answers with their truth.

    ``answers``: float64 [n, K] or [n]; ``fold``: int64 [n]; ``groups``: int64 [n] of rows that err together, or None.
    """

    truth: NDArray[Any]
    answers: Floats
    weights: Floats
    fold: NDArray[np.int64]
    groups: NDArray[np.int64] | None = None

    def take(self, rows: NDArray[Any]) -> Judged:
        """Return these rows."""
        groups = None if self.groups is None else self.groups[rows]
        return Judged(self.truth[rows], self.answers[rows], self.weights[rows], self.fold[rows], groups)

    def thinned(self, most: int) -> Judged:
        """Return at most so many rows, evenly spread."""
        count = len(self.truth)
        return self if count <= most else self.take(np.linspace(0, count - 1, most).astype(np.int64))


Fit = Callable[[Judged], Calibration]


def fit_calibration(judged: Judged, metric: Metric) -> Calibration:
    """Return the map that makes answers better on rows that it was not fitted on; the one that does nothing if none."""
    judged = judged.thinned(MOST_ROWS)
    folds = np.unique(judged.fold)
    if len(judged.truth) < LEAST_ROWS or len(folds) < 2:
        return Calibration()
    losses = _row_losses(metric)
    best, loss = Calibration(), losses(judged.truth, judged.answers)
    for fit in _fits(judged, metric):
        crossed = np.empty_like(judged.answers)
        for fold in folds:
            held = judged.fold == fold
            crossed[held] = fit(judged.take(~held))(judged.answers[held])
        found = losses(judged.truth, crossed)
        if _better(loss - found, judged):
            best, loss = fit(judged), found
    return best


def _better(gain: Floats, judged: Judged) -> bool:
    """Return whether the mean gain is above 0 beyond noise; rows of a group count as one."""
    share = judged.weights / judged.weights.sum()
    mean = float(gain @ share)
    apart = (gain - mean) * share
    if judged.groups is not None:
        apart = np.bincount(np.unique(judged.groups, return_inverse=True)[1], weights=apart)
    return mean > 0 and mean > BEYOND_NOISE * float(np.sqrt(np.square(apart).sum()))


def _row_losses(metric: Metric) -> Callable[[NDArray[Any], Floats], Floats]:
    if metric.training == "log_loss":
        return lambda truth, answers: row_losses("multiclass", truth, answers)
    if metric.training == "relative_error":
        return lambda truth, answers: np.where(
            truth != 0, np.abs(answers - truth) / np.where(truth, np.abs(truth), 1), 0
        )
    level = metric.level or 0.5
    return lambda truth, answers: pinball_losses(truth, answers, level)


def _fits(judged: Judged, metric: Metric) -> Sequence[Fit]:
    """Return the maps to try, plainest first."""
    if metric.training == "squared_error":
        return ()
    if metric.training == "log_loss":
        return (_temperature, _beta) if judged.answers.shape[1] == 2 else (_temperature,)
    relative, level = metric.training == "relative_error", metric.level or 0.5

    def shift(part: Judged) -> Calibration:
        heavy = _relative(part) if relative else part.weights
        return Calibration(kind="line", offset=weighted_quantile(part.truth - part.answers, heavy, level))

    def factor(part: Judged) -> Calibration:
        heavy = (_relative(part) if relative else part.weights) * part.answers
        slope = weighted_quantile(part.truth / part.answers, heavy, level)
        return Calibration(kind="line", slope=slope) if slope > 0 else Calibration()

    return (shift, factor) if (judged.answers > 0).all() else (shift,)


def _relative(part: Judged) -> Floats:
    size = np.abs(part.truth)
    return np.asarray(np.where(size > 0, part.weights / np.where(size > 0, size, 1.0), 0.0))


def weighted_quantile(values: Floats, weights: Floats, level: float) -> float:
    """Return the value that minimises the weighted quantile loss."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return float(values[order][min(np.searchsorted(reached, level * reached[-1]), len(values) - 1)])


def _temperature(part: Judged) -> Calibration:
    """Return the temperature of least log loss."""
    from scipy.optimize import minimize_scalar

    logs = np.log(part.answers + SOFT)
    rows = np.arange(len(logs))

    def loss(log_slope: float) -> float:
        scores = np.exp(log_slope) * logs
        top = scores.max(axis=1, keepdims=True)
        each = top[:, 0] + np.log(np.exp(scores - top).sum(axis=1)) - scores[rows, part.truth]
        return float(each @ part.weights / part.weights.sum() + PULL * log_slope**2 / len(rows))

    bounds = (float(np.log(SLOPES[0])), float(np.log(SLOPES[1])))
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-4})
    return Calibration(kind="temperature", slope=_short(np.exp(found.x)))


def _beta(part: Judged) -> Calibration:
    """Return the beta curve of least log loss."""
    from scipy.optimize import minimize
    from scipy.special import expit

    logs = np.log(part.answers + SOFT)
    design = np.column_stack([logs[:, 1], -logs[:, 0], np.ones(len(logs))])
    share, positive = part.weights / part.weights.sum(), part.truth == 1
    pull = PULL / len(logs)

    def loss(x: Floats) -> tuple[float, Floats]:
        odds = design @ x
        each = np.logaddexp(0.0, np.where(positive, -odds, odds))
        slope = design.T @ ((expit(odds) - positive) * share)
        off = x - np.array([1.0, 1.0, 0.0])
        return float(each @ share + pull * off @ off), slope + 2 * pull * off

    bounds = [SLOPES, SLOPES, (-5.0, 5.0)]
    found = minimize(loss, np.array([1.0, 1.0, 0.0]), jac=True, bounds=bounds, method="L-BFGS-B")
    a, b, c = (_short(v) for v in found.x)
    return Calibration(kind="beta", slope=a, other=b, offset=c)


def _short(value: float) -> float:
    """Return six significant digits: more say nothing, and differ between processors."""
    return float(f"{value:.6g}")


def lower_calibration(builder: Builder, value: Value, calibration: Calibration) -> Value:
    """Add the map's nodes, in float64: float64 [N, K] or [N, 1] to the same."""

    def constant(*numbers: float) -> Value:
        return builder.constant(np.array(numbers, dtype=np.float64))

    def scaled(factor: float, other: Value) -> Value:
        return other if factor == 1.0 else builder.op("Mul", other, constant(factor))

    if calibration.kind == "none":
        return value
    if calibration.kind == "line":
        longer = scaled(calibration.slope, value)
        return builder.op("Add", longer, constant(calibration.offset)) if calibration.offset else longer
    logs = builder.op("Log", builder.op("Add", value, constant(SOFT)))
    if calibration.kind == "temperature":
        return builder.op("Softmax", scaled(calibration.slope, logs), axis=1)
    slopes = builder.constant(np.array([[-calibration.other], [calibration.slope]]))
    odds = builder.op("Add", builder.op("MatMul", logs, slopes), constant(calibration.offset))
    positive = builder.op("Sigmoid", odds)
    return builder.concat([builder.op("Sub", builder.constant(np.float64(1.0)), positive), positive], axis=1)
