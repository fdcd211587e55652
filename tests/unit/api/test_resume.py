"""Going on with a study: nothing is done twice, the same file comes out, and what does not fit is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import afield
from afield.api.resume import resume
from afield.core.errors import AfieldError, DataError, EngineError, OutputError
from afield.core.events import Event
from afield.engines.protocol import Done, Job
from afield.search.journal import Journal
from small_fits import quick_fits, shells
from small_studies import MemoryEngine


class Killed(BaseException):
    """Ends a fit as a kill does: nothing is caught, nothing is cleaned up."""


@pytest.fixture(autouse=True)
def engines(tmp_path: Path) -> Iterator[list[MemoryEngine]]:
    with quick_fits(tmp_path) as started:
        yield started


def table(tmp_path: Path) -> Path:
    path = tmp_path / "shells.csv"
    shells().to_csv(path, index=False)
    return path


def killed_fit(monkeypatch: pytest.MonkeyPatch, data: Any, after: int, **options: Any) -> list[str]:
    """Fit until so many jobs have ended; return what ran."""
    ran: list[str] = []

    def fate(self: MemoryEngine, job: Job) -> Done | None:
        if len(ran) == after:
            raise Killed
        ran.append(job.id)
        return None

    with monkeypatch.context() as patch:
        patch.setattr(MemoryEngine, "fate", fate, raising=False)
        patch.setattr(MemoryEngine, "__init__", _init_with_class_fate)
        with pytest.raises(Killed):
            afield.fit(data, "age", **options)
    return ran


def _init_with_class_fate(self: MemoryEngine) -> None:
    self.last_first = False
    self.queue, self.ended, self.log, self.ran, self.cancelled = [], [], [], [], []


def test_it_goes_on_and_ends_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engines: list[MemoryEngine]
) -> None:
    data = table(tmp_path)
    whole = afield.fit(data, "age").bytes
    ran = killed_fit(monkeypatch, data, 9, out="m.onnx")
    events: list[Event] = []
    result = resume("age-2", listener=events.append)
    assert result.model.bytes == whole
    assert (tmp_path / "m.onnx").read_bytes() == whole
    assert result.study == "age-2"
    assert set(engines[-1].ran).isdisjoint(ran)
    assert [e for e in events if e.kind == "problem"]


def test_a_finished_study_runs_nothing_and_gives_its_model(tmp_path: Path, engines: list[MemoryEngine]) -> None:
    model = afield.fit(table(tmp_path), "age", out="m.onnx")
    assert resume("age-1").model.bytes == model.bytes
    assert not engines[-1].log
    assert resume("age-1", out=tmp_path / "other.onnx").path == tmp_path / "other.onnx"
    assert (tmp_path / "other.onnx").read_bytes() == model.bytes


def test_the_frame_is_not_needed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = afield.fit(shells(), "age").bytes
    killed_fit(monkeypatch, shells(), 3)
    assert afield.resume("age-2").bytes == whole


@pytest.mark.error_code("data.changed")
def test_changed_data_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = table(tmp_path)
    killed_fit(monkeypatch, data, 3)
    shells(seed=1).to_csv(data, index=False)
    with pytest.raises(DataError) as caught:
        resume("age-1")
    assert caught.value.code == "data.changed"


def test_somebody_elses_file_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_fit(monkeypatch, table(tmp_path), 3, out="m.onnx")
    (tmp_path / "m.onnx").write_text("mine")
    with pytest.raises(OutputError) as caught:
        resume("age-1")
    assert caught.value.code == "output.exists"
    assert (tmp_path / "m.onnx").read_text() == "mine"
    resume("age-1", out=tmp_path / "m.onnx", force=True)
    assert (tmp_path / "m.onnx").read_bytes() != b"mine"


@pytest.mark.error_code("study.not_found")
def test_an_unknown_study(tmp_path: Path) -> None:
    afield.fit(table(tmp_path), "age")
    with pytest.raises(EngineError, match="did you mean 'age-1'") as caught:
        resume("agee-1")
    assert caught.value.code == "study.not_found"


@pytest.mark.error_code("study.busy")
def test_a_study_that_somebody_works_on(tmp_path: Path) -> None:
    afield.fit(table(tmp_path), "age")
    journal = tmp_path / ".afield" / "studies" / "age-1" / "journal.jsonl"
    with Journal.open(journal), pytest.raises(EngineError) as caught:
        resume("age-1")
    assert caught.value.code == "study.busy"


@pytest.mark.error_code("study.stopped")
def test_a_frame_that_was_never_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("afield.api.fit.store", stop)
        with pytest.raises(Killed):
            afield.fit(shells(), "age")
    with pytest.raises(AfieldError, match="came from memory") as caught:
        resume("age-1")
    assert caught.value.code == "study.stopped"


def test_a_file_that_was_never_read_is_read_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = table(tmp_path)
    whole = afield.fit(data, "age").bytes

    def stop(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("afield.api.fit.store", stop)
        with pytest.raises(Killed):
            afield.fit(data, "age")
    assert resume("age-2").model.bytes == whole


def test_half_written_files_are_cleaned_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_fit(monkeypatch, table(tmp_path), 3, out="m[1].onnx")
    (tmp_path / ".m[1].onnx.123.part").write_text("half")
    (tmp_path / ".mine.part").write_text("somebody's")
    study = tmp_path / ".afield" / "studies" / "age-1"
    for place in (study, study / "splits" / "main" / "features"):
        (place / ".x.npy.123.part").write_text("half")
    resume("age-1")
    assert [p.name for p in tmp_path.rglob("*.part")] == [".mine.part"]
