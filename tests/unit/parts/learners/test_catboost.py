"""What the kit cannot know of CatBoost: rounds, objectives, missing values, constants, limits."""

from __future__ import annotations

import json

import numpy as np
import pytest

from afield.core.errors import ProblemError
from afield.data.answer import Answer
from afield.graph.tree_catboost import read_catboost
from afield.parts.learners.catboost import part
from afield.parts.protocol import Feature, FitContext
from afield.testing.learner_kit import Case, difference, hostile_rows, lower_model, open_model


def table(rows=400, seed=0, width=3):
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(rows, width)).astype(np.float32)
    y = x[:, 0] + 2 * x[:, 1] * x[:, 2] + 0.5 * draw.normal(size=rows)
    return x, Answer(task="regression", values=y.astype(np.float64))


def classes_of(target, count=2):
    order = np.argsort(np.argsort(target.values)) * count // len(target.values)
    return Answer(task="binary" if count == 2 else "multiclass", values=order.astype(np.int64), classes=count)


def forms(x):
    return tuple(Feature(name=f"f{i}", column=f"f{i}") for i in range(x.shape[1]))


def fit(x, target, settings=None, **context):
    return part.fit(x, forms(x), target, FitContext(**context), settings or {})


def parity(x, target, fitted, rows=None):
    """The largest difference of graph and library on the rows, their neighbours and infinities."""
    case = Case(name="case", features=x, forms=forms(x), target=target)
    model = lower_model(part, case, fitted)
    rows = hostile_rows(model, case) if rows is None else rows
    rows = np.concatenate([rows, np.full((1, x.shape[1]), np.inf, np.float32), -np.full_like(rows[:1], np.inf)])
    return difference(case, open_model(model)(rows), np.mean([f.reference(rows) for f in fitted], axis=0))


TASKS = {
    "binary": classes_of,
    "multiclass": lambda t: classes_of(t, 5),
    "regression": lambda t: t,
}


@pytest.mark.parametrize("task", TASKS)
def test_long_boosting_stays_equal(task):
    x, target = table(300)
    x[:40, 0] = np.nan
    target = TASKS[task](target)
    fitted = [fit(x, target, {"learning_rate": 0.3, "depth": 6}, rounds=r, seed=r) for r in (150, 3)]
    assert parity(x, target, fitted) < 1e-6


@pytest.mark.parametrize("size", [1e-30, 1e-6, 1e6, 1e30])
def test_sizes_of_features_and_targets(size):
    x, target = table(200)
    far = Answer(task="regression", values=target.values * size)
    fitted = fit(x * np.float32(size), far, rounds=40)
    assert parity(x * np.float32(size), far, [fitted, fit(x * np.float32(size), far, rounds=40, seed=1)]) < 1e-6
    assert np.std(fitted.reference(x * np.float32(size))[:, 0] - far.values) < 0.8 * np.std(far.values)


@pytest.mark.parametrize(
    ("objective", "wanted"), [("absolute_error", 0.5), ("pinball:0.9", 0.9), ("pinball:0.125", 0.125)]
)
def test_quantiles(objective, wanted):
    x, target = table(1500)
    skewed = Answer(task="regression", values=5e5 + np.exp(target.values))
    held, answers = table(600, seed=1)
    valid = Answer(task="regression", values=5e5 + np.exp(answers.values))
    fitted = fit(x, skewed, {"max_rounds": 150}, objective=objective, validation=(held, valid, None))
    below = np.mean(valid.values < fitted.reference(held)[:, 0])
    assert below == pytest.approx(wanted, abs=0.1)
    assert parity(x, skewed, [fitted]) < 1e-6
    constant = fit(np.ones_like(x), skewed, objective=objective).reference(x)[0, 0]
    assert np.mean(skewed.values < constant) == pytest.approx(wanted, abs=0.01)


def test_missing_values_that_only_training_or_only_prediction_has():
    x, target = table()
    missing = x.copy()
    missing[::3, 0] = np.nan
    missing[:, 1] = np.nan
    for there, here in ((x, missing), (missing, x), (missing, missing)):
        fitted = fit(there, target, rounds=20, validation=(here, target, None))
        assert parity(there, target, [fitted], here) < 1e-6
    lowest = missing.copy()
    lowest[np.isnan(missing)] = np.finfo(np.float32).min
    clean = fit(x, target, rounds=20)
    np.testing.assert_array_equal(clean.reference(missing), clean.reference(lowest))  # below all borders


def test_validation_with_missing_values_stops_at_the_best_round():
    x, target = table()
    held, answers = table(seed=1)
    held[:100, 0] = np.nan
    fitted = fit(x, target, {"learning_rate": 0.3, "patience": 10}, validation=(held, answers, None))
    losses = [
        np.mean((fit(x, target, {"learning_rate": 0.3}, rounds=r).reference(held)[:, 0] - answers.values) ** 2)
        for r in (fitted.rounds - 3, fitted.rounds, fitted.rounds + 3)
    ]
    assert losses[1] <= min(losses[0], losses[2])


def test_rounds_are_kept_to():
    x, target = table()
    assert fit(x, target, rounds=7, validation=(x, target, None)).rounds == 7
    assert fit(x, target, {"max_rounds": 11}).rounds == 11
    assert fit(x, target, rounds=0).rounds == 1


@pytest.mark.parametrize("task", TASKS)
def test_early_stopping_keeps_the_best_round(task):
    x, target = table()
    held, answers = table(seed=1)
    settings = {"learning_rate": 0.3, "patience": 10}
    made = TASKS[task]
    stopped = fit(x, made(target), settings, validation=(held, made(answers), None))
    assert 1 <= stopped.rounds < 300
    same = fit(x, made(target), settings, rounds=stopped.rounds)
    np.testing.assert_array_equal(stopped.reference(held), same.reference(held))


@pytest.mark.parametrize("objective", ["", "absolute_error", "pinball:0.2"])
@pytest.mark.parametrize("task", TASKS)
def test_cancelled_in_the_middle(task, objective):
    x, target = table()
    looks = iter([False] * 4 + [True] * 1000)
    assert fit(x, TASKS[task](target), cancelled=lambda: next(looks), objective=objective).rounds == 5


@pytest.mark.parametrize("task", TASKS)
def test_time_limit_keeps_what_there_is(task):
    x, target = table(1000)
    fitted = fit(x, TASKS[task](target), {"max_rounds": 20_000, "learning_rate": 0.005}, time_limit_s=0.2)
    assert 1 <= fitted.rounds < 20_000


def test_weights_count():
    x, target = table()
    heavy = np.where(target.values > np.median(target.values), 100.0, 0.0)
    assert fit(x, target, rounds=20, weights=heavy).reference(x).mean() > target.values.mean() + 0.3
    constant = fit(np.ones_like(x), target, weights=heavy).reference(x)
    np.testing.assert_allclose(constant, np.average(target.values, weights=heavy))


def test_validation_weights_of_zero_count_as_none():
    x, target = table()
    held = target.take(np.arange(50))
    plain, zero = (fit(x, target, {"max_rounds": 9}, validation=(x[:50], held, w)) for w in (None, np.zeros(50)))
    assert plain.state()["model"].tobytes() == zero.state()["model"].tobytes()


def test_squared_error_is_what_nothing_said_means():
    x, target = table()
    said, unsaid = (fit(x, target, rounds=5, objective=o) for o in ("squared_error", ""))
    assert said.state()["model"].tobytes() == unsaid.state()["model"].tobytes()


def test_seed_decides_what_is_drawn():
    x, target = table()
    one, same, other = (fit(x, target, rounds=5, seed=s).state()["model"] for s in (1, 1, 2))
    assert one.tobytes() == same.tobytes()
    assert one.tobytes() != other.tobytes()


def test_threads_times_and_paths_leave_no_trace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x, target = table(1500)
    one, two = (fit(x, classes_of(target), rounds=5, threads=t).state()["model"].tobytes() for t in (1, 2))
    assert one == two
    assert not any(word in one for word in (b"thread", b"guid", b"time", b"train_dir"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("absent", [0, 1, 2])
def test_absent_class_has_no_probability(absent):
    x, _ = table()
    values = np.where(x[:, 0] > 0, (absent + 1) % 3, (absent + 2) % 3).astype(np.int64)
    target = Answer(task="multiclass", values=values, classes=3)
    held = Answer(task="multiclass", values=np.arange(400) % 3, classes=3)  # has the class that training lacks
    fitted = fit(x, target, {"max_rounds": 30}, validation=(x, held, None))
    answer = fitted.reference(x)
    assert (answer[:, absent] == 0.0).all()
    assert (answer.argmax(axis=1) == values).mean() > 0.95
    graph = open_model(lower_model(part, Case(name="c", features=x, forms=forms(x), target=target), [fitted]))(x)
    assert (graph[:, absent] == 0.0).all()


@pytest.mark.parametrize(("classes", "only"), [(2, 0), (2, 1), (4, 2)])
def test_one_class_is_certain(classes, only):
    x, _ = table(50)
    task = "binary" if classes == 2 else "multiclass"
    target = Answer(task=task, values=np.full(50, only), classes=classes)
    fitted, mixed = fit(x, target), fit(x, classes_of(table(50)[1], classes), rounds=5)
    assert fitted.rounds == 0
    assert (fitted.reference(x)[:, only] == 1.0).all()
    assert (open_model(lower_model(part, Case(name="c", features=x, forms=forms(x), target=target), [fitted]))(x)
            == fitted.reference(x)).all()  # fmt: skip
    assert parity(x, target, [fitted, mixed]) < 1e-6
    assert parity(x, target, [part.restore(fitted.state())]) < 1e-6


@pytest.mark.parametrize("rows", [1, 2, 3, 10, 11])
@pytest.mark.parametrize("task", TASKS)
def test_few_rows(task, rows):
    x, target = table(rows)
    target = TASKS[task](target)
    for bootstrap in ("mvs", "bernoulli", "bayesian"):
        for subsample in (0.1, 0.8, 1.0):
            fitted = fit(x, target, {"max_rounds": 4, "bootstrap": bootstrap, "subsample": subsample})
            assert np.isfinite(fitted.reference(x)).all()
    assert parity(x, target, [fitted]) < 1e-6


def test_constant_features_give_the_mean_of_the_target():
    x, target = table(90)
    for value in (np.nan, 0.0, 7.0, np.inf):
        same = np.full_like(x, value)
        np.testing.assert_allclose(fit(same, target).reference(x[:2])[:, 0], target.values.mean())
        shares = np.bincount(classes_of(target, 3).values, weights=np.arange(90.0)) / np.arange(90.0).sum()
        got = fit(same, classes_of(target, 3), weights=np.arange(90.0)).reference(x[:2])
        np.testing.assert_allclose(got, np.tile(shares, (2, 1)))
    zeros = np.where(np.arange(90) % 2, 0.0, -0.0).astype(np.float32)[:, None]  # equal, whatever their sign
    assert fit(zeros, target).rounds == 0
    assert fit(np.where(zeros == 0, np.inf, 0)[:, [0]] * np.float32(1), target).rounds == 0


def test_infinities_in_training():
    x, target = table()
    x[:30, 0], x[30:60, 0] = np.inf, -np.inf
    fitted = fit(x, target, rounds=30)
    assert parity(x, target, [fitted], x) < 1e-6


@pytest.mark.parametrize("settings", [
    {"bootstrap": "no"}, {"bootstrap": "bayesian", "bagging_temperature": 3}, {"bootstrap": "bernoulli"},
    {"score_function": "L2", "random_strength": 0}, {"rsm": 0.7, "border_count": 8, "leaf_steps": 4, "depth": 9},
    {"boost_from_average": False, "l2_leaf_reg": 0.5, "depth": 1}, {"subsample": 0.1},
])  # fmt: skip
@pytest.mark.parametrize("task", TASKS)
def test_settings_reach_catboost(task, settings):
    x, target = table(200)
    target = TASKS[task](target)
    fitted, plain = fit(x, target, settings, rounds=8), fit(x, target, rounds=8)
    assert fitted.trees.depth.max() <= settings.get("depth", 6)
    assert fitted.state()["model"].tobytes() != plain.state()["model"].tobytes()
    assert parity(x, target, [fitted]) < 1e-6


def test_one_feature_is_split_in_every_round():
    x, target = table(200, width=3)
    assert (fit(x[:, :1], target, {"rsm": 0.05}, rounds=30).trees.depth > 0).all()


def document(**changes):
    features = [{"nan_value_treatment": "AsIs"}]
    tree = {"splits": [{"split_type": "FloatFeature", "float_feature_index": 0, "border": 0.1}], "leaf_values": [0, 1]}
    plain = {"features_info": {"float_features": features}, "scale_and_bias": [1, [0]], "oblivious_trees": [tree]}
    return json.loads(json.dumps(plain | changes))


def test_what_is_not_trained_here_is_not_read():
    trees, bias = read_catboost(document())
    assert (trees.count, bias.tolist(), trees.border.dtype) == (1, [0.0], np.float32)
    above = {"float_features": [{"nan_value_treatment": "AsTrue"}]}
    hot = [{"splits": [{"split_type": "OneHotFeature"}], "leaf_values": [0, 1]}]
    for change, words in (
        ({"features_info": above}, "AsTrue"), ({"scale_and_bias": [2, [0]]}, "scaled"),
        ({"oblivious_trees": hot}, "OneHotFeature"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=words):
            read_catboost(document(**change))


@pytest.mark.error_code("parts.settings")
def test_unknown_setting():
    x, target = table(20)
    with pytest.raises(ProblemError, match="did you mean 'border_count'"):
        fit(x, target, {"border_counts": 3})
