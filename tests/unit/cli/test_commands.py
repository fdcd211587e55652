from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from afield.api.study import StudyInfo
from small_models import small_model

ROWS = 'length (mm),weight,sex,site,caught,label,rings,id\n4.5,"0,25",M,1,2020-05-17,good,low,7\n1,"1",F,2,,,high,8\n'


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "m.onnx"
    path.write_bytes(small_model())
    return path


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text(ROWS)
    return path


def test_predict_to_a_file(cli: Callable[..., Any], model: Path, rows: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.csv"
    ended = cli("predict", model, rows, "--out", out, "--keep", "id,sex")
    assert (ended.code, ended.out, ended.err) == (0, f"{out}: 2 answers\n", "")
    lines = out.read_text().splitlines()
    assert lines[0] == "id,sex,label,probability_low,probability_high,probability_ærlig"
    assert lines[1].startswith("7,M,")
    again = cli("predict", model, rows, "--out", out)
    assert (again.code, again.out) == (2, "")
    assert "--force" in again.err
    assert cli("predict", model, rows, "--out", out, "--force", "--quiet").out == ""


def test_predict_to_stdout(cli: Callable[..., Any], model: Path, rows: Path) -> None:
    ended = cli("predict", model, rows)
    assert ended.code == 0
    assert len(ended.out.splitlines()) == 3


def test_predict_with_json(cli: Callable[..., Any], model: Path, rows: Path, tmp_path: Path) -> None:
    ended = cli("predict", model, rows, "--out", tmp_path / "a.csv", "--json")
    assert json.loads(ended.out) == {"event": "written", "path": str(tmp_path / "a.csv"), "rows": 2}
    failed = cli("predict", model, rows, "--out", tmp_path / "a.csv", "--json")
    assert json.loads(failed.out)["code"] == "output.exists"


def test_score(cli: Callable[..., Any], model: Path, rows: Path) -> None:
    found = json.loads(cli("score", model, rows, "--json").out)
    assert (found["metric"], found["rows"]) == ("log_loss", 2)
    text = cli("score", model, rows).out
    assert text.splitlines()[0].split() == ["rows", "2"]
    assert "accuracy" in text
    assert float(cli("score", model, rows, "-q").out) == found["value"]


def test_show(cli: Callable[..., Any], model: Path) -> None:
    ended = cli("show", model)
    assert ended.code == 0
    assert "rings <of> shells" in ended.out
    assert json.loads(cli("show", model, "--json").out)["card"]["task"] == "multiclass"


def test_verify(cli: Callable[..., Any], model: Path, tmp_path: Path) -> None:
    ended = cli("verify", model)
    assert (ended.code, ended.out[:15]) == (0, "python: passed,")
    false = tmp_path / "false.onnx"
    false.write_bytes(small_model(wrong_by=0.1))
    assert cli("verify", false, "-q").code == 1
    assert json.loads(cli("verify", false, "--json").out)["passed"] is False


@pytest.mark.parametrize("command", ["show", "verify"])
def test_files_that_are_no_model(cli: Callable[..., Any], rows: Path, tmp_path: Path, command: str) -> None:
    assert cli(command, rows).code == 5
    ended = cli(command, tmp_path / "none.onnx")
    assert ended.code == 5
    assert "model.not_found" in ended.err


def test_problem_prints_toml_to_edit(cli: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "shells.csv"
    path.write_text("sex,size,rings\n" + "".join(f"{'MFI'[n % 3]},{n / 10},{n * 7 % 23 + n / 4}\n" for n in range(60)))
    ended = cli("problem", path, "--target", "rings", "--metric", "mae")
    assert ended.code == 0, ended.err
    assert 'task = "regression"' in ended.out
    assert 'metric = "mae"' in ended.out
    assert 'sex = "category"' in ended.out
    found = json.loads(cli("problem", path, "--target", "rings", "--json").out)
    assert found["problem"]["kinds"] == {"sex": "category", "size": "number"}
    misspelt = cli("problem", path, "--target", "ring")
    assert misspelt.code == 2
    assert "'rings'" in misspelt.err


def info(number: int, **changes: Any) -> StudyInfo:
    values: dict[str, Any] = {
        "id": f"rings-{number}", "state": "finished", "target": "rings", "task": "regression", "metric": "rmse",
        "best": 2.125, "trials": 12, "bytes": 1_500_000, "created": "2026-01-02T03:04:05+00:00",
    }  # fmt: skip
    return StudyInfo(**(values | changes))


def test_studies(cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    found = [info(1), info(2, state="running", best=None, trials=0)]
    removed: list[str] = []
    monkeypatch.setattr("afield.api.study.list_studies", lambda: found)
    monkeypatch.setattr("afield.api.study.remove_study", removed.append)
    lines = cli("studies").out.splitlines()
    assert lines[0].split() == ["study", "state", "target", "task", "metric", "best", "trials", "disk", "started"]
    assert lines[1].split() == [
        "rings-1", "finished", "rings", "regression", "rmse", "2.125", "12", "1.5", "MB", "2026-01-02", "03:04",
    ]  # fmt: skip
    assert cli("studies", "-q").out == "rings-1\nrings-2\n"
    assert [json.loads(line)["id"] for line in cli("studies", "--json").out.splitlines()] == ["rings-1", "rings-2"]
    assert cli("studies", "--remove", "rings-1", "--remove", "rings-2").out == "removed rings-1\nremoved rings-2\n"
    assert removed == ["rings-1", "rings-2"]
    found.clear()
    assert "No study ran" in cli("studies").out


def test_unknown_study(cli: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments in (("studies", "--remove", "x"), ("resume", "x"), ("report", "x", "r.html")):
        ended = cli(*arguments)
        assert ended.code == 6, ended.err
        assert "study.not_found" in ended.err


def test_doctor(cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise OSError("no libgomp")

    monkeypatch.setattr("afield.api.doctor.TRIALS", {})
    assert cli("doctor").code == 0
    monkeypatch.setattr("afield.api.doctor.TRIALS", {"lightgbm trains": broken})
    ended = cli("doctor")
    assert ended.code == 1
    assert ended.out.startswith("BROKEN")
    assert json.loads(cli("doctor", "--json").out)["broken"] is True


def test_version_and_help(cli: Callable[..., Any]) -> None:
    assert cli("--version").out == "afield 0.1.0\n"
    assert cli().code in (0, 2)
    unknown = cli("fti", "a.csv")
    assert unknown.code == 2
    assert "fit" in unknown.err


def test_export_writes_a_bundle_and_its_proof(cli: Callable[..., Any], model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ended = cli("export", model, "--to", "python", "--out", out)
    assert (ended.code, "python: passed" in ended.out) == (0, True)
    assert json.loads((out / "proof.json").read_text())["proof"]["passed"]
    again = cli("export", model, "--to", "python", "--out", out)
    assert (again.code, again.out) == (2, "")
    assert "--force" in again.err
    assert cli("export", model, "--to", "nowhere", "--out", tmp_path / "o").code == 4
    assert json.loads(cli("export", model, "--to", "python", "--out", tmp_path / "b", "--json").out.splitlines()[-1])
