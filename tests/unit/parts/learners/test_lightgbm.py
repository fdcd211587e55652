"""What the kit cannot know of LightGBM: rounds, categories, seeds, limits."""

from __future__ import annotations

import numpy as np
import psutil
import pytest

from afield.core.errors import ProblemError
from afield.data.answer import Answer
from afield.graph.tree_lightgbm import read_lightgbm
from afield.parts.learners import bins, lightgbm
from afield.parts.learners.lightgbm import part
from afield.parts.protocol import Feature, FitContext, Whole


def table(rows=400, seed=0):
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(rows, 3)).astype(np.float32)
    x[:, 2] = draw.integers(0, 50, rows)
    effect = np.random.default_rng(99).normal(size=50)
    y = x[:, 0] + 2 * effect[x[:, 2].astype(int)] + 0.5 * draw.normal(size=rows)
    return x, Answer(task="regression", values=y.astype(np.float64))


FORMS = (
    Feature(name="a", column="a"),
    Feature(name="b", column="b"),
    Feature(name="c", column="c", form="codes", levels=50),
)


def fit(x, target, settings=None, **context):
    return part.fit(x, FORMS[: x.shape[1]], target, FitContext(**context), settings or {})


def test_rounds_are_kept_to():
    x, target = table()
    assert fit(x, target, rounds=7, validation=(x, target, None)).rounds == 7
    assert fit(x, target, {"max_rounds": 11}).rounds == 11


def test_early_stopping_keeps_the_best_round():
    x, target = table()
    held, answers = table(seed=1)
    settings = {"learning_rate": 0.3, "patience": 10}
    stopped = fit(x, target, settings, validation=(held, answers, None))
    assert 1 <= stopped.rounds < 300

    def loss(rounds):
        return np.mean((fit(x, target, settings, rounds=rounds).reference(held)[:, 0] - answers.values) ** 2)

    assert loss(stopped.rounds) <= min(loss(stopped.rounds + 5), loss(max(1, stopped.rounds - 5)))
    np.testing.assert_array_equal(
        stopped.reference(held), fit(x, target, settings, rounds=stopped.rounds).reference(held)
    )


def test_codes_are_categories_or_numbers():
    x, target = table()
    native = read_lightgbm(fit(x, target, rounds=5).text, 1)
    numbers = read_lightgbm(fit(x, target, {"categories": "numbers"}, rounds=5).text, 1)
    assert (native.member_count[native.feature == 2] > 0).all()
    assert (native.member_count[native.feature != 2] < 0).all()
    assert (numbers.member_count < 0).all()


def test_codes_of_many_levels_are_numbers_unless_each_has_many_rows():
    x, target = table()
    numbers, sets = fit(x, target, {"categories": "numbers"}, rounds=5).text, fit(x, target, rounds=5).text
    assert numbers != sets
    assert fit(x, target, {"native_levels": 49}, rounds=5).text == numbers
    assert fit(x, target, {"native_levels": 49, "native_rows": 8}, rounds=5).text == sets


def test_weights_count():
    x, target = table()
    heavy = np.where(target.values > np.median(target.values), 100.0, 0.01)
    assert fit(x, target, rounds=20, weights=heavy).reference(x).mean() > target.values.mean() + 0.3


def test_seed_decides_what_is_drawn():
    x, target = table()
    settings = {"feature_fraction": 0.4, "bagging_fraction": 0.5}
    one, same, other = (fit(x, target, settings, rounds=5, seed=s).state()["model"] for s in (1, 1, 2))
    assert one.tobytes() == same.tobytes()
    assert one.tobytes() != other.tobytes()


def test_threads_leave_no_trace():
    x, target = table()
    one, two = (fit(x, target, rounds=5, threads=t).state()["model"].tobytes() for t in (1, 2))
    assert one == two
    assert b"num_threads" not in one


def test_memory_map(tmp_path):
    x, target = table()
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    state = fit(mapped, target, rounds=5).state()
    assert state["model"].tobytes() == fit(x, target, rounds=5).state()["model"].tobytes()


def test_far_from_zero_is_as_good_as_near():
    x, target = table()
    far = Answer(task="regression", values=target.values + 1e9)
    near = fit(x, target, rounds=50).reference(x)[:, 0] - target.values
    assert np.std(fit(x, far, rounds=50).reference(x)[:, 0] - far.values) == pytest.approx(np.std(near), rel=0.01)


@pytest.mark.parametrize("rows", [4, 20])
def test_few_rows_are_still_split(rows):
    x, _ = table(rows=rows)
    x[:, 0] = np.arange(rows)
    step = Answer(task="regression", values=np.where(np.arange(rows) < rows // 2, 0.0, 1.0))
    assert np.ptp(fit(x, step, {"categories": "numbers"}, rounds=30).reference(x)) > (0.5 if rows > 4 else -1)


def test_time_limit_keeps_what_there_is():
    x, target = table(2000)
    fitted = fit(x, target, {"max_rounds": 20_000, "learning_rate": 0.003}, time_limit_s=0.2)
    assert 1 <= fitted.rounds < 20_000


def test_cancelled_in_the_middle():
    x, target = table()
    looks = iter([False] * 4 + [True] * 1000)
    assert fit(x, target, cancelled=lambda: next(looks)).rounds == 5


@pytest.mark.parametrize("absent", [0, 1, 2])
def test_absent_class_keeps_its_place(absent):
    x, _ = table()
    values = np.where(x[:, 0] > 0, (absent + 1) % 3, (absent + 2) % 3).astype(np.int64)
    fitted = fit(x, Answer(task="multiclass", values=values, classes=3), rounds=20)
    answer = fitted.reference(x)
    assert answer.shape == (400, 3)
    assert answer[:, absent].max() < 1e-6
    assert (answer.argmax(axis=1) == values).mean() > 0.95


@pytest.mark.error_code("parts.settings")
def test_unknown_setting():
    x, target = table()
    with pytest.raises(ProblemError, match="did you mean 'num_leaves'"):
        fit(x, target, {"num_leafs": 3})


def whole_context(x, target, rows, valid, key="k", **more):
    weights = np.linspace(0.5, 2.0, len(x))
    return FitContext(
        validation=(x[valid], target.take(valid), weights[valid]),
        weights=weights[rows],
        whole=Whole(key, lambda: x, rows, valid),
        **more,
    )


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
def test_answers_to_held_rows_are_those_of_the_text(task):
    x, target = table(rows=900)
    if task != "regression":
        classes = 2 if task == "binary" else 3
        ranks = np.argsort(np.argsort(target.values)) * classes // len(x)
        target = Answer(task=task, values=ranks.astype(np.int64), classes=classes)
    rows, valid = np.arange(0, 600), np.arange(600, 900)
    context = whole_context(x, target, rows, valid, key=task)
    fitted = part.fit(x[rows], FORMS, target.take(rows), context, {"patience": 10, "max_rounds": 40})
    assert fitted.held_answers is not None
    np.testing.assert_allclose(fitted.held_answers, fitted.reference(x[valid]), rtol=1e-12, atol=1e-12)


def test_kept_bins_change_nothing(monkeypatch):
    x, target = table(rows=900)
    x[::11, 0] = np.nan
    made = []
    real = bins.datasets
    monkeypatch.setattr(lightgbm, "datasets", lambda *a: made.append(len(bins._kept)) or real(*a))

    def text(fold, **settings):
        valid = np.arange(900)[fold::3]
        rows = np.setdiff1d(np.arange(900), valid)
        context = whole_context(x, target, rows, valid, seed=fold)
        return part.fit(x[rows], FORMS, target.take(rows), context, {"max_rounds": 20} | settings).text

    asked = [(0, {}), (1, {}), (1, {"max_bin": 15}), (2, {"min_data_in_leaf": 3}), (0, {"feature_fraction": 0.5})]
    fresh = []
    for fold, settings in asked:
        bins._kept.clear()
        fresh.append(text(fold, **settings))
    bins._kept.clear()
    assert [text(fold, **settings) for fold, settings in reversed(asked)] == fresh[::-1]
    assert len(bins._kept) == 2  # two counts of bins, whatever the folds and the other settings
    assert len(set(fresh)) == len(asked)


def test_bins_that_are_kept_are_bounded(monkeypatch):
    monkeypatch.setattr(bins, "_MOST_BYTES", 2_500)
    bins._kept.clear()
    x, target = table(rows=400)
    rows, valid = np.arange(300), np.arange(300, 400)
    for key in "abc":
        part.fit(x[rows], FORMS, target.take(rows), whole_context(x, target, rows, valid, key=key), {"max_rounds": 3})
    assert [key[0] for key in bins._kept] == ["b", "c"]
    monkeypatch.setattr(bins, "_MOST_BYTES", 100)
    part.fit(x[rows], FORMS, target.take(rows), whole_context(x, target, rows, valid, key="d"), {"max_rounds": 3})
    assert not bins._kept


def skewed(rows=1500, seed=0):
    draw = np.random.default_rng(seed)
    x = np.column_stack([draw.normal(size=rows), draw.normal(size=rows)]).astype(np.float32)
    y = 2 * x[:, 0] + draw.exponential(2.0, size=rows)
    return x, Answer(task="regression", values=y)


@pytest.mark.parametrize(("objective", "level"), [("absolute_error", 0.5), ("pinball:0.9", 0.9), ("pinball:0.1", 0.1)])
def test_a_quantile_is_boosted_where_it_is_asked_for(objective, level):
    x, target = skewed()
    held, answers = skewed(seed=1)
    found = fit(x, target, objective=objective, validation=(held, answers, None))
    covered = np.mean(answers.values <= found.reference(held)[:, 0])
    assert covered == pytest.approx(level, abs=0.08)
    mean = fit(x, target, validation=(held, answers, None)).reference(held)[:, 0]
    assert np.mean(answers.values <= mean) > 0.55  # the mean of a skewed noise is none of these


def test_a_mean_may_be_boosted_for_another_loss():
    x, target = skewed()
    settings = {"loss": "squares"}
    one, other = (fit(x, target, settings, objective=o, rounds=9) for o in ("absolute_error", "squared_error"))
    np.testing.assert_array_equal(one.reference(x), other.reference(x))


def test_a_rare_class_is_learned():
    """One row in two hundred: leaves that leap on one row would know next to nothing."""
    draw = np.random.default_rng(0)

    def rare(rows):
        x = draw.normal(size=(rows, 3)).astype(np.float32)
        y = (draw.random(rows) < 1 / (1 + np.exp(6.6 - 1.7 * x[:, 0] - 1.2 * x[:, 1]))).astype(np.int64)
        return x, Answer(task="binary", values=y, classes=2)

    x, target = rare(5_000)
    held, answers = rare(20_000)
    assert 0.003 < target.values.mean() < 0.015
    found = fit(x, target, {"categories": "numbers", "patience": 30}, validation=(*rare(1_500), None)).reference(held)
    ranks = found[:, 1].argsort().argsort()
    positive = answers.values == 1
    area = (ranks[positive].mean() - (positive.sum() - 1) / 2) / (~positive).sum()
    assert area > 0.85


def test_many_fits_in_one_process_take_no_more_memory(monkeypatch):
    monkeypatch.setattr(bins, "_MOST_BYTES", 3_000_000)
    process = psutil.Process()
    target = Answer(task="regression", values=np.random.default_rng(1).normal(size=60_000))
    rows, valid = np.arange(45_000), np.arange(45_000, 60_000)
    forms = tuple(Feature(name=f"f{i}", column=f"f{i}") for i in range(20))
    used = []
    for turn in range(12):
        x = np.random.default_rng(turn).random((60_000, 20), dtype=np.float32)  # 4.8 MB
        context = whole_context(x, target, rows, valid, key=f"turn {turn}")
        part.fit(x[rows], forms, target.take(rows), context, {"max_rounds": 2, "num_leaves": 4, "max_bin": 15})
        used.append(process.memory_info().rss / 1e6)
    assert used[-1] - used[3] < 16  # eight further tables would be 38
