"""Scores say where they come from, on how many rows, and never hold what is not a number."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from afield.api.scoring import Judged, baselines_of, finite, score_of
from afield.data.metrics import METRICS
from afield.problem.schema import ColumnSpec, TargetSpec

BINARY = TargetSpec(name="y", spec=ColumnSpec(name="y", kind="category"), task="binary", classes=("a", "b"))
AMOUNT = TargetSpec(name="y", spec=ColumnSpec(name="y", kind="number"), task="regression")


def judged(how: str = "outer_splits", **changes: Any) -> Judged:
    draw = np.random.default_rng(0)
    truth = draw.integers(0, 2, 100)
    up = np.clip(0.5 + 0.3 * (truth - 0.5) + 0.2 * draw.normal(size=100), 0.01, 0.99)
    fields: dict[str, Any] = {
        "how": how,
        "rows": np.arange(100),
        "truth": truth,
        "answers": np.stack([1 - up, up], axis=1),
        "baselines": {"always the class shares": np.full((100, 2), 0.5)},
        "splits": 3,
    }
    return Judged(**(fields | changes))


@pytest.mark.parametrize(
    ("how", "said"),
    [("outer_splits", "no choice saw (3 outer splits)"), ("test_file", "test file"), ("out_of_fold", "it flatters")],
)
def test_a_score_says_where_it_comes_from(how: str, said: str) -> None:
    score = score_of(judged(how), METRICS["roc_auc"], BINARY, 0)
    assert (score.how, score.rows) == (how, 100)
    assert said in score.text
    assert "100" in score.text


def test_value_interval_and_the_other_metrics() -> None:
    given = judged()
    score = score_of(given, METRICS["roc_auc"], BINARY, 0)
    assert score.value == METRICS["roc_auc"](given.truth, given.answers)
    assert score.low < score.value < score.high  # type: ignore[operator]
    assert set(score.others) == {n for n, m in METRICS.items() if "binary" in m.tasks} - {"roc_auc"}
    assert score.others["brier"] == METRICS["brier"](given.truth, given.answers)
    assert score == score_of(given, METRICS["roc_auc"], BINARY, 0)


def test_weights_and_groups_count() -> None:
    plain = score_of(judged(), METRICS["log_loss"], BINARY, 0)
    heavy = score_of(judged(weights=np.r_[np.ones(20), np.zeros(80)]), METRICS["log_loss"], BINARY, 0)
    assert heavy.value != plain.value
    grouped = score_of(judged(groups=np.arange(100) // 25), METRICS["log_loss"], BINARY, 0)
    assert (grouped.value, grouped.low == plain.low) == (plain.value, False)


def test_what_cannot_be_computed_is_null() -> None:
    given = judged(truth=np.zeros(100, dtype=np.int64))
    score = score_of(given, METRICS["roc_auc"], BINARY, 0)
    assert score.value is None
    assert score.low is None
    json.dumps(dict(score.others), allow_nan=False)
    flat = judged(truth=np.ones(100), answers=np.ones(100), baselines={})
    assert score_of(flat, METRICS["r2"], AMOUNT, 0).value is None
    assert [finite(v) for v in (float("nan"), float("inf"), 2)] == [None, None, 2.0]


def test_baselines_are_measured_on_the_same_rows() -> None:
    found = baselines_of(judged(), METRICS["log_loss"])
    assert found[0].value == pytest.approx(np.log(2))
    assert "class" in found[0].name
    truth = np.array([1.0, 3.0])
    rules = {"mean": np.array([2.0, 2.0]), "last": np.array([1.0, 1.0])}
    amounts = judged(truth=truth, answers=truth, baselines=rules)
    assert [(b.name, b.value) for b in baselines_of(amounts, METRICS["mae"])] == [("mean", 1.0), ("last", 1.0)]


def test_one_split_is_one_split() -> None:
    assert "(1 outer split)" in score_of(judged(splits=1), METRICS["roc_auc"], BINARY, 0).text
