"""The demo runs from table to plain onnxruntime, twice over, and the README prints what it gives."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import afield

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that looks like the repository, so that a test never writes into it."""
    folder = tmp_path_factory.mktemp("clone")
    shutil.copytree(ROOT / "examples", folder / "examples")
    shutil.copy(ROOT / "README.md", folder)
    return folder


@pytest.fixture(scope="module")
def shown(copy: Path) -> str:
    done = [
        subprocess.run([sys.executable, "examples/demo.py"], cwd=copy, capture_output=True, text=True, check=False)
        for _ in range(2)  # it can be run again
    ]
    assert [d.returncode for d in done] == [0, 0], done[0].stderr + done[1].stderr
    assert done[0].stdout.count("\n") == done[1].stdout.count("\n")
    return done[1].stdout


def test_every_command_is_printed_and_runs(shown: str) -> None:
    for command in ("fit", "show", "verify", "predict", "studies", "report"):
        assert f"$ afield {command}" in shown
    assert "python: passed" in shown


def test_plain_onnxruntime_gives_the_same_answer(shown: str) -> None:
    by_afield = float(re.search(r"^A-1,([\d.]+)$", shown, re.MULTILINE)[1])  # type: ignore[index]
    plain = float(re.search(r"^\[array\(\[([\d.]+)", shown, re.MULTILINE)[1])  # type: ignore[index]
    assert plain == pytest.approx(by_afield, rel=1e-7)


def test_the_readme_shows_what_it_gives(shown: str) -> None:
    """The figures in the README are those of this version, or near: another processor may move them a little."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for pattern in (r"^score +rmse ([\d.]+)", r"^baselines .*?: ([\d.]+)", r"^A-1,([\d.]+)", r"^\[array\(\[([\d.]+)"):
        told, real = (re.search(pattern, text, re.MULTILINE) for text in (readme, shown))
        assert told, pattern
        assert real, pattern
        assert float(told[1]) == pytest.approx(float(real[1]), rel=0.02), pattern
    heads = [line.split(" ")[0] for line in readme.split("```text\n")[1].split("```")[0].splitlines()]
    for head in filter(None, heads):
        assert re.search(rf"^{head}\b", shown, re.MULTILINE), head


def test_report_and_model_are_there(shown: str, copy: Path) -> None:
    report = (copy / "out" / "report.html").read_text(encoding="utf-8")
    assert "rings" in report
    assert not re.search(r'(?:src|href)="https?:', report), "it must open offline"
    assert afield.load(copy / "out" / "shellfish.onnx").verify().passed
