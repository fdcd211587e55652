import numpy as np
import pytest

from afield.data.answer import Answer
from afield.parts.encoders.target_sums import TargetSums

CODES = np.array([0, 1, 1, 3, 3, 3])
WEIGHTS = np.array([1.0, 2, 1, 1, 0.5, 1])


def slow(figures, size):
    return np.stack([[(WEIGHTS * f)[c == CODES].sum() for c in range(size)] for f in figures], axis=1)


@pytest.mark.parametrize(("classes", "most"), [(3, 5), (40, 4)])
def test_sums_are_those_of_each_figure_by_itself(classes, most):
    values = np.array([0, 1, 2, 2, 1, 0]) * (1 if classes == 3 else 13)
    summed = TargetSums.of(Answer(task="multiclass", values=values, classes=classes), WEIGHTS, most=most)
    assert summed.count == min(classes, most)
    weight, sums = summed.by(CODES, 5)
    assert weight.tolist() == [1, 3, 0, 2.5, 0]
    np.testing.assert_allclose(sums, slow([mark[values] for mark in summed.marks], 5), rtol=1e-15)
    np.testing.assert_allclose(summed.prior, sums.sum(axis=0) / WEIGHTS.sum())


def test_a_regression_target_is_standardised_by_weight():
    values = np.array([1e12, 1e12 + 4, 1e12, 1e12 + 1, 1e12, 1e12 + 2])
    summed = TargetSums.of(Answer(task="regression", values=values), WEIGHTS, most=3)
    assert summed.figures is not None
    assert abs((summed.figures * WEIGHTS).sum()) < 1e-3
    assert (summed.figures**2 * WEIGHTS).sum() == pytest.approx(WEIGHTS.sum(), rel=1e-6)
    np.testing.assert_allclose(summed.by(CODES, 4)[1], slow([summed.figures], 4))


def test_no_weight_at_all_gives_a_prior_of_zero():
    answer = Answer(task="binary", values=np.array([1, 0]), classes=2)
    assert TargetSums.of(answer, np.zeros(2), most=1).prior.tolist() == [0.0]
