from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from afield.cli import completion


def context(path: Path | None) -> Any:
    return SimpleNamespace(params={"data": None if path is None else str(path)})


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
