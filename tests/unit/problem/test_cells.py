"""One cell, one value: held to the shared vectors, and to hypothesis for what vectors cannot list."""

from __future__ import annotations

import json
import math
import subprocess
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from shutil import which

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afield.problem.cells import CellError, canonical_number, read_cell
from afield.problem.datetimes import pattern_of
from afield.problem.schema import ColumnSpec

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "cells.json").read_text(encoding="utf-8"))
NUMBER = ColumnSpec(name="x", kind="number")
CATEGORY = ColumnSpec(name="x", kind="category")
ISO = ColumnSpec(name="x", kind="datetime", formats=("iso",))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{v['spec'].get('kind')}-{v['cell']!r}")
def test_vectors(vector):
    spec = ColumnSpec.from_json(vector["spec"])
    if "error" in vector:
        with pytest.raises(CellError):
            read_cell(spec, vector["cell"])
        return
    value = read_cell(spec, vector["cell"])
    if spec.kind == "number":
        assert isinstance(value, float)
        assert math.isnan(value) if vector["value"] is None else value == vector["value"]
    else:
        assert value == vector["value"]


PLAIN_OR_NOT = [
    NUMBER, ColumnSpec(name="x", kind="number", missing=("", "-999", "0.5")),
    ColumnSpec(name="x", kind="number", decimal=",", thousands="."), ColumnSpec(name="x", kind="number", prefix="$"),
    ColumnSpec(name="x", kind="number", missing=("", "na", "x")),
]  # fmt: skip


@settings(deadline=None)
@given(st.sampled_from(PLAIN_OR_NOT), st.from_regex(r"[ +-]?[0-9]{0,25}[.,]?[0-9]{0,25}(e[0-9]{1,3})?", fullmatch=True))
def test_the_short_cut_of_plain_numbers_changes_nothing(spec, cell):
    def value(spec):
        try:
            return repr(read_cell(spec, cell))
        except CellError:
            return "error"

    slow = ColumnSpec.from_json(spec.to_json())
    slow.__dict__["plain"] = False
    assert value(spec) == value(slow)


def test_there_are_enough_vectors():
    assert len(VECTORS) >= 120
    assert {v["spec"]["kind"] for v in VECTORS} == {"number", "category", "text", "datetime"}


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        (np.float32(1.5), 1.5),
        (np.int64(3), 3.0),
        (np.bool_(True), 1.0),
        (np.str_("2.5"), 2.5),
        (Decimal("1.25"), 1.25),
        (10**30, 1e30),
    ],
)
def test_typed_scalars_as_numbers(cell, value):
    assert read_cell(NUMBER, cell) == value


@pytest.mark.parametrize(
    "cell", [None, math.nan, np.float64("nan"), pd.NA, pd.NaT, np.datetime64("NaT"), Decimal("NaN")]
)
def test_typed_missing(cell):
    assert math.isnan(read_cell(NUMBER, cell))
    assert read_cell(CATEGORY, cell) == ""


@pytest.mark.parametrize(
    "cell", [math.inf, -math.inf, 10**400, [1], {"a": 1}, b"1", time(1), timedelta(1), date(2024, 1, 1), 1j]
)
def test_refused_as_number(cell):
    with pytest.raises(CellError):
        read_cell(NUMBER, cell)


def test_infinity_can_be_declared_missing():
    spec = ColumnSpec(name="x", kind="number", missing=("", "inf"))
    assert math.isnan(read_cell(spec, math.inf))
    with pytest.raises(CellError):
        read_cell(spec, -math.inf)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        (datetime(2024, 1, 31, 12, 30, 59, 999), "2024-01-31T12:30:59"),
        (date(2024, 1, 31), "2024-01-31T00:00:00"),
        (datetime(2024, 1, 31, 23, tzinfo=timezone(timedelta(hours=-2))), "2024-02-01T01:00:00"),
        (datetime(2024, 1, 31, tzinfo=UTC), "2024-01-31T00:00:00"),
        (pd.Timestamp("2024-01-31 01:02:03.5"), "2024-01-31T01:02:03"),
        (np.datetime64("2024-01-31T01:02:03.999999999"), "2024-01-31T01:02:03"),
        (np.datetime64("2024-01-31"), "2024-01-31T00:00:00"),
    ],
)
def test_typed_dates(cell, value):
    assert read_cell(ISO, cell) == value
    assert read_cell(CATEGORY, cell) == value


def test_half_a_surrogate_pair_is_refused():
    with pytest.raises(CellError):
        read_cell(CATEGORY, "a\ud800")


@pytest.mark.parametrize("form", ["%d.%q", "%d.%m", "%Y %Y", "%", "%H:%M", "%I %Y", "%Y-%d"])
def test_formats_that_settle_no_date_are_refused(form):
    with pytest.raises(ValueError, match=r"."):
        pattern_of(form)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_canonical_number_reads_back(value):
    text = canonical_number(value)
    assert read_cell(NUMBER, text) == value
    assert canonical_number(float(text)) == text


@given(st.text(max_size=12))
def test_any_text_reads_or_raises_and_never_to_infinity(text):
    for spec in (NUMBER, ColumnSpec(name="x", kind="number", decimal=",", thousands=".", prefix="$", suffix="%"), ISO):
        try:
            value = read_cell(spec, text)
        except CellError:
            continue
        assert isinstance(value, str) or not math.isinf(value)


@given(st.text(alphabet="0123456789.,-+eE _'", max_size=8))
def test_what_reads_with_default_marks_is_what_float_reads(text):
    try:
        value = read_cell(NUMBER, text)
    except CellError:
        return
    assert math.isnan(value) or value == float(text)


@pytest.mark.skipif(which("node") is None, reason="needs node")
@settings(max_examples=1)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=300, max_size=300))
def test_canonical_number_is_what_javascript_prints(values):
    edges = [
        1e21,
        1e20,
        999999999999999900000.0,
        1e-6,
        1e-7,
        1.5e-7,
        -0.0,
        0.1,
        123456.789,
        5e-324,
        1.7976931348623157e308,
    ]
    values = [*values, *edges]
    code = "const v=JSON.parse(require('fs').readFileSync(0,'utf8'));console.log(JSON.stringify(v.map(String)))"
    given_json = json.dumps(values)
    done = subprocess.run(
        ["node", "-e", code], input=given_json, capture_output=True, text=True, check=True, timeout=20
    )
    assert [canonical_number(v) for v in values] == json.loads(done.stdout)
