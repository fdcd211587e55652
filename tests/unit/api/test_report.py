"""The report of a study: by its id, by its model, by its file; or why there is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import afield
from afield.api.report import folder_of, report_facts
from afield.core.errors import EngineError, OutputError
from small_fits import old, quick_fits, shells
from small_models import small_model


@pytest.fixture(scope="module", autouse=True)
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("reports")
    with quick_fits(folder):
        shells(30, seed=8).to_csv(folder / "kept.csv", index=False)
        afield.fit(shells(), "age", out="age.onnx")
        afield.fit(shells(), "age", test=str(folder / "kept.csv"))
        frame = shells(80)
        afield.fit(frame.assign(label=old(frame)).drop(columns="age"), "label", positive="young", out="label.onnx")
        yield folder


def test_one_page_that_opens_offline(place: Path) -> None:
    path = afield.report("age-1", place / "age.html")
    text = path.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>") or text.startswith("<!DOCTYPE html>")
    for outside in ('src="http', "src='http", 'href="http', "@import", "url(http"):
        assert outside not in text
    assert "age" in text


@pytest.mark.parametrize("given", ["model", "path", "id"])
def test_a_study_is_found_by_model_file_and_id(given: str, place: Path) -> None:
    model = afield.load(place / "age.onnx")
    found = folder_of({"model": model, "path": place / "age.onnx", "id": "age-1"}[given])  # type: ignore[arg-type]
    assert found.resolve() == place / ".afield" / "studies" / "age-1"


def test_a_model_reports_itself(place: Path) -> None:
    afield.load(place / "age.onnx").report(place / "own.html")
    assert (place / "own.html").stat().st_size > 10_000


def test_the_facts_are_the_cards(place: Path) -> None:
    facts = report_facts(place / ".afield" / "studies" / "age-1")
    card = afield.load(place / "age.onnx").card
    assert (facts.title, facts.rows, facts.state) == (card.title, card.rows_used, "finished")
    assert facts.score.value == card.score.value  # type: ignore[union-attr]
    assert {i.column for i in facts.importance} == {"size", "depth", "site"}
    assert max(facts.importance, key=lambda i: i.drop).column == "size"
    assert [t.status for t in facts.leaderboard] == ["ok", "ok"]
    assert facts.residuals is not None
    assert facts.confusion is None
    assert facts.cost.bytes == (place / "age.onnx").stat().st_size
    assert not [v for v in facts.provenance.values() if str(place) in v]


def test_a_classifier_has_a_confusion_and_the_positive_class(place: Path) -> None:
    facts = report_facts(place / ".afield" / "studies" / "label-1")
    assert facts.confusion is not None
    assert facts.residuals is None
    assert facts.roc is not None
    assert "young" in facts.roc.of


def test_a_test_files_rows_have_no_slices(place: Path) -> None:
    facts = report_facts(place / ".afield" / "studies" / "age-2")
    assert facts.slices == ()
    assert facts.score.rows == 30


@pytest.mark.error_code("study.not_found")
def test_a_model_from_elsewhere_has_no_report_here(place: Path) -> None:
    (place / "other.onnx").write_bytes(small_model())
    with pytest.raises(EngineError, match="not here") as caught:
        afield.report(place / "other.onnx", place / "other.html")
    assert caught.value.code == "study.not_found"
    assert not (place / "other.html").exists()


@pytest.mark.error_code("study.stopped")
def test_a_study_without_a_model_says_how_to_go_on(place: Path) -> None:
    with afield.study(afield.Problem(target="age"), frame=shells()) as begun:
        begun.step()
    with pytest.raises(EngineError, match="no model yet") as caught:
        afield.report(begun.id, place / "none.html")
    assert caught.value.code == "study.stopped"
    assert begun.id in caught.value.fix


@pytest.mark.error_code("output.exists")
def test_nothing_is_overwritten_unasked(place: Path) -> None:
    (place / "mine.html").write_text("mine")
    with pytest.raises(OutputError):
        afield.report("age-1", place / "mine.html")
    assert (place / "mine.html").read_text() == "mine"
    afield.report("age-1", place / "mine.html", force=True)
    assert (place / "mine.html").read_text() != "mine"
