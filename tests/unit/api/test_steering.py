"""The layer below fit: proposals, recipes by hand, the next step, the leaderboard, and an end when the user says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import afield
from afield.api.study import list_studies, remove_study
from afield.core.errors import EngineError, OutputError
from small_fits import few_recipes, quick_fits, shells
from small_studies import MemoryEngine, linear_recipe, register, tree_recipe


@pytest.fixture(autouse=True)
def engines(tmp_path: Path) -> Iterator[list[MemoryEngine]]:
    with quick_fits(tmp_path) as started:
        yield started


def study() -> afield.Study:
    return afield.study(afield.Problem(target="age"), frame=shells())


def test_nothing_is_trained_before_the_first_step(engines: list[MemoryEngine]) -> None:
    with study() as begun:
        assert not engines[0].log
        assert begun.trials == ()
        assert begun.leaderboard() == []
        assert begun.schema.target.name == "age"
        assert [r.name for r in begun.proposals()] == ["linear", "trees"]
        assert "age-1" in repr(begun)


def test_steps_recipes_by_hand_and_the_end(tmp_path: Path) -> None:
    with study() as begun:
        first = begun.step()
        assert [t.status for t in first] == ["ok", "ok"]
        (own,) = begun.evaluate([tree_recipe(rounds=3, name="mine")])
        assert own.recipe.name == "mine"
        assert begun.proposals() == []
        board = begun.leaderboard()
        assert [t["loss"] for t in board] == sorted(t["loss"] for t in board)
        assert {t["recipe"]["name"] for t in board} == {"linear", "trees", "mine"}
        result = begun.finish(out=tmp_path / "m.onnx")
        assert (tmp_path / "m.onnx").read_bytes() == result.model.bytes
        assert result.model.verify().passed
        assert len(result.leaderboard) == 3
    (info,) = list_studies()
    assert (info.id, info.state, info.trials, info.task) == ("age-1", "finished", 3, "regression")


def test_it_ends_as_fit_does() -> None:
    whole = afield.fit(shells(), "age").bytes
    with study() as begun:
        begun.step()
        assert begun.finish().model.bytes == whole


def test_a_failing_recipe_says_why_and_harms_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, raising="small_studies:RAISING")
    with study() as begun:
        bad, good = begun.evaluate([linear_recipe(learner="raising"), linear_recipe(task="regression")])
        assert (bad.status, good.status) == ("failed", "ok")
        assert "the sensor is on fire" in bad.reason
        assert begun.leaderboard()[-1]["id"] == bad.id


@pytest.mark.error_code("study.stopped")
def test_no_trial_no_model() -> None:
    with study() as begun, pytest.raises(EngineError, match="No trial was run yet") as caught:
        begun.finish()
    assert caught.value.code == "study.stopped"


@pytest.mark.error_code("output.exists")
def test_the_output_is_checked_before_the_work(tmp_path: Path, engines: list[MemoryEngine]) -> None:
    (tmp_path / "m.onnx").write_text("mine")
    with study() as begun:
        begun.step()
        count = len(engines[0].log)
        with pytest.raises(OutputError):
            begun.finish(out=tmp_path / "m.onnx")
        assert len(engines[0].log) == count


@pytest.mark.error_code("study.busy")
def test_an_open_study_is_busy_and_a_closed_one_is_not() -> None:
    begun = study()
    assert [s.state for s in list_studies()] == ["running"]
    with pytest.raises(EngineError) as caught:
        remove_study("age-1")
    assert caught.value.code == "study.busy"
    begun.close()
    begun.close()
    assert [s.state for s in list_studies()] == ["stopped"]
    remove_study("age-1")
    assert list_studies() == []


def test_a_study_that_was_left_can_be_resumed(engines: list[MemoryEngine]) -> None:
    whole = afield.fit(shells(), "age").bytes
    with study() as begun:
        begun.step()
        done = set(engines[-1].ran)
    assert afield.resume(begun.id).bytes == whole
    assert done.isdisjoint(engines[-1].ran)


def test_a_target_that_cannot_be_leaves_the_study_free() -> None:
    with pytest.raises(afield.AfieldError):
        afield.study(afield.Problem(target="agee"), frame=shells())
    for info in list_studies():
        assert info.state != "running"
    assert few_recipes
