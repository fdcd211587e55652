"""How good answers are: one table of metrics, found by name, and the interval of a score.

A name may hold a parameter: ``pinball:0.9``. The metric ``cost`` needs the user's cost matrix.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.core.errors import ProblemError, did_you_mean
from afield.data import measures
from afield.data.costs import Costs, cost_matrix
from afield.data.measures import Floats, Measure, confusion, row_losses
from afield.problem.problem import Task

__all__ = [
    "ALIASES", "DEFAULTS", "METRICS", "Metric", "choose_metric", "confusion", "evaluate", "find_metric", "interval",
    "metric_names", "row_losses", "title_of",
]  # fmt: skip

_CLASSIFICATION: frozenset[Task] = frozenset({"binary", "multiclass"})
_REGRESSION: frozenset[Task] = frozenset({"regression"})


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
    training : str
        What learners are told to make small (``FitContext.objective``; ``relative_error`` is an absolute error of
        rows weighted by their size).
    of_labels : bool
        True where only the label counts: then the decision rule is tuned for it, and it is measured on decision
        scores or on labels, never on bare probabilities.
    costs : float64 [K, K] or None
        Of the metric ``cost``.
    """

    name: str
    title: str
    tasks: frozenset[Task]
    higher_is_better: bool
    measure: Measure
    objective: str
    training: str = "log_loss"
    of_labels: bool = False
    costs: Floats | None = field(default=None, compare=False)

    def __call__(self, truth: NDArray[Any], answers: Floats, weights: Floats | None = None) -> float:
        """Return the value over these rows."""
        return self.measure(truth, answers, np.ones(len(truth)) if weights is None else weights)

    def loss(self, value: float) -> float:
        """Return the value with its sign turned so that lower is better."""
        return -value if self.higher_is_better else value

    def decided(self, probabilities: Floats) -> Floats:
        """Return what a metric of labels takes for bare answers: under costs, scores of the least expected cost."""
        return probabilities if self.costs is None else probabilities @ -self.costs

    @property
    def level(self) -> float | None:
        """The quantile that is best under this metric: 0.5 for absolute errors; None for means and classes."""
        kind, _, level = self.training.partition(":")
        return float(level) if kind == "pinball" else 0.5 if kind in ("absolute_error", "relative_error") else None

    @property
    def guide(self) -> Metric:
        """The metric named by ``objective``."""
        return find_metric(self.objective)


def _classes(name: str, title: str, measure: Measure, *, higher: bool = True, of_labels: bool = False) -> Metric:
    return Metric(name, title, _CLASSIFICATION, higher, measure, "log_loss", "log_loss", of_labels)


METRICS: Mapping[str, Metric] = {
    m.name: m
    for m in (
        _classes("log_loss", "log loss", measures.log_loss, higher=False),
        _classes("roc_auc", "area under the ROC curve", measures.roc_auc),
        _classes("brier", "Brier score", measures.brier, higher=False),
        _classes("accuracy", "accuracy", measures.accuracy, of_labels=True),
        _classes("balanced_accuracy", "balanced accuracy", measures.balanced, of_labels=True),
        _classes("f1", "F1", measures.f1, of_labels=True),
        _classes("mcc", "Matthews correlation", measures.mcc, of_labels=True),
        Metric("rmse", "root mean squared error", _REGRESSION, False, measures.rmse, "rmse", "squared_error"),
        Metric("mae", "mean absolute error", _REGRESSION, False, measures.mae, "mae", "absolute_error"),
        Metric("mape", "mean absolute percentage error", _REGRESSION, False, measures.mape, "mape", "relative_error"),
        Metric("r2", "share of variance explained", _REGRESSION, True, measures.r2, "rmse", "squared_error"),
    )
}
DEFAULTS: Mapping[Task, str] = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}

#: other names that mean exactly one of the metrics
ALIASES: Mapping[str, str] = {
    "auc": "roc_auc", "auroc": "roc_auc", "roc_auc_score": "roc_auc", "area_under_curve": "roc_auc",
    "logloss": "log_loss", "cross_entropy": "log_loss", "neg_log_loss": "log_loss", "brier_score": "brier",
    "acc": "accuracy", "accuracy_score": "accuracy", "bacc": "balanced_accuracy", "f1_score": "f1",
    "matthews": "mcc", "matthews_corrcoef": "mcc", "root_mean_squared_error": "rmse",
    "mean_absolute_error": "mae", "mean_absolute_percentage_error": "mape", "r2_score": "r2", "quantile": "pinball",
    "pinball_loss": "pinball", "costs": "cost",
}  # fmt: skip
#: names of what is no metric here, and what serves instead
_INSTEAD: Mapping[str, str] = {
    "mse": "rmse orders models the same way and has the target's unit",
    "mean_squared_error": "rmse orders models the same way and has the target's unit",
    "error": "accuracy is 1 minus the share of errors",
    "error_rate": "accuracy is 1 minus the share of errors",
    "f1_macro": "f1 is F1 of the positive class of two, and the mean over classes of more",
    "f1_micro": "f1_micro of labels is the accuracy",
}


def metric_names(task: Task | None = None) -> list[str]:
    """Return the names that can be asked for; the quantile of pinball is the user's."""
    plain = [m.name for m in METRICS.values() if task is None or task in m.tasks]
    return plain + ["cost"] * (task != "regression") + ["pinball:0.9"] * (task in (None, "regression"))


def choose_metric(task: Task, name: str | None, costs: Costs | None = None, classes: tuple[str, ...] = ()) -> Metric:
    """Return the metric that the user means, or the task's default; costs make it ``cost``.

    Raises
    ------
    ProblemError
        ``problem.metric``, ``problem.costs``.
    """
    if costs and task == "regression":
        raise ProblemError(
            "problem.costs", "A cost matrix is for classes, and the target is a number.", where="--costs"
        )
    wanted = _canonical(name, task) if name else ("cost" if costs else DEFAULTS[task])
    if costs and wanted != "cost":
        raise ProblemError(
            "problem.costs",
            f"The costs say what is to be made small, and so does the metric {name!r}.",
            where="--costs, --metric",
            fix="leave --metric out",
        )
    if wanted == "cost" and not costs:
        raise ProblemError(
            "problem.metric",
            "The metric 'cost' needs what each mistake costs.",
            where="--metric",
            fix="--costs FILE: a square table, rows the true class, columns the answered one",
        )
    found = _found(wanted, None if not costs else cost_matrix(costs, classes))
    if found is None or task not in found.tasks:
        what = f"No metric {name!r}." if found is None else f"The metric {name!r} is not one for {task}."
        fix = _INSTEAD.get(wanted, "")
        raise ProblemError(
            "problem.metric", what, where="--metric", expected=did_you_mean(wanted, metric_names(task)), fix=fix
        )
    return found


def find_metric(name: str, costs: Floats | None = None) -> Metric:
    """Return the metric of a name as cards and journals hold it; ``costs`` float64 [K, K] for ``cost``.

    Raises
    ------
    ProblemError
        ``problem.metric``.
    """
    found = _found(name, costs)
    if found is None:
        raise ProblemError("problem.metric", f"No metric {name!r}.", expected=did_you_mean(name, metric_names()))
    return found


def title_of(name: str) -> str:
    """Return a metric's title; a name that is not known stands for itself."""
    if name == "cost":
        return "mean cost of a row"
    found = _found(name, None)
    return name if found is None else found.title


def _canonical(name: str, task: Task) -> str:
    """Return the name as cards hold it: ``AUC`` is ``roc_auc``, ``pinball`` is ``pinball:0.5``."""
    head, mark, level = name.strip().casefold().replace("-", "_").replace(" ", "_").partition(":")
    head = ALIASES.get(head, head)
    if head == "f1_macro" and task == "multiclass":
        head = "f1"
    if head != "pinball":
        return head + mark + level
    try:
        at = float(level) if mark else 0.5
    except ValueError:
        at = math.nan
    if not 0.0 < at < 1.0:
        raise ProblemError(
            "problem.metric",
            "The quantile of pinball cannot be used.",
            where="--metric",
            got=repr(level),
            expected="a number above 0 and below 1, such as pinball:0.9",
        )
    return f"pinball:{at:g}"


def _found(name: str, costs: Floats | None) -> Metric | None:
    if name == "cost":
        if costs is None:
            return None
        measure = measures.cost(costs)
        return Metric(
            "cost", title_of("cost"), _CLASSIFICATION, False, measure, "log_loss", of_labels=True, costs=costs
        )
    kind, mark, level = name.partition(":")
    if kind == "pinball" and mark:
        measure = measures.pinball(float(level))
        return Metric(name, f"quantile loss at {level}", _REGRESSION, False, measure, name, name)
    return METRICS.get(name)


def evaluate(
    task: Task,
    truth: NDArray[Any],
    answers: Floats,
    weights: Floats | None = None,
    decided: Floats | None = None,
) -> dict[str, float]:
    """Return every metric of the task by name; those of labels on ``decided``, float64 [N, K], where given."""
    scores = answers if decided is None else decided
    return {m.name: m(truth, scores if m.of_labels else answers, weights) for m in METRICS.values() if task in m.tasks}


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
