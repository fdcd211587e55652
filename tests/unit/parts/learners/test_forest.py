"""What the kit cannot know of forests: missing values, size, chunks."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor, RandomForestClassifier

from afield.data.answer import Answer
from afield.parts.learners import forest
from afield.parts.learners.forest import part
from afield.parts.learners.standardise import Scale
from afield.parts.protocol import Feature, FitContext
from afield.testing.learner_kit import Case, difference, hostile_rows, lower_model, open_model


def table(rows=500, classes=2, missing=0.2):
    draw = np.random.default_rng(0)
    x = draw.normal(size=(rows, 4)).astype(np.float32)
    signal = x[:, 0] - x[:, 1] + 0.3 * draw.normal(size=rows)
    x[draw.random(rows) < missing, 0] = np.nan
    signal += 2 * np.isnan(x[:, 0])  # missing says something
    values = np.argsort(np.argsort(signal)) * classes // rows
    return x, Answer(task="binary" if classes == 2 else "multiclass", values=values.astype(np.int64), classes=classes)


FORMS = tuple(Feature(name=f"f{i}", column=f"f{i}") for i in range(4))


def fit(x, target, settings=None, **context):
    return part.fit(x, FORMS, target, FitContext(**context), settings or {})


@pytest.mark.parametrize("kind", ["random", "extra"])
@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.parametrize("classes", [2, 3])
def test_missing_values_take_the_learned_direction(kind, missing, classes):
    x, target = table(classes=classes, missing=missing)
    case = Case(name="missing", features=x, forms=FORMS, target=target)
    fitted = fit(x, target, {"kind": kind, "trees": 20})
    model = lower_model(part, case, [fitted])
    rows = hostile_rows(model, case)
    rows[::2, 0] = np.nan
    rows[::3, 1] = np.nan  # never missing in training
    assert difference(case, open_model(model)(rows), fitted.reference(rows)) < 1e-6


def test_same_trees_as_scikit_learn():
    x, target = table()
    settings = {"trees": 37, "max_features": 0.5, "min_samples_leaf": 3}
    own = RandomForestClassifier(n_estimators=37, max_features=0.5, min_samples_leaf=3, random_state=5)
    np.testing.assert_array_equal(
        fit(x, target, settings, seed=5).reference(x), own.fit(x, target.values).predict_proba(x)
    )


def test_same_regression_as_scikit_learn():
    x, _ = table()
    target = Answer(task="regression", values=(np.nan_to_num(x[:, 0]) * 3 + x[:, 1] + 100).astype(np.float64))
    scale = Scale.of(target, None)
    own = ExtraTreesRegressor(n_estimators=20, max_features=0.5, min_samples_leaf=2, random_state=5)
    got = fit(x, target, {"trees": 20, "kind": "extra"}, seed=5).reference(x)[:, 0]
    np.testing.assert_allclose(got, scale.back(own.fit(x, scale.forth(target.values)).predict(x)), rtol=1e-12)


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("kind", ["random", "extra"])
def test_weight_is_bounded(kind, classes):
    x, target = table(rows=4000, classes=classes)
    case = Case(name="bytes", features=x, forms=FORMS, target=target)
    settings = {"kind": kind, "trees": 20, "min_samples_leaf": 1, "max_bytes": 100_000}
    bounded = lower_model(part, case, [fit(x, target, settings)]).ByteSize()
    free = lower_model(part, case, [fit(x, target, settings | {"max_bytes": 100_000_000})]).ByteSize()
    assert bounded < 110_000 < free


def test_rounds_fix_the_number_of_trees():
    x, target = table()
    assert fit(x, target, rounds=3).rounds == 3
    assert fit(x, target, {"trees": 30}).rounds == 30


def test_time_limit_keeps_the_trees_that_there_are():
    x, target = table(rows=2000)
    few = fit(x, target, {"trees": 1000}, time_limit_s=0.3)
    assert 1 <= few.rounds < 1000
    whole = fit(x, target, {"trees": 1000}, rounds=few.rounds)
    np.testing.assert_array_equal(few.reference(x), whole.reference(x))


def test_threads_change_nothing():
    x, target = table()
    one, two = (fit(x, target, {"trees": 10}, threads=t).state() for t in (1, 2))
    assert all(one[k].tobytes() == two[k].tobytes() for k in one)


def test_absent_class_has_probability_zero():
    x, target = table()
    three = Answer(task="multiclass", values=np.where(target.values == 1, 2, 0), classes=3)
    answer = fit(x, three, {"trees": 5}).reference(x)
    assert answer[:, 1].max() == 0.0
    assert (answer.argmax(axis=1) == three.values).mean() > 0.9


@pytest.mark.parametrize("kind", ["random", "extra"])
def test_capped_trees_of_many_rows_grow_on_drawn_rows(kind, monkeypatch):
    x, target = table(rows=12_000)
    grown = []
    keep = forest._node_tables
    monkeypatch.setattr(forest, "_node_tables", lambda model: grown.append(model) or keep(model))
    limits = {"kind": kind, "trees": 10, "max_bytes": 20_000, "min_samples_leaf": 1}
    many, again = fit(x, target, limits), fit(x, target, limits)
    leaves = grown[0].max_leaf_nodes
    assert grown[0].max_samples == 100 * leaves < 6_000
    assert all(tree.tree_.n_node_samples[0] < 100 * leaves for tree in grown[0].estimators_)
    np.testing.assert_array_equal(many.reference(x), again.reference(x))
    assert np.mean(many.reference(x)[:, 1].round() == target.values) > 0.8
    fit(x[:1_000], target.take(np.arange(1_000)), limits)
    assert grown[2].max_samples is None
