"""How good answers are: one table of metrics, all with row weights, all in numpy.

``answers`` are probabilities float64 [N, K] for classification and predictions float64 [N] for regression;
``truth`` is the class index int64 [N] or the value float64 [N].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.core.errors import ProblemError, did_you_mean
from afield.problem.problem import Task

Floats = NDArray[np.float64]
Measure = Callable[[NDArray[Any], Floats, Floats], float]

_CLASSIFICATION: frozenset[Task] = frozenset({"binary", "multiclass"})
_TINY = 1e-15  # probabilities are kept this far from 0 and 1 in log loss


@dataclass(frozen=True)
class Metric:
    """A measure of answers.

    Parameters
    ----------
    name, title : str
    tasks : frozenset of str
    higher_is_better : bool
    measure : callable
        (truth, answers, weights) to float.
    objective : str
        The metric that choices minimise or maximise on its behalf: a smooth, proper score.
    """

    name: str
    title: str
    tasks: frozenset[Task]
    higher_is_better: bool
    measure: Measure
    objective: str

    def __call__(self, truth: NDArray[Any], answers: Floats, weights: Floats | None = None) -> float:
        """Return the value over these rows."""
        return self.measure(truth, answers, np.ones(len(truth)) if weights is None else weights)

    def loss(self, value: float) -> float:
        """Return the value with its sign turned so that lower is better."""
        return -value if self.higher_is_better else value


def _mean(values: Floats, weights: Floats) -> float:
    return float(np.sum(values * weights) / np.sum(weights))


def row_losses(task: Task, truth: NDArray[Any], answers: Floats) -> Floats:
    """Return the loss of each row, float64 [N]: negative log likelihood, or the squared error."""
    if task == "regression":
        return np.square(answers - truth)
    return -np.log(np.clip(answers[np.arange(len(truth)), truth], _TINY, 1.0))


def _log_loss(truth: NDArray[Any], answers: Floats, weights: Floats) -> float:
    return _mean(row_losses("multiclass", truth, answers), weights)


def _brier(truth: NDArray[Any], answers: Floats, weights: Floats) -> float:
    hot = np.eye(answers.shape[1])[truth]
    scale = 2.0 if answers.shape[1] == 2 else 1.0  # the usual Brier score of two classes counts one of them
    return _mean(np.square(answers - hot).sum(axis=1), weights) / scale


def _area(positive: NDArray[np.bool_], score: Floats, weights: Floats) -> float:
    order = np.argsort(score, kind="stable")
    ranked, w, p = score[order], weights[order], positive[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    negatives = np.cumsum(np.where(p, 0.0, w))[last]
    positives = np.diff(np.cumsum(np.where(p, w, 0.0))[last], prepend=0.0)
    below = np.append(0.0, negatives[:-1])
    total = negatives[-1] * positives.sum()
    return float(np.sum(positives * (below + negatives) / 2) / total) if total > 0 else float("nan")


def _roc_auc(truth: NDArray[Any], answers: Floats, weights: Floats) -> float:
    if answers.shape[1] == 2:
        return _area(truth == 1, answers[:, 1], weights)
    areas = [_area(truth == k, answers[:, k], weights) for k in range(answers.shape[1])]
    return float(np.nanmean(areas)) if not np.isnan(areas).all() else float("nan")


def _accuracy(truth: NDArray[Any], answers: Floats, weights: Floats) -> float:
    return _mean((answers.argmax(axis=1) == truth).astype(float), weights)


def confusion(truth: NDArray[Any], answers: Floats, weights: Floats) -> Floats:
    """Return float64 [K, K]: row, the true class; column, the answered one."""
    classes = answers.shape[1]
    cells = truth.astype(np.int64) * classes + answers.argmax(axis=1)
    counts = np.bincount(cells, weights=weights, minlength=classes * classes)
    return counts.reshape(classes, classes).astype(np.float64)


def _balanced(truth: NDArray[Any], answers: Floats, weights: Floats) -> float:
    table = confusion(truth, answers, weights)
    seen = table.sum(axis=1) > 0
    return float(np.mean(table.diagonal()[seen] / table.sum(axis=1)[seen]))


def _f1(truth: NDArray[Any], answers: Floats, weights: Floats) -> float:
    table = confusion(truth, answers, weights)
    both = table.sum(axis=0) + table.sum(axis=1)
    scores = np.divide(2 * table.diagonal(), both, out=np.zeros(len(table)), where=both > 0)
    return float(scores[1]) if len(table) == 2 else float(scores[both > 0].mean())


def _mcc(truth: NDArray[Any], answers: Floats, weights: Floats) -> float:
    table = confusion(truth, answers, weights)
    t, p, n = table.sum(axis=1), table.sum(axis=0), table.sum()
    spread = np.sqrt((n * n - p @ p) * (n * n - t @ t))
    return float((table.trace() * n - t @ p) / spread) if spread > 0 else 0.0


def _rmse(truth: NDArray[Any], answers: Floats, weights: Floats) -> float:
    return float(np.sqrt(_mean(np.square(answers - truth), weights)))


def _mae(truth: NDArray[Any], answers: Floats, weights: Floats) -> float:
    return _mean(np.abs(answers - truth), weights)


def _mape(truth: NDArray[Any], answers: Floats, weights: Floats) -> float:
    seen = truth != 0
    if not seen.any():
        return float("nan")
    return _mean(np.abs((answers[seen] - truth[seen]) / truth[seen]), weights[seen])


def _r2(truth: NDArray[Any], answers: Floats, weights: Floats) -> float:
    spread = _mean(np.square(truth - _mean(truth, weights)), weights)
    return 1.0 - _mean(np.square(answers - truth), weights) / spread if spread > 0 else float("nan")


_REGRESSION: frozenset[Task] = frozenset({"regression"})
METRICS: Mapping[str, Metric] = {
    m.name: m
    for m in (
        Metric("log_loss", "log loss", _CLASSIFICATION, False, _log_loss, "log_loss"),
        Metric("roc_auc", "area under the ROC curve", _CLASSIFICATION, True, _roc_auc, "log_loss"),
        Metric("brier", "Brier score", _CLASSIFICATION, False, _brier, "log_loss"),
        Metric("accuracy", "accuracy", _CLASSIFICATION, True, _accuracy, "log_loss"),
        Metric("balanced_accuracy", "balanced accuracy", _CLASSIFICATION, True, _balanced, "log_loss"),
        Metric("f1", "F1", _CLASSIFICATION, True, _f1, "log_loss"),
        Metric("mcc", "Matthews correlation", _CLASSIFICATION, True, _mcc, "log_loss"),
        Metric("rmse", "root mean squared error", _REGRESSION, False, _rmse, "rmse"),
        Metric("mae", "mean absolute error", _REGRESSION, False, _mae, "mae"),
        Metric("mape", "mean absolute percentage error", _REGRESSION, False, _mape, "mae"),
        Metric("r2", "share of variance explained", _REGRESSION, True, _r2, "rmse"),
    )
}
DEFAULTS: Mapping[Task, str] = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}


def choose_metric(task: Task, name: str | None) -> Metric:
    """Return the metric of this name, or the task's default.

    Raises
    ------
    ProblemError
        ``problem.metric``.
    """
    known = [m.name for m in METRICS.values() if task in m.tasks]
    wanted = name or DEFAULTS[task]
    if wanted not in known:
        what = f"The metric {wanted!r} is not one for {task}." if wanted in METRICS else f"No metric {wanted!r}."
        raise ProblemError("problem.metric", what, where="--metric", expected=did_you_mean(wanted, known))
    return METRICS[wanted]


def evaluate(task: Task, truth: NDArray[Any], answers: Floats, weights: Floats | None = None) -> dict[str, float]:
    """Return every metric of the task by name."""
    return {m.name: m(truth, answers, weights) for m in METRICS.values() if task in m.tasks}


#: rows that one resample draws from at most
MOST_RESAMPLED = 100_000


def interval(
    metric: Metric,
    truth: NDArray[Any],
    answers: Floats,
    weights: Floats | None = None,
    groups: NDArray[np.int64] | None = None,
    *,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float]:
    """Return a bootstrap interval over rows, or over whole groups.

    Few rows get 1,000 resamples and percentiles; many rows get fewer resamples and a normal interval, and very many
    are resampled from a part of the rows or groups, whose spread is scaled to all.
    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
    """
    value = metric(truth, answers, weights)
    base = np.ones(len(truth)) if weights is None else weights
    units = np.arange(len(truth)) if groups is None else np.unique(groups, return_inverse=True)[1]
    whole = count = int(units.max()) + 1
    draw = np.random.default_rng(seed)
    if len(truth) > MOST_RESAMPLED:
        count = max(2, whole * MOST_RESAMPLED // len(truth))
        place = np.full(whole, -1)
        place[draw.choice(whole, count, replace=False)] = np.arange(count)
        part = place[units] >= 0
        truth, answers, base, units = truth[part], answers[part], base[part], place[units[part]]
    repeats = int(np.clip(2e7 / max(len(truth), 1), 60, 1000))
    values = []
    for _ in range(repeats):
        times = np.bincount(draw.integers(0, count, count), minlength=count)[units]
        kept = times > 0
        values.append(metric.measure(truth[kept], answers[kept], base[kept] * times[kept]))
    found = np.asarray(values)[~np.isnan(values)]
    if not len(found):
        return float("nan"), float("nan")
    if repeats >= 400:
        low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)
    half = 1.959964 * float(found.std()) * np.sqrt(count / whole)
    return value - half, value + half
