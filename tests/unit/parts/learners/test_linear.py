"""What the kit cannot know of linear models: rows drawn, penalties, convergence."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from sklearn.linear_model import LogisticRegression, Ridge

from afield.data.answer import Answer
from afield.parts.learners import linear
from afield.parts.learners.linear import part
from afield.parts.protocol import Feature, FitContext


def table(rows=300, classes=3):
    draw = np.random.default_rng(0)
    x = draw.normal(size=(rows, 4)).astype(np.float32)
    signal = x[:, 0] - 2 * x[:, 1] + 0.3 * draw.normal(size=rows)
    if not classes:
        return x, Answer(task="regression", values=(10 + 5 * signal).astype(np.float64))
    values = (np.argsort(np.argsort(signal)) * classes // rows).astype(np.int64)
    return x, Answer(task="binary" if classes == 2 else "multiclass", values=values, classes=classes)


FORMS = tuple(Feature(name=f"f{i}", column=f"f{i}") for i in range(4))


def fit(x, target, settings=None, **context):
    return part.fit(x, FORMS, target, FitContext(**context), settings or {})


@pytest.mark.parametrize("classes", [2, 3])
def test_same_as_scikit_learn(classes):
    x, target = table(classes=classes)
    wide = x.astype(np.float64)
    own = LogisticRegression(C=0.3, max_iter=100).fit(wide, target.values)
    np.testing.assert_array_equal(fit(x, target, {"C": 0.3}).reference(x), own.predict_proba(wide))


def test_same_ridge_as_scikit_learn():
    x, target = table(classes=0)
    own = Ridge(alpha=3.0).fit(x.astype(np.float64), target.values)
    got = fit(x, target, {"alpha": 3.0}).reference(x)[:, 0]
    np.testing.assert_allclose(got, own.predict(x.astype(np.float64)), rtol=1e-12)


def test_many_rows_are_drawn_by_the_seed():
    x, target = table(rows=1000)
    one, same, other = (fit(x, target, {"max_rows": 200}, seed=s).weights for s in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_weights_follow_the_rows_drawn():
    x, target = table(rows=1000, classes=0)
    target = Answer(task="regression", values=np.where(np.arange(1000) % 2, 5.0, -5.0))
    weights = np.where(np.arange(1000) % 2, 1.0, 1e-9)
    assert fit(x, target, {"max_rows": 100}, weights=weights).reference(x).mean() == pytest.approx(5.0, abs=0.01)


def test_missing_counts_as_zero():
    x, target = table()
    fitted = fit(x, target)
    holes = x.copy()
    holes[:, 0] = np.nan
    x[:, 0] = 0.0
    np.testing.assert_array_equal(fitted.reference(holes), fitted.reference(x))


def test_what_did_not_converge_says_so():
    x, target = table()
    x *= np.array([100, 0.1, 1, 10], dtype=np.float32)
    assert not fit(x, target, {"max_iterations": 10, "C": 1e4}).converged
    assert fit(*table()).converged


def test_repeated_columns_without_penalty():
    x, target = table(classes=0)
    x[:, 2], x[:, 3] = x[:, 0] * 1e6, x[:, 0]
    fitted = fit(x, target, {"alpha": 1e-5})
    assert np.corrcoef(fitted.reference(x)[:, 0], target.values)[0, 1] > 0.95


def test_threads_change_nothing():
    x, target = table()
    one, two = (fit(x, target, threads=t).weights for t in (1, 2))
    np.testing.assert_allclose(one, two, rtol=1e-9)


@pytest.mark.parametrize("present", [(0, 2), (1, 2), (2,)])
def test_absent_classes_have_probability_zero(present):
    x, target = table(classes=len(present)) if len(present) > 1 else table()
    values = np.array(present)[np.minimum(target.values, len(present) - 1)]
    answer = fit(x, Answer(task="multiclass", values=values, classes=3)).reference(x)
    absent = [c for c in range(3) if c not in present]
    assert answer[:, absent].max() == 0.0
    assert (answer.argmax(axis=1) == values).mean() > 0.9


@pytest.mark.parametrize("classes", [2, 3])
def test_mostly_zero_features_are_fitted_sparse_with_the_same_answer(classes, monkeypatch):
    draw = np.random.default_rng(3)
    rows, width = 20_000, 60
    features = np.zeros((rows, width), dtype=np.float32)
    levels = draw.integers(0, width - 1, rows)
    features[np.arange(rows), levels] = 1.0
    features[:, -1] = draw.normal(size=rows)
    features[::7, -1] = np.nan
    truth = (levels % classes + draw.integers(0, 2, rows)) % classes
    answer = Answer(task="binary" if classes == 2 else "multiclass", values=truth, classes=classes)
    forms = tuple(Feature(name=f"f{i}", column=f"f{i}") for i in range(width))
    made = []
    real = linear._matrix
    monkeypatch.setattr(linear, "_matrix", lambda *a, **k: made.append(real(*a, **k)) or made[-1])
    sparse = part.fit(features, forms, answer, FitContext(seed=1), {"C": 0.5})
    assert scipy.sparse.issparse(made[-1])
    monkeypatch.setattr(linear, "_SPARSE_SHARE", 0.0)
    dense = part.fit(features, forms, answer, FitContext(seed=1), {"C": 0.5})
    assert not scipy.sparse.issparse(made[-1])
    np.testing.assert_allclose(sparse.reference(features[:500]), dense.reference(features[:500]), atol=1e-4)
