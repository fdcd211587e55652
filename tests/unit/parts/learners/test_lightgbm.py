"""What the kit cannot know of LightGBM: rounds, categories, seeds, limits."""

from __future__ import annotations

import numpy as np
import pytest

from afield.core.errors import ProblemError
from afield.data.answer import Answer
from afield.graph.tree_lightgbm import read_lightgbm
from afield.parts.learners.lightgbm import part
from afield.parts.protocol import Feature, FitContext


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
