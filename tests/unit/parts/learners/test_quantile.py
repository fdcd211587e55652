"""Linear quantiles: those of scikit-learn's exact solver, with weights, and never farther from it than noise."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import QuantileRegressor

from afield.data.answer import Answer
from afield.data.measures import pinball_losses
from afield.parts.learners.linear import part
from afield.parts.protocol import Feature, FitContext


def drawn(rows=800, seed=0):
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(rows, 4)).astype(np.float32)
    return x, 3 * x[:, 0] - x[:, 1] + np.exp(0.5 * x[:, 2]) * draw.standard_t(4, size=rows)


def fit(x, y, level, weights=None):
    forms = [Feature(name=str(i), column=str(i)) for i in range(x.shape[1])]
    context = FitContext(objective=f"pinball:{level}", weights=weights)
    return part.fit(x, forms, Answer(task="regression", values=y), context, {"alpha": 1e-3})


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_as_good_as_the_exact_solver(level, weighted):
    x, y = drawn()
    weights = np.random.default_rng(1).integers(0, 4, len(y)).astype(float) if weighted else None
    exact = QuantileRegressor(quantile=level, alpha=0.0).fit(x, y, sample_weight=weights)
    ours = np.average(pinball_losses(y, fit(x, y, level, weights).reference(x)[:, 0], level), weights=weights)
    best = np.average(pinball_losses(y, exact.predict(x), level), weights=weights)
    assert best * (1 - 1e-9) <= ours <= 1.01 * best


def test_the_share_of_rows_below_is_the_level():
    x, y = drawn()
    held, values = drawn(4_000, seed=2)
    for level in (0.1, 0.5, 0.9):
        assert np.mean(values <= fit(x, y, level).reference(held)[:, 0]) == pytest.approx(level, abs=0.03)
