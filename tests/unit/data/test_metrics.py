"""Metrics against scikit-learn's, with ties, weights and absent classes; the interval covers as often as it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from afield.core.errors import ProblemError
from afield.data.costs import cost_matrix
from afield.data.metrics import (
    ALIASES,
    DEFAULTS,
    METRICS,
    choose_metric,
    confusion,
    evaluate,
    find_metric,
    interval,
    row_losses,
    title_of,
)

Theirs = Callable[[Any, Any, Any], float]

CLASSIFIED: dict[str, Theirs] = {
    "log_loss": lambda y, p, w: sk.log_loss(y, p, sample_weight=w, labels=range(p.shape[1])),
    "accuracy": lambda y, p, w: sk.accuracy_score(y, p.argmax(1), sample_weight=w),
    "balanced_accuracy": lambda y, p, w: sk.balanced_accuracy_score(y, p.argmax(1), sample_weight=w),
    "mcc": lambda y, p, w: sk.matthews_corrcoef(y, p.argmax(1), sample_weight=w),
}
BINARY: dict[str, Theirs] = CLASSIFIED | {
    "roc_auc": lambda y, p, w: sk.roc_auc_score(y, p[:, 1], sample_weight=w),
    "brier": lambda y, p, w: sk.brier_score_loss(y, p[:, 1], sample_weight=w),
    "f1": lambda y, p, w: sk.f1_score(y, p.argmax(1), sample_weight=w),
}
MULTICLASS: dict[str, Theirs] = CLASSIFIED | {
    "f1": lambda y, p, w: sk.f1_score(y, p.argmax(1), sample_weight=w, average="macro"),
    "brier": lambda y, p, w: np.average(((p - np.eye(p.shape[1])[y]) ** 2).sum(1), weights=w),
}
REGRESSION: dict[str, Theirs] = {
    "rmse": lambda y, p, w: sk.root_mean_squared_error(y, p, sample_weight=w),
    "mae": lambda y, p, w: sk.mean_absolute_error(y, p, sample_weight=w),
    "mape": lambda y, p, w: sk.mean_absolute_percentage_error(y, p, sample_weight=w),
    "r2": lambda y, p, w: sk.r2_score(y, p, sample_weight=w),
}


def drawn(classes: int, *, ties: bool, seed: int = 0, rows: int = 300) -> tuple[Any, Any, Any]:
    draw = np.random.default_rng(seed)
    truth = draw.integers(classes, size=rows)
    scores = draw.dirichlet(np.ones(classes), rows) + 0.3 * np.eye(classes)[truth]
    answers = scores / scores.sum(1, keepdims=True)
    if ties:
        answers = np.maximum(np.round(answers, 1), 0.1)
        answers /= answers.sum(1, keepdims=True)
    return truth, answers, draw.integers(0, 4, rows).astype(float) + draw.choice([0.0, 0.25], rows)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("name", BINARY)
def test_binary_metrics_are_scikit_learns(name: str, ties: bool, weighted: bool) -> None:
    truth, answers, weights = drawn(2, ties=ties)
    weights = weights if weighted else None
    assert METRICS[name](truth, answers, weights) == pytest.approx(BINARY[name](truth, answers, weights), abs=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", MULTICLASS)
def test_multiclass_metrics_are_scikit_learns(name: str, weighted: bool) -> None:
    truth, answers, weights = drawn(4, ties=False)
    weights = weights if weighted else None
    assert METRICS[name](truth, answers, weights) == pytest.approx(MULTICLASS[name](truth, answers, weights), abs=1e-12)


def test_the_area_of_many_classes_is_the_mean_of_each_against_the_rest() -> None:
    truth, answers, weights = drawn(4, ties=True)
    for w in (None, weights):
        theirs = sk.roc_auc_score(np.eye(4)[truth], answers, sample_weight=w, average="macro")
        assert METRICS["roc_auc"](truth, answers, w) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", REGRESSION)
def test_regression_metrics_are_scikit_learns(name: str, weighted: bool) -> None:
    draw = np.random.default_rng(1)
    truth = draw.normal(3.0, 1.0, 300)
    answers = truth + draw.normal(size=300)
    weights = draw.integers(0, 4, 300).astype(float) if weighted else None
    assert METRICS[name](truth, answers, weights) == pytest.approx(REGRESSION[name](truth, answers, weights), rel=1e-12)


def test_percentage_errors_leave_out_zeros() -> None:
    truth, answers = np.array([0.0, 2.0, 4.0]), np.array([9.0, 1.0, 5.0])
    assert METRICS["mape"](truth, answers) == pytest.approx((0.5 + 0.25) / 2)
    assert np.isnan(METRICS["mape"](np.zeros(3), answers))


def test_a_weight_of_two_is_the_row_twice() -> None:
    truth, answers, weights = drawn(3, ties=True, rows=60)
    weights = np.round(weights)
    twice = np.repeat(np.arange(60), weights.astype(int))
    for name, value in evaluate("multiclass", truth, answers, weights).items():
        assert value == pytest.approx(METRICS[name](truth[twice], answers[twice]), abs=1e-12), name


def test_certain_and_wrong_is_bad_and_finite() -> None:
    answers = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert METRICS["log_loss"](np.array([1, 1]), answers) == pytest.approx(-np.log(1e-15) / 2)


def test_one_class_alone_gives_no_area_and_no_failure() -> None:
    truth, answers, _ = drawn(2, ties=False)
    values = evaluate("binary", np.zeros_like(truth), answers)
    assert np.isnan(values["roc_auc"])
    assert values["mcc"] == 0.0
    assert np.isnan(METRICS["r2"](np.ones(5), np.arange(5.0)))
    truth, answers, _ = drawn(3, ties=False)
    truth = truth % 2  # class 2 is never true
    seen = [sk.roc_auc_score(truth == k, answers[:, k]) for k in (0, 1)]
    assert METRICS["roc_auc"](truth, answers) == pytest.approx(np.mean(seen))


def test_the_confusion_counts_weights() -> None:
    truth, answers, weights = drawn(3, ties=False)
    theirs = sk.confusion_matrix(truth, answers.argmax(1), sample_weight=weights)
    np.testing.assert_allclose(confusion(truth, answers, weights), theirs)


def test_row_losses_average_to_the_metrics() -> None:
    truth, answers, weights = drawn(3, ties=False)
    losses = row_losses("multiclass", truth, answers)
    assert np.average(losses, weights=weights) == pytest.approx(METRICS["log_loss"](truth, answers, weights))
    values = np.array([1.0, 5.0])
    assert row_losses("regression", values, np.array([2.0, 2.0])).tolist() == [1.0, 9.0]


def test_losses_fall_when_answers_get_better() -> None:
    truth, answers, _ = drawn(3, ties=False)
    better = answers + np.eye(3)[truth]
    better /= better.sum(1, keepdims=True)
    for metric in METRICS.values():
        if "multiclass" in metric.tasks:
            assert metric.loss(metric(truth, better)) < metric.loss(metric(truth, answers)), metric.name
    draw = np.random.default_rng(2)
    values = draw.normal(size=50)
    for metric in METRICS.values():
        if "regression" in metric.tasks:
            near, far = values + 0.1, values + 0.5
            assert metric.loss(metric(values, near)) < metric.loss(metric(values, far)), metric.name


def test_every_objective_is_a_metric_of_the_same_tasks() -> None:
    for metric in METRICS.values():
        assert METRICS[metric.objective].tasks == metric.tasks


def test_defaults_and_names() -> None:
    for task, name in DEFAULTS.items():
        assert choose_metric(task, None).name == name
    assert choose_metric("regression", "mae").name == "mae"


@pytest.mark.error_code("problem.metric")
@pytest.mark.parametrize(("task", "name", "said"), [("binary", "roc", "did you"), ("binary", "rmse", "not one for")])
def test_a_metric_of_another_task_is_refused(task: Any, name: str, said: str) -> None:
    with pytest.raises(ProblemError, match=said) as caught:
        choose_metric(task, name)
    assert caught.value.code == "problem.metric"


# The interval ---------------------------------------------------------------------------------------------------------


def test_the_interval_covers_as_often_as_it_says() -> None:
    """Of 120 intervals for a known root mean squared error of 1, about 114 hold it."""
    draw, held = np.random.default_rng(5), 0
    for turn in range(120):
        truth = np.zeros(150)
        low, high = interval(METRICS["rmse"], truth, draw.normal(size=150), seed=turn)
        held += low <= 1.0 <= high
    assert 104 <= held <= 119


def test_many_rows_get_the_interval_of_the_bootstrap_too() -> None:
    draw = np.random.default_rng(5)
    noise = draw.normal(size=200_000)
    low, high = interval(METRICS["mae"], np.zeros(200_000), noise)
    spread = np.abs(noise).std() / np.sqrt(200_000)
    assert (high - low) / (2 * 1.96 * spread) == pytest.approx(1.0, abs=0.25)
    assert low < METRICS["mae"](np.zeros(200_000), noise) < high


def test_groups_that_err_together_widen_the_interval() -> None:
    draw = np.random.default_rng(5)
    groups = np.repeat(np.arange(20), 20)
    errors = draw.normal(size=20)[groups] + 0.1 * draw.normal(size=400)
    low, high = interval(METRICS["rmse"], np.zeros(400), errors)
    low_g, high_g = interval(METRICS["rmse"], np.zeros(400), errors, groups=groups + 7)
    assert high_g - low_g > 2.5 * (high - low)


def test_the_interval_depends_on_the_seed_alone() -> None:
    truth, answers, weights = drawn(2, ties=True)
    first = interval(METRICS["roc_auc"], truth, answers, weights, seed=3)
    assert first == interval(METRICS["roc_auc"], truth, answers, weights, seed=3)
    assert first != interval(METRICS["roc_auc"], truth, answers, weights, seed=4)


def test_resamples_without_a_value_are_left_out() -> None:
    truth, answers = np.array([0, 1, 0, 0]), np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.1, 0.9]])
    low, high = interval(METRICS["roc_auc"], truth, answers)  # some resamples have one class only
    assert 0.0 <= low <= high <= 1.0
    assert all(np.isnan(interval(METRICS["roc_auc"], np.zeros(4, dtype=int), answers)))


# Metrics with a parameter, other names, costs -------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_pinball_is_scikit_learns(level: float, weighted: bool) -> None:
    draw = np.random.default_rng(1)
    truth, answers = draw.normal(size=300), draw.normal(size=300)
    weights = draw.integers(0, 4, 300).astype(float) if weighted else None
    metric = choose_metric("regression", f"pinball:{level}")
    assert (metric.name, metric.training, metric.objective) == (f"pinball:{level}",) * 3
    theirs = sk.mean_pinball_loss(truth, answers, sample_weight=weights, alpha=level)
    assert metric(truth, answers, weights) == pytest.approx(theirs, rel=1e-12)
    assert find_metric(metric.name)(truth, answers, weights) == metric(truth, answers, weights)
    assert metric.guide.name == metric.name


def test_the_metric_of_costs_is_the_mean_cost() -> None:
    truth, answers, weights = drawn(3, ties=False)
    table = {"x": {"x": 0, "y": 1, "z": 2}, "y": {"x": 5, "y": -1, "z": 1}, "z": {"x": 9, "y": 4, "z": 0}}
    metric = choose_metric("multiclass", None, table, ("x", "y", "z"))
    matrix = np.array([[0, 1, 2], [5, -1, 1], [9, 4, 0]])
    counts = sk.confusion_matrix(truth, answers.argmax(1), sample_weight=weights)
    assert metric(truth, answers, weights) == pytest.approx((counts * matrix).sum() / weights.sum())
    assert (metric.name, metric.of_labels, metric.higher_is_better) == ("cost", True, False)
    assert metric(truth, metric.decided(answers)) < metric(truth, answers)
    assert title_of("cost") == metric.title
    order = {r: dict(reversed(c.items())) for r, c in reversed(table.items())}
    np.testing.assert_array_equal(cost_matrix(order, ("x", "y", "z")), matrix)


@pytest.mark.parametrize(
    ("task", "said", "meant"),
    [
        ("binary", "AUC", "roc_auc"), ("binary", "logloss", "log_loss"), ("multiclass", "f1_macro", "f1"),
        ("binary", "Balanced Accuracy", "balanced_accuracy"), ("regression", "pinball", "pinball:0.5"),
        ("regression", "quantile:0.90", "pinball:0.9"), ("regression", "R2", "r2"),
    ],
)  # fmt: skip
def test_other_names_of_a_metric(task: Any, said: str, meant: str) -> None:
    assert choose_metric(task, said).name == meant


def test_aliases_name_metrics_and_none_hides_one() -> None:
    assert {a.partition(":")[0] for a in ALIASES.values()} <= {*METRICS, "pinball", "cost"}
    assert not set(ALIASES) & set(METRICS)


@pytest.mark.error_code("problem.metric")
@pytest.mark.parametrize(
    ("task", "name", "said"),
    [
        ("regression", "pinball:1.5", "above 0 and below 1"), ("regression", "pinball:x", "above 0 and below 1"),
        ("regression", "mse", "rmse"), ("binary", "f1_macro", "positive class"), ("binary", "cost", "--costs"),
        ("binary", "pinball:0.9", "not one for"), ("regression", "rmsse", "did you mean 'rmse'"),
    ],
)  # fmt: skip
def test_what_is_no_metric_says_what_is(task: Any, name: str, said: str) -> None:
    with pytest.raises(ProblemError, match=said) as caught:
        choose_metric(task, name)
    assert caught.value.code == "problem.metric"


GOOD = {"sick": {"sick": 0.0, "well": 9.0}, "well": {"sick": 1.0, "well": 0.0}}


@pytest.mark.error_code("problem.costs")
@pytest.mark.parametrize(
    ("costs", "said"),
    [
        ({"sick": {"sick": 0, "wel": 1}}, "did you mean 'well'"),
        ({"sick": {"sick": 0, "well": 1}}, "no row for the class 'well'"),
        ({"sick": {"sick": 0, "well": 1}, "well": {"well": 0}}, "no cost of answering 'sick'"),
        ({"sick": {"sick": 1, "well": 1}, "well": {"sick": 0, "well": 0}}, "none is better"),
    ],
)
def test_costs_that_do_not_fit_the_classes_are_refused(costs: Any, said: str) -> None:
    with pytest.raises(ProblemError, match=said) as caught:
        choose_metric("binary", None, costs, ("sick", "well"))
    assert caught.value.code == "problem.costs"


@pytest.mark.error_code("problem.costs")
def test_costs_are_for_classes_and_are_the_metric() -> None:
    with pytest.raises(ProblemError, match="for classes"):
        choose_metric("regression", None, GOOD)
    with pytest.raises(ProblemError, match="leave --metric out"):
        choose_metric("binary", "f1", GOOD, ("sick", "well"))
    assert choose_metric("binary", "cost", GOOD, ("sick", "well")).name == "cost"


def test_labels_are_measured_where_a_rule_decided() -> None:
    truth, answers, _ = drawn(2, ties=False)
    decided = np.eye(2)[np.zeros(len(truth), dtype=int)]
    found = evaluate("binary", truth, answers, None, decided)
    assert found["accuracy"] == pytest.approx(np.mean(truth == 0))
    assert found["roc_auc"] == METRICS["roc_auc"](truth, answers)
