"""Calibration corrects what is off on fresh rows; it leaves alone what is right, and what is too little to tell."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
from scipy.special import expit, softmax

from afield.data.measures import pinball_losses
from afield.data.metrics import METRICS, choose_metric
from afield.graph.builder import Builder
from afield.model.calibration import Calibration
from afield.search.calibration import Judged, fit_calibration, lower_calibration, weighted_quantile

LOG_LOSS = METRICS["log_loss"]


def judged(truth: Any, answers: Any, weights: Any = None, groups: Any = None) -> Judged:
    rows = len(truth)
    return Judged(truth, answers, np.ones(rows) if weights is None else weights, np.arange(rows) % 5, groups)


def classified(rows: int, classes: int, slope: float, seed: int = 0) -> Judged:
    """Return true labels, with probabilities whose logits are ``slope`` times what they should be."""
    draw = np.random.default_rng(seed)
    logits = 1.5 * draw.normal(size=(rows, classes))
    truth = np.array([draw.choice(classes, p=p) for p in softmax(logits, axis=1)])
    return judged(truth, softmax(slope * logits, axis=1))


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("slope", [2.5, 0.5])
def test_over_and_under_confidence_is_corrected(classes: int, slope: float) -> None:
    found = fit_calibration(classified(1_500, classes, slope), LOG_LOSS)
    assert found.kind == "temperature"
    assert found.slope == pytest.approx(1 / slope, rel=0.15)
    fresh = classified(4_000, classes, slope, seed=1)
    assert LOG_LOSS(fresh.truth, found(fresh.answers)) < LOG_LOSS(fresh.truth, fresh.answers) - 0.02


def test_what_is_right_is_left_alone() -> None:
    changed = [fit_calibration(classified(800, 2, 1.0, seed), LOG_LOSS).kind != "none" for seed in range(30)]
    assert sum(changed) <= 3


@pytest.mark.parametrize("seed", range(4))
def test_few_rows_are_never_much_worse(seed: int) -> None:
    found = fit_calibration(classified(80, 2, 1.3, seed), LOG_LOSS)
    fresh = classified(5_000, 2, 1.3, seed=99)
    assert LOG_LOSS(fresh.truth, found(fresh.answers)) < LOG_LOSS(fresh.truth, fresh.answers) + 0.02
    assert fit_calibration(classified(50, 2, 3.0, seed), LOG_LOSS) == Calibration()


def test_a_crooked_curve_gets_a_beta_and_keeps_the_order() -> None:
    draw = np.random.default_rng(0)
    logits = 2 * draw.normal(size=3_000)
    truth = (draw.random(3_000) < expit(logits)).astype(int)
    crooked = expit(np.where(logits > 0, 2.2 * logits, 0.7 * logits) + 0.8)
    answers = np.column_stack([1 - crooked, crooked])
    found = fit_calibration(judged(truth, answers), LOG_LOSS)
    assert found.kind == "beta"
    after = found(answers)
    assert LOG_LOSS(truth, after) < LOG_LOSS(truth, answers) - 0.02
    assert METRICS["roc_auc"](truth, after) == METRICS["roc_auc"](truth, answers)


@pytest.mark.parametrize("seed", [8, 10])
def test_rows_of_a_group_count_as_one(seed: int) -> None:
    one = classified(40, 2, 2.2, seed)
    rows = np.repeat(np.arange(40), 60)
    alone = judged(one.truth[rows], one.answers[rows])
    assert fit_calibration(alone, LOG_LOSS).kind != "none"
    assert fit_calibration(judged(one.truth[rows], one.answers[rows], groups=rows), LOG_LOSS).kind == "none"


def test_weights_are_rows() -> None:
    plain = classified(900, 2, 2.0)
    times = np.random.default_rng(0).integers(1, 4, 900)
    rows = np.repeat(np.arange(900), times)
    found = fit_calibration(Judged(plain.truth, plain.answers, times.astype(float), plain.fold), LOG_LOSS)
    twice = fit_calibration(plain.take(rows), LOG_LOSS)
    assert (found.kind, found.slope) == (twice.kind, pytest.approx(twice.slope, rel=3e-2))


# Regression -----------------------------------------------------------------------------------------------------------


def amounts(rows: int = 900, seed: int = 0) -> tuple[Any, Any]:
    draw = np.random.default_rng(seed)
    middle = np.exp(draw.normal(size=rows)) + 1
    return middle * np.exp(0.4 * draw.normal(size=rows)), middle


@pytest.mark.parametrize("level", [0.1, 0.9])
def test_a_quantile_covers_what_it_says(level: float) -> None:
    metric = choose_metric("regression", f"pinball:{level}")
    truth, answers = amounts()
    found = fit_calibration(judged(truth, answers), metric)
    assert found.kind == "line"
    fresh, middle = amounts(4_000, seed=1)
    assert np.mean(fresh <= found(middle)) == pytest.approx(level, abs=0.03)
    assert pinball_losses(fresh, found(middle), level).mean() < 0.9 * pinball_losses(fresh, middle, level).mean()


def test_relative_errors_want_a_factor_and_squares_nothing() -> None:
    truth, answers = amounts()
    found = fit_calibration(judged(truth, 1.3 * answers), METRICS["mape"])
    assert found.slope < 0.8
    assert found.offset == 0
    fresh, middle = amounts(seed=1)
    assert METRICS["mape"](fresh, found(1.3 * middle)) < 0.85 * METRICS["mape"](fresh, 1.3 * middle)
    assert fit_calibration(judged(truth, 1.3 * answers), METRICS["rmse"]) == Calibration()
    assert fit_calibration(judged(truth, answers + 1.0), METRICS["mae"]).offset == pytest.approx(-1.0, abs=0.15)


def test_a_weighted_quantile_is_that_of_repeated_rows() -> None:
    values, times = np.array([3.0, 1.0, 2.0, 9.0]), np.array([1, 4, 2, 3])
    for level in (0.1, 0.45, 0.5, 0.95):
        wanted = np.quantile(np.repeat(values, times), level, method="inverted_cdf")
        assert weighted_quantile(values, times.astype(float), level) == wanted


# In the graph ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "calibration",
    [
        Calibration(),
        Calibration(kind="temperature", slope=0.6),
        Calibration(kind="temperature", slope=1.7),
        Calibration(kind="beta", slope=0.8, other=1.4, offset=-0.3),
        Calibration(kind="line", slope=1.1),
        Calibration(kind="line", offset=-2.5),
    ],
)
def test_the_graph_is_the_formula(calibration: Calibration) -> None:
    draw = np.random.default_rng(0)
    positive = np.concatenate([draw.random(200), [0.0, 1.0, 1e-300, 1 - 1e-16, 0.5]])
    answers = np.column_stack([1 - positive, positive])
    if calibration.kind == "line":
        answers = 100 * draw.normal(size=(200, 1))
    builder = Builder()
    value = builder.input("blend", "float64", ["N", answers.shape[1]])
    builder.output(lower_calibration(builder, value, calibration), "answers", ["N", answers.shape[1]])
    session = onnxruntime.InferenceSession(builder.build("calibration").SerializeToString())
    found = session.run(None, {"blend": answers})[0]
    np.testing.assert_allclose(found, calibration(answers), rtol=1e-12, atol=1e-13)
    if calibration.kind != "line":
        np.testing.assert_allclose(found.sum(axis=1), 1.0)
        assert (np.diff(found[np.argsort(positive, kind="stable"), 1]) >= 0).all()


def test_words() -> None:
    assert "less extreme (temperature 2" in Calibration(kind="temperature", slope=0.5).text()
    assert "beta curve" in Calibration(kind="beta", slope=1.2).text()
    assert Calibration(kind="line", offset=2.0).text().startswith("+2 added")
    assert "times 1.1" in Calibration(kind="line", slope=1.1).text()
    assert Calibration().text() == ""
