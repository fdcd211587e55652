from __future__ import annotations

import ast
import time
from pathlib import Path

import numpy as np
import pytest

import afield.checks
from afield.checks.context import listed, percent
from afield.checks.registry import CHECKS, run_checks


def test_each_file_of_a_code_is_registered():
    folder = Path(afield.checks.__file__).parent
    made = set()
    for path in sorted(folder.glob("*.py")):
        names = {n.name for n in ast.parse(path.read_text()).body if isinstance(n, ast.FunctionDef)}
        if "find" in names:
            made.add(path.stem)
    assert made == {code.replace(".", "_") for code in CHECKS}


def test_codes_and_files_agree(make, chance):
    for code, check in CHECKS.items():
        assert check.find.__module__.endswith("." + code.replace(".", "_"))


def test_serious_first_and_repeatable(make, chance):
    rows = 600
    y = chance.integers(0, 2, size=rows)
    columns = {"k": [f"id-{i}" for i in range(rows)], "const": np.r_[1.0, np.zeros(rows - 1)], "leak": y + 5}
    context = make(columns, np.where(y > 0, "yes", "no"))
    first, again = run_checks(context), run_checks(context)
    assert first == again
    severities = [f.severity for f in first]
    assert severities[0] == "serious"
    assert severities == sorted(severities, key=["serious", "warning", "note"].index)
    assert {f.code for f in first} <= set(CHECKS)


def test_evidence_rows_are_those_of_the_source(make, chance):
    context = make({"x": chance.random(10)}, chance.random(10))
    part = context.take(np.asarray([3, 7], dtype=np.int64))
    assert part.evidence([0, 1]) == (4, 8)
    assert part.take(np.asarray([1], dtype=np.int64)).evidence([0]) == (8,)


@pytest.mark.parametrize("rows", [1, 2, 3, 30])
def test_tiny_tables_do_not_break(make, chance, rows):
    context = make({"x": chance.random(rows), "c": ["u"] * rows}, chance.random(rows))
    assert isinstance(run_checks(context), list)


def test_all_missing_columns_do_not_break(make):
    context = make({"x": np.full(300, np.nan), "c": [""] * 300}, ["a", "b"] * 150)
    assert all(f.severity != "serious" for f in run_checks(context))


def test_two_thousand_columns(make, chance):
    rows = 3_000
    values = chance.random((2_000, rows))
    context = make({f"x{i}": v for i, v in enumerate(values)}, np.where(values[1_999] > 0.5, "a", "b"))
    start = time.process_time()
    findings = run_checks(context)
    assert time.process_time() - start < 8.0
    assert [f.column for f in findings if f.code == "target.disguise"] == ["x1999"]


def test_words():
    assert listed(["a", "b", "c"], 2) == "'a', 'b' and 1 more"
    assert listed(["a", "b"]) == "'a' and 'b'"
    assert percent(0.99999) == "99.999 %"
    assert percent(0.9999999) == "over 99.999 %"
    assert percent(1.0) == "100 %"
