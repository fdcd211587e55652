from __future__ import annotations

import numpy as np

from afield.checks import (
    group_hint,
    rows_contradict,
    rows_duplicate,
    rows_few,
    target_few_rows_class,
    target_nearly_constant,
    target_skew,
    time_hint,
)

ROWS = 500


def test_copies(make, chance):
    x = chance.random(ROWS)
    x[ROWS - 20 :] = x[:20]
    (finding,) = rows_duplicate.find(make({"x": x, "k": ["u"] * ROWS}, x.copy()))
    assert finding.severity == "warning"
    assert finding.what.startswith("20 rows repeat")
    assert finding.rows == tuple(range(481, 486))


def test_copies_across_groups(make, chance):
    x = chance.random(ROWS)
    x[ROWS - 2 :] = x[:2]
    (finding,) = rows_duplicate.find(make({"x": x}, x.copy(), groups=range(ROWS)))
    assert "2 of them under another group" in finding.what
    assert finding.severity == "warning"


def test_coarse_columns_repeat_by_nature(make, chance):
    columns = {"a": chance.integers(0, 3, size=ROWS), "b": chance.integers(0, 40, size=ROWS)}
    assert list(rows_duplicate.find(make(columns, np.where(chance.random(ROWS) < 0.5, "a", "b")))) == []


def test_missing_cells_are_equal(make, chance):
    x = chance.random(ROWS)
    x[:10] = np.nan
    y = chance.random(ROWS)
    y[:10] = 0.5
    (finding,) = rows_duplicate.find(make({"x": x}, y))
    assert finding.what.startswith("9 rows repeat")


def test_contradiction_bounds_every_model(make, chance):
    x = np.repeat(chance.random(ROWS // 2), 2)
    y = np.tile(["a", "b"], ROWS // 2)
    y[100:] = "a"
    (finding,) = rows_contradict.find(make({"x": x}, y))
    assert "100 rows (20.0 %)" in finding.what
    assert "more than 90.0 % of the rows" in finding.what


def test_contradiction_of_numbers(make, chance):
    x = np.repeat(chance.random(ROWS // 2), 2)
    (finding,) = rows_contradict.find(make({"x": x}, chance.normal(size=ROWS)))
    assert "variance" in finding.what


def test_agreeing_rows_do_not_contradict(make, chance):
    x = np.repeat(chance.random(ROWS // 2), 2)
    assert list(rows_contradict.find(make({"x": x}, x.copy()))) == []


def test_nearly_constant_target(make, chance):
    y = np.where(np.arange(ROWS) < 3, "bad", "good")
    (finding,) = target_nearly_constant.find(make({"x": chance.random(ROWS)}, y))
    assert "only 3 of 500 rows" in finding.what
    assert finding.rows == (1, 2, 3)
    assert list(target_nearly_constant.find(make({"x": chance.random(ROWS)}, chance.random(ROWS)))) == []


def test_small_classes(make, chance):
    y = np.asarray(["a"] * (ROWS - 11) + ["b"] * 8 + ["c"] * 3)
    (finding,) = target_few_rows_class.find(make({"x": chance.random(ROWS)}, y))
    assert "c (3), b (8)" in finding.what


def test_skew(make, chance):
    y = chance.random(ROWS)
    assert list(target_skew.find(make({"x": chance.random(ROWS)}, y))) == []
    y[17] = 1e6
    (finding,) = target_skew.find(make({"x": chance.random(ROWS)}, y))
    assert finding.rows[0] == 18


def test_few_rows(make, chance):
    assert len(list(rows_few.find(make({"x": chance.random(50)}, ["a", "b"] * 25)))) == 1
    assert list(rows_few.find(make({"x": chance.random(ROWS)}, chance.random(ROWS)))) == []


def test_hints(make, chance):
    columns = {
        "when": [f"2021-{m:02d}-01T00:00:00" for m in chance.integers(1, 13, size=ROWS)],
        "patient nbr": chance.integers(1, 200, size=ROWS),
        "households": chance.integers(1, 200, size=ROWS),
    }
    kinds = {"when": "datetime"}
    y = np.where(chance.random(ROWS) < 0.5, "a", "b")
    (time,) = time_hint.find(make(columns, y, kinds=kinds))
    (group,) = group_hint.find(make(columns, y, kinds=kinds))
    assert "--time when" in time.fix
    assert "--group 'patient nbr'" in group.fix
    settled = make(columns, y, kinds=kinds, time="when", group="patient nbr")
    assert [*time_hint.find(settled), *group_hint.find(settled)] == []
