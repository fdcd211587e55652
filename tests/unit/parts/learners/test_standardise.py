"""The scale of a regression's target."""

from __future__ import annotations

import numpy as np
import pytest

from afield.data.answer import Answer
from afield.parts.learners.standardise import Scale


def regression(values):
    return Answer(task="regression", values=np.array(values, dtype=np.float64))


def test_there_and_back():
    values = np.array([1e9, 1e9 + 1, 1e9 + 2.5])
    scale = Scale.of(regression(values), None)
    assert np.std(scale.forth(values)) == pytest.approx(1.0)
    np.testing.assert_allclose(scale.back(scale.forth(values)), values, rtol=1e-15)


def test_weights_count():
    assert Scale.of(regression([0.0, 10.0]), np.array([3.0, 1.0])).centre == 2.5


def test_constant_targets_and_classes_keep_their_scale():
    assert Scale.of(regression([4.0, 4.0]), None) == Scale(4.0, 1.0)
    assert Scale.of(Answer(task="binary", values=np.array([0, 1]), classes=2), None) == Scale()
