from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from afield.api.score import metric_names, score
from afield.core.errors import AfieldError
from afield.data.metrics import METRICS, evaluate
from afield.model.model import Model
from small_models import one_row, small_model


def frame(count: int = 40) -> pd.DataFrame:
    draw = np.random.default_rng(0)
    rows = [one_row(weight=float(draw.normal()), sex="MFI"[n % 3], site="x", caught="") for n in range(count)]
    return pd.DataFrame(rows)


def test_regression_equals_the_metrics_by_hand() -> None:
    model = Model(small_model(regression=True, metric="mae"))
    rows = frame()
    truth = model.predict(rows) + np.linspace(-1, 1, len(rows))
    found = score(model, rows.assign(rings=np.where(np.arange(len(rows)) == 3, np.nan, truth)))
    kept = np.arange(len(rows)) != 3
    expected = evaluate("regression", truth[kept], model.predict(rows)[kept])
    assert found["metrics"] == pytest.approx(expected)
    assert (found["metric"], found["value"]) == ("mae", expected["mae"])
    assert found["low"] < found["value"] < found["high"]
    assert (found["rows"], found["rows_without_target"]) == (39, 1)


@pytest.mark.parametrize("kind", ["string", "integer", "boolean"])
def test_labels_of_every_type_meet_their_classes(kind: str) -> None:
    model = Model(small_model(kind))
    rows = frame()
    found = score(model, rows.assign(rings=model.predict(rows)))
    assert found["metrics"]["accuracy"] == 1.0
    wrong = score(model, rows.assign(rings=[model.classes[0]] * len(rows)))
    expected = np.mean([label == model.classes[0] for label in model.predict(rows)])
    assert wrong["metrics"]["accuracy"] == pytest.approx(expected)


def test_metrics_of_labels_follow_the_decision_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model(small_model("boolean", metric="accuracy"))
    rows = frame(20)

    def run(feed: dict[str, Any]) -> dict[str, Any]:
        count = len(feed["sex"])
        return {"label": np.array(["true"] * count, dtype=object), "probabilities": np.full((count, 2), [0.6, 0.4])}

    monkeypatch.setattr(model, "run", run)
    found = score(model, rows.assign(rings=[True] * 15 + [False] * 5))
    assert found["metrics"]["accuracy"] == found["value"] == 0.75
    assert found["low"] < 0.75 < found["high"]


def test_metrics_of_labels_exist() -> None:
    assert set(METRICS) < set(metric_names())
    assert {n for n, m in METRICS.items() if m.of_labels} == {"accuracy", "balanced_accuracy", "f1", "mcc"}


@pytest.mark.error_code("problem.target_missing")
def test_no_known_target() -> None:
    with pytest.raises(AfieldError) as caught:
        score(Model(small_model(regression=True)), frame().assign(rings=np.nan))
    assert caught.value.code == "problem.target_missing"


@pytest.mark.error_code("data.cell")
def test_a_class_that_the_model_does_not_know_is_placed() -> None:
    labels: list[Any] = ["low"] * 39 + ["lower"]
    with pytest.raises(AfieldError) as caught:
        score(Model(small_model()), frame().assign(rings=labels))
    assert caught.value.code == "data.cell"
    assert "row 40" in caught.value.where
    assert "'lower'" in caught.value.got


def test_a_file_gives_what_its_frame_gives(tmp_path: Path) -> None:
    model = Model(small_model(regression=True, metric="rmse"))
    rows = frame()
    rows = rows.assign(rings=model.predict(rows) + 0.5)
    expected = score(model, rows)
    rows.assign(weight=[str(w).replace(".", ",") for w in rows["weight"]]).to_csv(tmp_path / "a.csv", index=False)
    assert score(model, str(tmp_path / "a.csv")) == expected
