from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import afield
from afield.core.errors import ProblemError
from afield.core.events import silent
from small_models import one_row, small_model


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the use case was asked."""
    asked: dict[str, Any] = {}

    def fit(problem: afield.Problem, **options: Any) -> Any:
        asked.update(options, problem=problem)
        return SimpleNamespace(model="the model")

    monkeypatch.setattr("afield.api.fit.fit", fit)
    return asked


def test_fit_takes_a_path_and_wishes(asked: dict[str, Any]) -> None:
    assert afield.fit("a.csv", target="y", minutes=2, ignore="id", out="m.onnx", force=True) == "the model"
    assert asked["problem"] == afield.Problem(target="y", data="a.csv", minutes=2.0, ignore=("id",))
    assert (asked["frame"], asked["out"], asked["force"]) == (None, Path("m.onnx"), True)


def test_fit_takes_a_frame(asked: dict[str, Any]) -> None:
    frame = pd.DataFrame({"y": [1]})
    afield.fit(frame, "y")
    assert asked["frame"] is frame
    assert asked["problem"] == afield.Problem(target="y")


def test_fit_takes_a_problem_or_its_file_and_changes_it(asked: dict[str, Any], tmp_path: Path) -> None:
    problem = afield.Problem(target="y", data="a.csv", effort="thorough")
    afield.fit(problem, seed=3)
    assert asked["problem"] == afield.Problem(target="y", data="a.csv", effort="thorough", seed=3)
    (tmp_path / "p.toml").write_text('target = "y"\ndata = "a.csv"\n')
    afield.fit(tmp_path / "p.toml", target="z")
    assert asked["problem"] == afield.Problem(target="z", data=str(tmp_path / "a.csv"))


def test_fit_refuses_unknown_wishes_by_name(asked: dict[str, Any]) -> None:
    with pytest.raises(ProblemError, match="did you mean 'minutes'"):
        afield.fit("a.csv", target="y", minuts=2)
    with pytest.raises(ProblemError, match="No target"):
        afield.fit("a.csv")
    assert not asked


def test_progress_goes_where_somebody_looks(asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    afield.fit("a.csv", "y")
    assert asked["listener"] is silent
    afield.fit("a.csv", "y", progress=True)
    assert asked["listener"] is not silent
    monkeypatch.setattr("afield.api.progress.is_watched", lambda: True)
    afield.fit("a.csv", "y")
    assert asked["listener"] is not silent
    afield.fit("a.csv", "y", progress=False)
    assert asked["listener"] is silent


def test_a_model_or_its_path(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(small_model(regression=True, metric="rmse"))
    rows = pd.DataFrame([one_row(), one_row(sex="F")])
    model = afield.load(path)
    assert isinstance(model, afield.Model)
    assert np.array_equal(afield.predict(path, rows), afield.predict(model, rows))
    written = afield.predict(str(path), rows, out=tmp_path / "a.csv")
    assert pd.read_csv(tmp_path / "a.csv")["prediction"].tolist() == model.predict(rows).tolist()
    assert written.rows == 2  # type: ignore[union-attr]
    truth = rows.assign(rings=model.predict(rows) + np.array([1.0, -1.0]))
    assert afield.score(path, truth) == model.score(truth)
    assert model.score(truth)["metrics"]["mae"] == pytest.approx(1.0)
