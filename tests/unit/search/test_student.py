"""Students: what they learn comes from models that have not seen the rows they are judged on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afield.data.answer import Answer
from afield.data.splits import make_folds
from afield.problem.schema import ColumnSpec
from afield.search.artifacts import open_array
from afield.search.combine import Price
from afield.search.features import matrix_path
from afield.search.lesson import encoded, mixed, spread, taught, taught_answers, teacher_config
from afield.search.loop import Budget, Search
from afield.search.recipe import Recipe
from afield.search.shape import Shape
from afield.search.student import CHEAP_ROWS, limit_of, students
from afield.search.tasks import answers_path
from small_studies import TREE_NUMBERS, Bench, linear_recipe, make_bench, make_question, only, propose_only, tree_recipe


@pytest.fixture(params=["binary", "multiclass", "regression"])
def task(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def searched(folder: Path, monkeypatch: Any, task: str = "binary", **options: Any) -> tuple[Bench, Search]:
    propose_only(monkeypatch, [linear_recipe(task=task), tree_recipe()])
    bench = make_bench(folder, only(make_question(task, **options), "number"))
    search = bench.driver.main_search()
    search.run(Budget(trials=2))
    return bench, search


def lesson(search: Search, labels: str, **weights: float) -> Recipe:
    teacher = weights or {t.id: 0.5 for t in search.trials}
    return replace(tree_recipe(8), lesson={"labels": labels, "teacher": teacher})


def test_spread_keeps_probabilities_as_weights() -> None:
    features = np.arange(6, dtype=np.float32).reshape(3, 2)
    soft = np.array([[0.2, 0.8, 0.0], [0.0, 0.004, 0.996], [1.0, 0.0, 0.0]])
    target = Answer(task="multiclass", values=np.array([1, 2, 0]), classes=3)
    x, answer, weights = spread(features, soft, np.array([1.0, 2.0, 3.0]), target)
    assert answer.values.tolist() == [0, 1, 2, 0]
    assert weights is not None
    assert weights == pytest.approx([0.2, 0.8, 2.0, 3.0])
    assert x.tolist() == features[[0, 0, 1, 2]].tolist()


def test_spread_of_a_regression_replaces_values() -> None:
    target = Answer(task="regression", values=np.array([1.0, 2.0]))
    _, answer, _ = spread(np.zeros((2, 1), np.float32), np.array([[1.5], [1.6]]), np.ones(2), target)
    assert answer.values.tolist() == [1.5, 1.6]


def test_the_teacher_of_a_fold_is_its_own_models(task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the rows that a fold holds out, they give exactly their out-of-fold answers."""
    bench, search = searched(tmp_path, monkeypatch, task)
    split = search.split
    teacher = teacher_config(bench.driver.memory, split, lesson(search, "soft"))
    for fold in range(split.folds.count):
        blocks = encoded(split, teacher, split.table.take(split.folds[fold].valid))
        wanted = sum(0.5 * open_array(answers_path(split, t.id, fold)) for t in search.trials)
        assert taught_answers(split, teacher, fold, blocks) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("labels", ["soft", "augmented"])
def test_labels_of_held_out_rows_teach_nothing(labels: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard against flattering students: with other labels in a fold, what its student learns stays the same."""
    question = only(make_question("binary"), "number")
    folds = make_folds(question.answer, None, None, 4, 0)
    monkeypatch.setattr("afield.search.driver.make_folds", lambda *a: folds)
    propose_only(monkeypatch, [linear_recipe()])
    told = []
    for flipped in (False, True):
        values, held = np.array(question.answer.values), folds[0].valid
        values[held] = 1 - values[held] if flipped else values[held]
        answer = replace(question.answer, values=values)
        bench = make_bench(tmp_path / str(flipped), replace(question, answer=answer))
        search = bench.driver.main_search()
        search.run(Budget(trials=1))
        split, recipe = search.split, lesson(search, labels)
        recipe = replace(recipe, encoders=search.trials[0].recipe.encoders)
        teacher, rows = teacher_config(bench.driver.memory, split, recipe), folds[0].train
        features = np.array(open_array(matrix_path(split, recipe.encoders[0]))[rows])
        told.append(taught(split, recipe, teacher, 0, 5, rows, (features, answer.take(rows), None)))
    (x, a, u), (y, b, v) = told
    assert a.values.tolist() == b.values.tolist()
    assert u == pytest.approx(v)
    assert np.array_equal(x, y)


def test_made_up_rows_are_cells_of_the_rows_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, search = searched(tmp_path, monkeypatch)
    rows = search.split.folds[1].train
    made = mixed(search.split.table, rows, search.split, np.random.default_rng(0))
    assert made.rows == 2_000
    size = search.split.table["size"].feed(rows)
    depth = search.split.table["depth"].feed(rows)
    assert np.isin(made["size"].feed(slice(None)), size).all()
    pairs = set(zip(size.tolist(), np.nan_to_num(depth).tolist(), strict=True))
    new = zip(
        made["size"].feed(slice(None)).tolist(), np.nan_to_num(made["depth"].feed(slice(None))).tolist(), strict=True
    )
    assert sum(pair not in pairs for pair in new) > 400


@pytest.mark.parametrize("labels", ["soft", "augmented"])
def test_students_end_like_trials_and_are_not_run_twice(
    labels: str, task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, search = searched(tmp_path, monkeypatch, task)
    recipe = lesson(search, labels)
    (trial,) = search.aside([recipe], Budget(trials=2), "s")
    assert trial.status == "ok"
    assert len(search.trials) == 2
    assert Recipe.from_json(recipe.to_json()) == recipe
    assert recipe.id != tree_recipe(8).id
    refit = bench.driver._refit(search.split, trial)
    assert refit["trees"]
    bench.journal.close()
    again = make_bench(tmp_path, only(make_question(task), "number"))
    other = again.driver.main_search()
    other.run(Budget(trials=2))
    (same,) = other.aside([recipe], Budget(trials=2), "s")
    assert again.engine.ran == []
    assert same == trial


def shape(rows: int = 500, classes: int = 2, *kinds: str) -> Shape:
    specs = tuple(ColumnSpec(name=k, kind=k) for k in kinds or ("number",))  # type: ignore[arg-type]
    return Shape("regression" if not classes else "binary" if classes == 2 else "multiclass", rows, classes, specs)


def test_without_limits_a_few_cheap_ones_and_none_on_many_rows() -> None:
    assert 2 <= len(students(shape(), {"a": 1.0}, limited=False)) <= 4
    assert students(shape(CHEAP_ROWS + 1), {"a": 1.0}, limited=False) == []
    assert students(shape(CHEAP_ROWS + 1), {"a": 1.0}, limited=True)


def test_under_limits_every_way_of_learning_and_columns_left_out() -> None:
    found = students(shape(500, 3, "number", "category", "text"), {"b": 0.4, "a": 0.6}, limited=True)
    assert {r.lesson.get("labels", "") for r in found} == {"", "soft", "augmented"}
    kinds = [{u.kind for u in r.encoders} for r in found]
    assert {"number"} in kinds
    assert {"number", "category"} in kinds
    assert len({r.id for r in found}) == len(found)
    assert all(TREE_NUMBERS[0].part for r in found)
    most = [r.learner.settings["max_rounds"] for r in found if r.learner.part == "lightgbm"]
    assert max(most) == 20  # 60 trees of three classes


def test_limits_as_a_price() -> None:
    assert limit_of(None, None) is None
    only_size, only_time = limit_of(1_000, None), limit_of(None, 5.0)
    assert only_size is not None
    assert only_time is not None
    assert only_size.bytes == 1_000
    assert only_size.latency_us > 1e9
    assert only_time == Price(only_time.bytes, 5.0)


def test_a_small_network_learns_in_every_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench, search = searched(tmp_path, monkeypatch, rows=60)
    found = students(bench.driver.shape(search.split), {search.trials[0].id: 1.0}, limited=True)
    recipes = [r for r in found if r.learner.part == "small_network"]
    assert sorted(r.lesson.get("labels", "") for r in recipes) == ["", "augmented", "soft"]
    monkeypatch.setattr("afield.search.lesson.LEAST_MADE_UP", 60)
    trials = search.aside(recipes, Budget(trials=2), "s")
    assert [t.status for t in trials] == ["ok"] * 3
    assert all(t.loss < 0.6 for t in trials)
