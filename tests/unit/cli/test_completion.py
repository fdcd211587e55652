from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from afield.cli import completion


def context(path: Path | None) -> Any:
    return SimpleNamespace(params={"data": None if path is None else str(path)}, args=[])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b'rings,"shell, length",sex\n1,2,3\n'),
        ("a.tsv", b"rings\tshell, length\tsex\r\n"),
        ("a.csv", "\ufeffrings;shell, length;sex\n".encode()),
    ],
)
def test_columns_come_from_the_header(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert completion.columns(context(path), "") == ["rings", "shell, length", "sex"]
    assert completion.columns(context(path), "s") == ["shell, length", "sex"]


@pytest.mark.parametrize("name", ["missing.csv", "model.onnx", ""])
def test_nothing_is_offered_where_there_is_no_header(tmp_path: Path, name: str) -> None:
    (tmp_path / "model.onnx").write_bytes(b"\0\1")
    assert completion.columns(context(tmp_path / name), "") == []
    assert completion.columns(context(None), "") == []


def test_kinds_follow_the_equals_sign(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("zip,sex\n")
    assert completion.kinds(context(path), "z") == ["zip="]
    assert completion.kinds(context(path), "zip=t") == ["zip=text"]


def test_values_and_metrics() -> None:
    assert completion.efforts("q") == ["quick"]
    assert completion.tasks("") == ["binary", "multiclass", "regression"]
    assert "rmse" in completion.metrics("r")


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("afield pre", "predict"),
        ("afield fit a.csv --target sh", "shell"),
        ("afield fit a.csv --effort th", "thorough"),
    ],
)
def test_the_shell_is_offered_words(tmp_path: Path, line: str, offered: str) -> None:
    (tmp_path / "a.csv").write_text("rings,shell\n1,2\n")
    asked = {"_AFIELD_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    done = subprocess.run(
        [sys.executable, "-m", "afield"],
        cwd=tmp_path, env=os.environ | asked, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.stdout.split() == offered.split(), done.stderr
