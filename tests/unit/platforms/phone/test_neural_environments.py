"""Isolated environments: what they cost is said first, they are whole or not there, and what pip says is passed on."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from afield.core.errors import MissingDependencyError, OutputError
from afield.platforms.phone.neural import environments
from afield.platforms.phone.neural.environments import environment, main, make, require


class Disk(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return what is called; the calls make the folder of a venv and nothing else."""
    monkeypatch.setenv("AFIELD_CACHE", str(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(100, 0, 10**11))
    return pretend(monkeypatch, lambda _: "")


def pretend(monkeypatch: pytest.MonkeyPatch, refusal: Callable[[list[str]], str]) -> list[list[str]]:
    made: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        made.append(command)
        if "venv" in command:
            Path(command[-1]).mkdir()
        said = refusal(command)
        return subprocess.CompletedProcess(command, int(bool(said)), "", said)

    monkeypatch.setattr(subprocess, "run", run)
    return made


def test_what_is_missing_says_what_making_it_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFIELD_CACHE", str(tmp_path))
    with pytest.raises(MissingDependencyError) as caught:
        require("litert")
    assert caught.value.where == str(environment("litert").folder)
    for words in ("--make-env", "neural.environments litert", "GB on the disk", "minutes"):
        assert words in caught.value.fix


def test_pins_are_exact_and_without_gpu_libraries(calls: list[list[str]]) -> None:
    for name in ("litert", "executorch"):
        pins = [line for line in environment(name).lock.read_text().splitlines() if not line.startswith("#")]
        assert all(line.count("==") == 1 for line in pins)
        assert not [line for line in pins if line.startswith(("torch=", "nvidia", "triton", "tensorflow"))]
        make(name)
    installs = [c for c in calls if "install" in c]
    assert len(installs) == 4
    assert all("--no-deps" in c for c in installs)


def test_an_environment_is_whole_or_not_there(calls: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, lambda command: "ERROR: No matching distribution" if "--requirement" in command else "")
    with pytest.raises(MissingDependencyError, match="No matching distribution"):
        make("litert")
    assert not environment("litert").made
    assert not list(environments.cache_folder().iterdir())
    pretend(monkeypatch, lambda _: "")
    assert make("litert").made
    assert require("litert") == environment("litert")
    assert not pretend(monkeypatch, lambda _: "never")
    make("litert")


def test_the_builds_for_the_cpu_come_from_their_own_index_where_no_other_has_them(
    calls: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = pretend(
        monkeypatch, lambda c: "" if "--extra-index-url" in c or not c[-1].startswith("torch==") else "ERROR: none"
    )
    make("executorch")
    assert [c[-1] for c in calls if c[-1].startswith("torch==")] == [environment("executorch").torch] * 2


def test_other_pins_make_another_environment(calls: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    first = environment("litert").folder
    monkeypatch.setattr(environments.Environment, "torch", property(lambda _: "torch==9"))
    assert environment("litert").folder != first


def test_a_disk_that_is_too_small_is_told_before_any_work(
    calls: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(100, 0, 10**9))
    with pytest.raises(OutputError, match=r"1\.0 GB free") as caught:
        make("litert")
    assert caught.value.code == "output.disk_full"
    assert not calls


def test_a_cache_that_cannot_be_written(
    calls: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AFIELD_CACHE", str(tmp_path / "file"))
    with pytest.raises(OutputError) as caught:
        make("litert")
    assert caught.value.code == "output.unwritable"


def test_the_command_says_what_it_took(calls: list[list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["executorch"]) == 0
    said = capsys.readouterr().out
    assert "executorch: about" in said
    assert f"{environment('executorch').folder}: 0.00 GB, made in 0 s" in said
