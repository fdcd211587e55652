"""The check of the file against the libraries sees one wrong bit: on training rows, or where only hostile rows tell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from afield.search.driver import Finished
from afield.search.ensemble import Reference, build_model
from afield.search.parity import Parity, check_parity, column_thresholds
from afield.search.store import Question
from small_studies import linear_recipe, make_bench, make_question, only, propose_only, schema_of, tree_recipe

Solved = tuple[Finished, Question]


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Solved]:
    """One solved study of trees for each task."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        for task in ("binary", "multiclass", "regression"):
            propose_only(patch, [tree_recipe(rounds=12)])
            folder = tmp_path_factory.mktemp(task) / "study"
            folder.mkdir()
            question = only(make_question(task), "number")
            found[task] = make_bench(folder, question, test_given=True).driver.run(), question
    return found


def checked(solved: Solved, model: onnx.ModelProto | None = None, scale: float = 1.0) -> Parity:
    finished, question = solved
    solution = finished.solution
    return check_parity(model or solution.model, solution.ensemble, schema_of(question), question.table, scale)


def changed(model: onnx.ModelProto, name: str, change: Callable[[np.ndarray[Any, Any]], None]) -> onnx.ModelProto:
    """Return a copy with other values in a tensor attribute of the first tree ensemble."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    node = next(n for n in copy.graph.node if n.op_type == "TreeEnsemble")
    attribute = next(a for a in node.attribute if a.name == name)
    values = numpy_helper.to_array(attribute.t).copy()
    change(values)
    attribute.t.CopyFrom(numpy_helper.from_array(values))
    return copy


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_file_is_right(task: str, solved: dict[str, Solved]) -> None:
    parity = checked(solved[task])
    assert parity.passed
    assert (parity.rows, parity.labels_different) == (90, 0)
    assert parity.hostile_rows > 500
    assert parity.largest < 1e-6


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_a_corrupted_threshold_is_caught_on_training_rows(task: str, solved: dict[str, Solved]) -> None:
    def change(splits: Any) -> None:
        splits[0] += 0.7

    parity = checked(solved[task], changed(solved[task][0].solution.model, "nodes_splits", change))
    assert not parity.passed
    assert parity.largest > 1e-4


@pytest.mark.parametrize("way", [-1, 1])
def test_thresholds_off_by_two_floats_are_caught_by_hostile_rows_alone(way: int, solved: dict[str, Solved]) -> None:
    """No training row lies between a threshold and its neighbours in float32, which features are."""

    def change(splits: Any) -> None:
        for _ in range(2):
            splits[:] = np.nextafter(splits.astype(np.float32), np.float32(way * np.inf)).astype(splits.dtype)

    parity = checked(solved["regression"], changed(solved["regression"][0].solution.model, "nodes_splits", change))
    assert not parity.passed
    assert "hostile" in parity.where


def test_a_wrong_way_for_missing_values_is_caught(solved: dict[str, Solved]) -> None:
    copy = onnx.ModelProto()
    copy.CopyFrom(solved["regression"][0].solution.model)
    tree = next(n for n in copy.graph.node if n.op_type == "TreeEnsemble")
    (tracks,) = (a for a in tree.attribute if a.name == "nodes_missing_value_tracks_true")
    tracks.ints[:] = [1 - t for t in tracks.ints]
    assert not checked(solved["regression"], copy).passed


def test_wrong_leaves_are_caught_and_the_place_is_named(solved: dict[str, Solved]) -> None:
    def change(weights: Any) -> None:
        weights *= 1.0 + 1e-4

    parity = checked(solved["regression"], changed(solved["regression"][0].solution.model, "leaf_weights", change))
    assert not parity.passed
    assert "row" in parity.where


def test_an_answer_that_is_not_a_number_is_caught(solved: dict[str, Solved]) -> None:
    def change(weights: Any) -> None:
        weights[0] = np.nan

    parity = checked(solved["regression"], changed(solved["regression"][0].solution.model, "leaf_weights", change))
    assert parity.largest == np.inf
    assert not parity.passed


def test_wrong_labels_are_caught_though_probabilities_are_right(solved: dict[str, Solved]) -> None:
    model = onnx.ModelProto()
    model.CopyFrom(solved["multiclass"][0].solution.model)
    node = next(n for n in model.graph.node if n.op_type == "ArgMax")
    node.op_type = "ArgMin"
    parity = checked(solved["multiclass"], model)
    assert parity.largest < 1e-6
    assert parity.labels_different > 100
    assert not parity.passed


def test_predictions_are_held_to_the_size_of_the_target(solved: dict[str, Solved]) -> None:
    def change(weights: Any) -> None:
        weights += 1e-6

    wrong = changed(solved["regression"][0].solution.model, "leaf_weights", change)
    assert not checked(solved["regression"], wrong, scale=1.0).passed
    assert checked(solved["regression"], wrong, scale=1e4).passed


def test_hostile_rows_are_made_from_every_threshold_of_the_graph(solved: dict[str, Solved]) -> None:
    solution = solved["regression"][0].solution
    found = column_thresholds(solution.model, solution.ensemble)
    assert set(found) == {"size", "depth"}
    nodes = [n for n in solution.model.graph.node if n.op_type == "TreeEnsemble"]
    splits = [numpy_helper.to_array(a.t) for n in nodes for a in n.attribute if a.name == "nodes_splits"]
    assert set(np.concatenate(list(found.values())).tolist()) == set(np.concatenate(splits).tolist())


def test_the_reference_blends_the_libraries_by_weight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    propose_only(monkeypatch, [tree_recipe(rounds=12), linear_recipe(task="regression")])
    question = only(make_question("regression"), "number")
    bench = make_bench(tmp_path, question, test_given=True)
    search = bench.driver.main_search()
    from afield.search.ensemble import load_ensemble
    from afield.search.loop import Budget

    trials = search.run(Budget(trials=2))
    feed = {n: question.table[n].feed(np.arange(90)) for n in ("size", "depth")}

    def blend(*weights: float) -> Any:
        chosen = {t.id: w for t, w in zip(trials, weights, strict=True) if w}
        return load_ensemble(search.split, question.specs, trials, chosen, bench.driver.memory, {})

    both, first, second = (Reference(blend(*w))(feed) for w in ((0.25, 0.75), (1.0, 0.0), (0.0, 1.0)))
    np.testing.assert_allclose(both, 0.25 * first + 0.75 * second, rtol=1e-12)
    np.testing.assert_array_equal(Reference(blend(0.25, 0.75))(feed, chunk=7), both)
    ensemble, schema = blend(0.25, 0.75), schema_of(question)
    assert check_parity(build_model(ensemble, schema), ensemble, schema, question.table, 1.0).passed
