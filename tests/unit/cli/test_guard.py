from __future__ import annotations

import json
from typing import Any

import pytest
import typer

from afield.cli.guard import guarded
from afield.core import errors as e


def ending(error: BaseException, **options: Any) -> int:
    def command(**_: Any) -> None:
        raise error

    with pytest.raises(typer.Exit) as caught:
        guarded(command)(**options)
    return int(caught.value.exit_code)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (e.ProblemError("problem.option", "x"), 2),
        (e.DataError("data.empty", "x"), 2),
        (e.OutputError("output.exists", "x"), 2),
        (e.MissingDependencyError("dependency.missing", "x"), 3),
        (e.UnsupportedError("parts.unknown", "x"), 4),
        (e.ModelFileError("model.damaged", "x"), 5),
        (e.EngineError("engine.failed", "x"), 6),
        (e.EngineError("study.stopped", "x"), 130),
        (KeyboardInterrupt(), 130),
        (ZeroDivisionError("bug"), 70),
    ],
)
def test_exit_codes(error: BaseException, code: int) -> None:
    assert ending(error) == code


def test_error_is_lines_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    ending(e.DataError("data.empty", "The file is empty.", where="a.csv", fix="Give another."))
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "error: The file is empty.\n  where: a.csv\n  fix: Give another.\n  code: data.empty\n"


def test_error_is_one_object_with_json(capsys: pytest.CaptureFixture[str]) -> None:
    ending(e.DataError("data.empty", "Leer: ü", where="a.csv"), as_json=True)
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert (found["event"], found["code"], found["what"], found["where"]) == ("error", "data.empty", "Leer: ü", "a.csv")
    assert err == ""


def test_bug_is_told_without_a_traceback(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AFIELD_DEBUG", raising=False)
    ending(ZeroDivisionError("no"))
    err = capsys.readouterr().err
    assert "defect of afield" in err
    assert "ZeroDivisionError: no (test_guard.py, line" in err
    assert "AFIELD_DEBUG=1" in err
    assert "Traceback" not in err


def test_debug_lets_the_traceback_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFIELD_DEBUG", "1")

    def command() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        guarded(command)()
