from __future__ import annotations

import numpy as np
import pytest

from afield.checks import (
    column_constant_nearly,
    column_id_like,
    column_many_levels,
    column_missing_mostly,
    column_names,
    columns_same,
    levels_rare,
)

ROWS = 400
COIN = np.where(np.arange(ROWS) % 3 == 0, "a", "b")


def test_ids(make, chance):
    columns = {
        "customerID": [f"{i * 7919 % 9999:04d}-KX" for i in range(ROWS)],
        "row": np.arange(1, ROWS + 1),
        "encounter_id": chance.permutation(ROWS) * 977 + 13,
        "income": chance.permutation(ROWS) * 977 + 13,  # distinct, but nothing says id
        "comment": [f"the {i} fish was seen here" for i in range(ROWS)],
        "colour": ["red", "blue"] * (ROWS // 2),
    }
    found = list(column_id_like.find(make(columns, COIN, kinds={"comment": "text"})))
    assert [f.column for f in found] == ["customerID", "row", "encounter_id"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([f"Mr. {a}{b} Holm" for a in "ABCDE" for b in "abcdefghij"], "names of people"),
        ([f"{g} {s}" for g in ("Anna", "Peter", "Maria", "Zoe") for s in ("Ott", "Ek", "Li", "Rao")], "people"),
        ([f"user{i}@example.org" for i in range(30)], "e-mail addresses"),
        ([f"+49 30 1234{i:03d}" for i in range(30)], "phone numbers"),
        ([f"{i} Mill Road" for i in range(30)], "postal addresses"),
    ],
)  # fmt: skip
def test_people(make, values, kind):
    column = (values * ROWS)[:ROWS]
    (finding,) = column_names.find(make({"who": column}, COIN, kinds={"who": "text"}))
    assert kind in finding.what
    assert "--ignore who" in finding.fix


@pytest.mark.parametrize(
    "values",
    [
        [f"{a} {b}" for a in ("Upper", "Lower", "North", "Old") for b in ("Hill", "East Side", "Heights", "Park")],
        [f"2020-01-{d:02d}" for d in range(1, 29)],
        [f"V{i:03d}.{i % 10}" for i in range(40)],
        [f"{i}-{i + 10}" for i in range(0, 400, 10)],
    ],
)
def test_places_and_codes_are_not_people(make, values):
    assert list(column_names.find(make({"zone": (values * ROWS)[:ROWS]}, COIN))) == []


def test_nearly_constant_and_missing(make, chance):
    lone = np.zeros(ROWS)
    lone[3] = 1
    empty = np.full(ROWS, np.nan)
    empty[:5] = chance.random(5)
    context = make({"lone": lone, "x": chance.random(ROWS), "empty": empty}, COIN)
    assert [f.column for f in column_constant_nearly.find(context)] == ["lone"]
    assert [f.column for f in column_missing_mostly.find(context)] == ["empty"]


def test_same_columns(make, chance):
    x = chance.integers(0, 5, size=ROWS)
    columns = {
        "x": x,
        "twin": x,
        "word": np.asarray(list("abcde"))[x],
        "mot": np.asarray(list("vwxyz"))[x],
        "other": x + 1,
    }
    assert [f.column for f in columns_same.find(make(columns, COIN))] == ["twin", "mot"]


def test_missing_is_not_a_level_like_others(make, chance):
    x = chance.integers(0, 3, size=ROWS)
    columns = {"a": np.asarray(["p", "q", "r"])[x], "b": np.asarray(["p", "q", ""])[x]}
    assert list(columns_same.find(make(columns, COIN))) == []


def test_rare_levels(make):
    values = ["common"] * (ROWS - 7) + ["twice"] * 2 + ["five"] * 5
    (finding,) = levels_rare.find(make({"c": values}, COIN))
    assert "1 level of 'c' has under 5 rows (2 in all)" in finding.what
    assert finding.rows == (ROWS - 6, ROWS - 5)


def test_many_levels(make):
    values = [f"v{i % 1500}" for i in range(4_000)]
    (finding,) = column_many_levels.find(make({"c": values}, ["a", "b"] * 2_000))
    assert "1,500 levels" in finding.what
