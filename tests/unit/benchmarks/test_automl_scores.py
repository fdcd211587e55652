"""The scores, scales, ranks and duels of the AutoML benchmark, against values worked out by hand."""

import numpy as np
import pytest
from benchmarks import paired
from benchmarks.automl import scores


def answered(task, truth, answers):
    truth = np.asarray(truth)
    return paired.Tested(task, np.arange(len(truth)), truth, np.asarray(answers, dtype=float))


def test_all_metrics_of_two_classes():
    chance = [0.2, 0.6, 0.4, 0.9]
    found = scores.more_metrics(answered("binary", [0, 0, 1, 1], [[1 - p, p] for p in chance]))
    assert found["auc"] == pytest.approx(0.75)
    assert found["accuracy"] == pytest.approx(0.5)
    assert found["balanced_accuracy"] == pytest.approx(0.5)
    assert found["log_loss"] == pytest.approx(-np.mean(np.log([0.8, 0.4, 0.4, 0.9])))


def test_metrics_of_a_regression():
    found = scores.more_metrics(answered("regression", [1.0, 2.0, 3.0], [1.0, 2.0, 6.0]))
    assert found == pytest.approx({"rmse": np.sqrt(3), "mae": 1.0, "r2": 1 - 9 / 2})


def test_draws_are_the_same_for_every_system_of_a_split():
    truth = np.random.default_rng(0).normal(size=200)
    first = scores.drawn_scores(answered("regression", truth, truth + 1.0), seed=3)
    second = scores.drawn_scores(answered("regression", truth, truth - 1.0), seed=3)
    assert first == pytest.approx(second)  # both are off by 1 in every row
    assert scores.error_of_difference(first, second) == pytest.approx(0, abs=1e-9)


def test_error_of_a_difference_is_near_the_one_of_theory():
    random = np.random.default_rng(1)
    truth, rows = np.zeros(2000), 2000
    good, bad = random.normal(size=rows), random.normal(size=rows) * 1.2
    drawn = [scores.drawn_scores(answered("regression", truth, answers), seed=0) for answers in (good, bad)]
    theory = np.sqrt(1 / (2 * rows) + 1.2**2 / (2 * rows))
    assert scores.error_of_difference(*drawn) == pytest.approx(theory, rel=0.25)


def test_normalised_puts_the_best_at_one_and_the_zero_at_zero():
    values = {"a": -1.0, "b": -3.0, "c": -9.0}
    assert scores.normalised(values, -5.0) == {"a": 1.0, "b": 0.5, "c": 0.0}
    assert scores.normalised(values, -5.0, floor=None) == {"a": 1.0, "b": 0.5, "c": -1.0}
    assert scores.normalised(values, None) == {"a": 1.0, "b": 0.75, "c": 0.0}


def test_no_scale_where_nothing_beats_the_zero():
    assert scores.normalised({"a": 0.5, "b": 0.4}, 0.5) is None
    assert scores.normalised({"a": 0.5, "b": 0.4}, 0.6) is None


def test_ranks_share_places_among_ties_of_four_digits():
    assert scores.ranks({"a": 0.90001, "b": 0.90002, "c": 0.8, "d": 0.95}) == {"a": 2.5, "b": 2.5, "c": 4.0, "d": 1.0}


def test_a_tie_is_half_a_win():
    assert scores.result(-0.12341, -0.12342) == 0.5
    assert scores.result(-0.1234, -0.1235) == 1.0
    assert scores.result(-0.1235, -0.1234) == 0.0


def test_interval_holds_the_mean_and_narrows_with_more_tables():
    few = scores.interval([0.0, 1.0] * 4)
    many = scores.interval([0.0, 1.0] * 40)
    assert few[0] < many[0] < 0.5 < many[1] < few[1]
    assert scores.interval([0.7, 0.7]) == pytest.approx((0.7, 0.7))
