from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from afield.checks import target_disguise, target_nearly_given

ROWS = 1_000


def found(context):
    return [(f.column, f.severity) for f in target_disguise.find(context)]


def test_threshold_decides(make, chance):
    x = chance.normal(size=ROWS)
    context = make({"noise": chance.normal(size=ROWS), "mm": x}, np.where(x > 1, "Yes", "No"))
    (finding,) = target_disguise.find(context)
    assert (finding.column, finding.severity) == ("mm", "serious")
    assert "every one of 500 held-out rows" in finding.what
    assert "--ignore mm" in finding.fix


def test_levels_decide_three_classes(make, chance):
    code = chance.integers(0, 9, size=ROWS)
    context = make({"code": [f"c{v}" for v in code]}, np.asarray(["a", "b", "c"])[code % 3])
    assert found(context) == [("code", "serious")]


def test_missingness_decides(make, chance):
    dead = chance.random(ROWS) < 0.3
    when = np.where(dead, chance.normal(size=ROWS), np.nan)
    assert found(make({"died_after": when}, np.where(dead, "dead", "alive"))) == [("died_after", "serious")]


def test_time_decides(make, chance):
    days = np.asarray([f"2020-01-{d:02d}T00:00:00" for d in chance.integers(1, 29, size=ROWS)])
    context = make({"when": days}, np.where(days > "2020-01-14T12", "new", "old"), kinds={"when": "datetime"})
    assert found(context) == [("when", "serious")]


def test_rare_class_needs_more_than_accuracy(make, chance):
    """99.9 % right is easy when one answer fills 99.5 % of the rows."""
    rare = chance.random(20_000) < 0.005
    x = np.where(rare & (chance.random(20_000) < 0.85), 5.0, 0.0) + chance.normal(size=20_000) * 0.1
    assert found(make({"x": x}, np.where(rare, "yes", "no"))) == []


def test_honest_strong_column_is_not_accused(make, chance):
    y = chance.integers(0, 2, size=ROWS)
    x = y * 4.0 + chance.normal(size=ROWS)  # 97.7 % right
    assert found(make({"x": x}, np.where(y > 0, "a", "b"))) == []


def test_id_is_not_accused(make, chance):
    target = np.where(chance.random(ROWS) < 0.5, "a", "b")
    assert found(make({"id": [f"k{i}" for i in range(ROWS)], "n": np.arange(ROWS)}, target)) == []


@pytest.mark.parametrize("image", [lambda y: 2.54 * y - 3, np.exp, lambda y: -(y**3)])
def test_image_of_a_number(make, chance, image):
    y = chance.normal(size=ROWS)
    findings = found(make({"copy": image(y), "weak": y + chance.normal(size=ROWS)}, y))
    assert [c for c, _ in findings] == ["copy"]


def test_noisy_line_is_not_a_disguise(make, chance):
    y = chance.normal(size=ROWS)
    assert found(make({"x": y + 0.1 * chance.normal(size=ROWS)}, y)) == []


def test_small_evidence_is_a_warning(make, chance):
    y = chance.integers(0, 2, size=70)
    assert [s for _, s in found(make({"x": y * 10.0 + chance.random(70)}, np.where(y > 0, "a", "b")))] == ["warning"]


def test_sum_of_columns(make, chance):
    parts = chance.random((3, ROWS))
    context = make({"a": parts[0], "b": parts[1], "c": parts[2], "z": chance.random(ROWS)}, parts.sum(axis=0))
    (finding,) = target_nearly_given.find(context)
    assert all(repr(n) in finding.what for n in "abc")
    assert "'z'" not in finding.what


def test_one_column_nearly_gives(make, chance):
    y = chance.normal(size=ROWS)
    context = make({"x": y + 0.15 * chance.normal(size=ROWS), "weak": y + chance.normal(size=ROWS)}, y)
    (finding,) = target_nearly_given.find(context)
    assert finding.column == "x"
    assert finding.severity == "warning"


def test_honest_columns_give_nothing(make, chance):
    y = chance.normal(size=ROWS)
    assert list(target_nearly_given.find(make({"x": y + 0.5 * chance.normal(size=ROWS)}, y))) == []


@pytest.mark.shared_data
def test_weather(make):
    path = Path("../shared/data/tabular/weather_aus.csv.gz")
    if not path.exists():
        pytest.skip("the development tables are not here")
    import pandas as pd

    frame = pd.read_csv(path, nrows=20_000).dropna(subset=["RainTomorrow"])
    numbers = {c: frame[c].to_numpy() for c in frame.columns if frame[c].dtype.kind == "f"}
    findings = found(make(numbers, frame["RainTomorrow"].to_numpy(dtype=str)))
    assert findings == [("RISK_MM", "serious")]
