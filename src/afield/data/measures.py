"""The formulas of the metrics, all with row weights, all in numpy.

``answers`` are probabilities float64 [N, K] (or decision scores, of which the largest is the label) for classes and
predictions float64 [N] for a regression; ``truth`` is the class index int64 [N] or the value float64 [N].
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.problem.problem import Task

Floats = NDArray[np.float64]
Measure = Callable[[NDArray[Any], Floats, Floats], float]

_TINY = 1e-15  # probabilities are kept this far from 0 and 1 in log loss


def mean(values: Floats, weights: Floats) -> float:
    """Return the weighted mean."""
    return float(np.sum(values * weights) / np.sum(weights))


def row_losses(task: Task, truth: NDArray[Any], answers: Floats) -> Floats:
    """Return the loss of each row, float64 [N]: negative log likelihood, or the squared error."""
    if task == "regression":
        return np.square(answers - truth)
    return -np.log(np.clip(answers[np.arange(len(truth)), truth], _TINY, 1.0))


def log_loss(truth: NDArray[Any], answers: Floats, weights: Floats) -> float:
    """Return the mean negative log likelihood."""
    return mean(row_losses("multiclass", truth, answers), weights)


def brier(truth: NDArray[Any], answers: Floats, weights: Floats) -> float:
    """Return the mean squared error of probabilities; of two classes one counts, as usual."""
    hot = np.eye(answers.shape[1])[truth]
    scale = 2.0 if answers.shape[1] == 2 else 1.0  # the usual Brier score of two classes counts one of them
    return mean(np.square(answers - hot).sum(axis=1), weights) / scale


def _area(positive: NDArray[np.bool_], score: Floats, weights: Floats) -> float:
    order = np.argsort(score, kind="stable")
    ranked, w, p = score[order], weights[order], positive[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    negatives = np.cumsum(np.where(p, 0.0, w))[last]
    positives = np.diff(np.cumsum(np.where(p, w, 0.0))[last], prepend=0.0)
    below = np.append(0.0, negatives[:-1])
    total = negatives[-1] * positives.sum()
    return float(np.sum(positives * (below + negatives) / 2) / total) if total > 0 else float("nan")


def roc_auc(truth: NDArray[Any], answers: Floats, weights: Floats) -> float:
    """Return the area under the ROC curve; of many classes the mean of each against the rest."""
    if answers.shape[1] == 2:
        return _area(truth == 1, answers[:, 1], weights)
    areas = [_area(truth == k, answers[:, k], weights) for k in range(answers.shape[1])]
    return float(np.nanmean(areas)) if not np.isnan(areas).all() else float("nan")


def accuracy(truth: NDArray[Any], answers: Floats, weights: Floats) -> float:
    """Return the share of right labels."""
    return mean((answers.argmax(axis=1) == truth).astype(float), weights)


def confusion(truth: NDArray[Any], answers: Floats, weights: Floats) -> Floats:
    """Return float64 [K, K]: row, the true class; column, the answered one."""
    classes = answers.shape[1]
    cells = truth.astype(np.int64) * classes + answers.argmax(axis=1)
    counts = np.bincount(cells, weights=weights, minlength=classes * classes)
    return counts.reshape(classes, classes).astype(np.float64)


def balanced(truth: NDArray[Any], answers: Floats, weights: Floats) -> float:
    """Return the mean over the classes of the share of right labels."""
    table = confusion(truth, answers, weights)
    seen = table.sum(axis=1) > 0
    return float(np.mean(table.diagonal()[seen] / table.sum(axis=1)[seen]))


def f1(truth: NDArray[Any], answers: Floats, weights: Floats) -> float:
    """Return F1 of the positive class of two, or the mean of F1 over the classes."""
    table = confusion(truth, answers, weights)
    both = table.sum(axis=0) + table.sum(axis=1)
    scores = np.divide(2 * table.diagonal(), both, out=np.zeros(len(table)), where=both > 0)
    return float(scores[1]) if len(table) == 2 else float(scores[both > 0].mean())


def mcc(truth: NDArray[Any], answers: Floats, weights: Floats) -> float:
    """Return Matthews correlation. Source: Gorodkin (2004) for many classes."""
    table = confusion(truth, answers, weights)
    t, p, n = table.sum(axis=1), table.sum(axis=0), table.sum()
    spread = np.sqrt((n * n - p @ p) * (n * n - t @ t))
    return float((table.trace() * n - t @ p) / spread) if spread > 0 else 0.0


def rmse(truth: NDArray[Any], answers: Floats, weights: Floats) -> float:
    """Return the root of the mean squared error."""
    return float(np.sqrt(mean(np.square(answers - truth), weights)))


def mae(truth: NDArray[Any], answers: Floats, weights: Floats) -> float:
    """Return the mean absolute error."""
    return mean(np.abs(answers - truth), weights)


def mape(truth: NDArray[Any], answers: Floats, weights: Floats) -> float:
    """Return the mean absolute error relative to the truth, over rows whose truth is not 0."""
    seen = truth != 0
    if not seen.any():
        return float("nan")
    return mean(np.abs((answers[seen] - truth[seen]) / truth[seen]), weights[seen])


def r2(truth: NDArray[Any], answers: Floats, weights: Floats) -> float:
    """Return the share of the variance that is explained."""
    spread = mean(np.square(truth - mean(truth, weights)), weights)
    return 1.0 - mean(np.square(answers - truth), weights) / spread if spread > 0 else float("nan")


def pinball(level: float) -> Measure:
    """Return the measure of a quantile: what lies above costs ``level`` a unit, what lies below the rest.

    Source: Koenker and Bassett, Regression Quantiles (Econometrica 1978).
    """

    def measure(truth: NDArray[Any], answers: Floats, weights: Floats) -> float:
        return mean(pinball_losses(truth, answers, level), weights)

    return measure


def pinball_losses(truth: NDArray[Any], answers: Floats, level: float) -> Floats:
    """Return the quantile loss of each row, float64 [N]."""
    above = truth - answers
    return np.maximum(level * above, (level - 1.0) * above)


def cost(costs: Floats) -> Measure:
    """Return the measure of a cost matrix float64 [K, K] (row: the true class, column: the answered one)."""

    def measure(truth: NDArray[Any], answers: Floats, weights: Floats) -> float:
        return mean(costs[truth, answers.argmax(axis=1)], weights)

    return measure
