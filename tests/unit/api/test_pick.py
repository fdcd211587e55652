"""Limits from the first word to the last byte, and any point of a front as a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
import pytest

import afield
from afield.api.pick import front, pick
from afield.api.sizing import LEVELS
from afield.api.study import list_studies
from afield.core.errors import DeviceLimitError, EngineError, OutputError, ProblemError
from afield.engines.protocol import Done, Job
from afield.graph.cost import estimate
from afield.model.model import Model
from afield.search.journal import Journal
from small_fits import old, quick_fits, shells
from small_studies import MemoryEngine


@pytest.fixture(autouse=True)
def engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[MemoryEngine]]:
    sizes = ((4, 4, 0.5), (16, 8, 0.3))
    for name in ("SIZES", "FEW_SIZES", "SOFT_SIZES"):
        monkeypatch.setattr(f"afield.search.student.{name}", sizes)
    monkeypatch.setattr("afield.search.student.AUGMENTED_SIZES", sizes[1:])
    monkeypatch.setattr("afield.search.lesson.LEAST_MADE_UP", 200)
    monkeypatch.setattr("afield.search.student.NETWORK", "none")  # tried in the tests of students
    with quick_fits(tmp_path) as started:
        yield started


def latency_us(model: Model) -> float:
    return estimate(onnx.load_from_string(model.bytes)).latency_us


def test_a_fit_keeps_its_limits(tmp_path: Path) -> None:
    free = afield.fit(shells(), "age")
    limits = {"max_size": f"{int(len(free.bytes) * 0.7)}B", "max_latency": f"{latency_us(free):.3f}us"}
    small = afield.fit(shells(), "age", out=tmp_path / "s.onnx", **limits)
    assert (tmp_path / "s.onnx").stat().st_size == len(small.bytes) <= len(free.bytes) * 0.7
    assert latency_us(small) <= latency_us(free)
    assert small.verify().passed
    assert small.card.score is not None
    assert small.card.score.how == "outer_splits"
    assert small.card.parity is not None


def test_a_tight_limit_shortens_the_card_and_says_so() -> None:
    tight = afield.fit(shells(), "age", max_size="6KB")
    assert len(tight.bytes) <= 6_000
    assert tight.selftest.rows < LEVELS[0].samples
    assert any("sample row" in n for n in tight.card.notes)
    assert tight.verify().passed


@pytest.mark.error_code("model.limits")
@pytest.mark.parametrize("limits", [{"max_size": "900B"}, {"max_latency": "2us"}])
def test_what_nothing_keeps_is_refused_with_figures(limits: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(DeviceLimitError) as caught:
        afield.fit(shells(), "age", out=tmp_path / "s.onnx", **limits)
    assert caught.value.code == "model.limits"
    assert "the smallest (" in caught.value.got
    assert not (tmp_path / "s.onnx").exists()


@pytest.mark.parametrize("labels", [False, True])
def test_picked_from_a_finished_study(labels: bool, tmp_path: Path, engines: list[MemoryEngine]) -> None:
    frame = shells(90)
    frame, target = (frame.assign(kind=old(frame)).drop(columns="age"), "kind") if labels else (frame, "age")
    whole = afield.fit(frame, target)
    study = list_studies()[0].id
    found = front(study)
    assert [p.own for p in found.points].count(True) == 1
    assert len(found.points) >= 2
    smallest = found.points[0]
    limit = f"{-(-smallest.bytes // 100) * 100}B"
    result = pick(study, {"max_size": limit}, out=tmp_path / "small.onnx")
    assert (tmp_path / "small.onnx").stat().st_size <= int(limit[:-1])
    assert result.model.verify().passed
    assert result.score["how"] == "outer_splits"
    assert result.score["rows"] == whole.card.score.rows  # type: ignore[union-attr]  # a finished study has one
    assert sum(t["weight"] for t in result.leaderboard) == pytest.approx(1.0)
    # the study keeps its own model, and what was fitted for the pick is remembered
    folder = Path(".afield/studies") / study
    assert (folder / "model.onnx").read_bytes() == whole.bytes
    again = afield.pick(study, max_size=limit)
    assert again.bytes == result.model.bytes
    assert engines[-1].ran == []
    assert list_studies()[0].state == "finished"


def test_a_picked_file_is_what_a_fit_under_the_limit_gives() -> None:
    afield.fit(shells(), "age")
    limit = {"max_size": "20KB"}
    picked = afield.pick(list_studies()[0].id, **limit)
    assert picked.bytes == afield.fit(shells(), "age", **limit).bytes


def test_picked_from_a_stopped_study(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    def fate(self: MemoryEngine, job: Job) -> Done | None:
        if "/s-" in job.id or job.id.startswith("outer"):
            raise Killed
        return None

    with monkeypatch.context() as patch:
        patch.setattr(MemoryEngine, "fate", fate, raising=False)
        patch.setattr(MemoryEngine, "__init__", _init_with_class_fate)
        with pytest.raises(Killed):
            afield.fit(shells(), "age")
    info = list_studies()[0]
    assert info.state == "stopped"
    points = front(info.id).points
    assert points
    result = pick(info.id, {"max_size": "30KB", "max_latency": "1ms"})
    assert len(result.model.bytes) <= 30_000
    assert result.score["how"] == "out_of_fold"  # no outer split was searched
    # the study can still go on
    resumed = afield.resume(info.id)
    assert resumed.card.score is not None
    assert resumed.card.score.how == "outer_splits"


def _init_with_class_fate(self: MemoryEngine) -> None:
    self.last_first = False
    self.queue, self.ended, self.log, self.ran, self.cancelled = [], [], [], [], []


@pytest.mark.error_code("study.busy")
def test_refused_while_it_runs() -> None:
    afield.fit(shells(), "age")
    study = list_studies()[0].id
    with Journal.open(Path(".afield/studies") / study / "journal.jsonl"):
        for call in (lambda: front(study), lambda: pick(study, {"max_size": "1MB"})):
            with pytest.raises(EngineError) as caught:
                call()
            assert caught.value.code == "study.busy"


def test_refused_requests(tmp_path: Path) -> None:
    afield.fit(shells(), "age")
    study = list_studies()[0].id
    with pytest.raises(ProblemError, match="No limit"):
        afield.pick(study)
    with pytest.raises(ProblemError, match="unit"):
        afield.pick(study, max_size="50")
    with pytest.raises(EngineError, match="No study"):
        afield.pick("nothing-1", max_size="50KB")
    taken = tmp_path / "taken.onnx"
    taken.write_bytes(b"")
    with pytest.raises(OutputError):
        afield.pick(study, max_size="50KB", out=taken)
    assert afield.pick(study, max_size="50KB", out=taken, force=True).bytes == taken.read_bytes()


def test_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    from afield.cli.app import run

    afield.fit(shells(), "age")
    study = list_studies()[0].id
    assert run(["pick", study]) == 0
    shown = capsys.readouterr().out
    assert "rmse (out-of-fold)" in shown
    assert f"afield pick {study} --max-size" in shown
    assert run(["pick", study, "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["event"] for line in lines} == {"point"}
    assert run(["pick", study, "--max-size", "40KB", "--out", "p.onnx", "--quiet"]) == 0
    assert Path("p.onnx").stat().st_size <= 40_000
    assert run(["pick", study, "--max-size", "40KB", "--out", "p.onnx", "--quiet"]) == 2
    assert run(["pick", study, "--max-size", "500B", "--out", "q.onnx"]) == 7
    assert "the smallest (" in capsys.readouterr().err


def test_the_report_shows_the_front(tmp_path: Path) -> None:
    model: Any = afield.fit(shells(), "age")
    page = afield.report(model, tmp_path / "r.html").read_text()
    assert "Smaller models" in page
    assert f"afield pick {list_studies()[0].id} --max-size" in page
