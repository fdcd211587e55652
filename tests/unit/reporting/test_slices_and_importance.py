from __future__ import annotations

import numpy as np
import pytest

from afield.data.table import NumberColumn, StringColumn, Table
from afield.problem.schema import ColumnSpec
from afield.reporting.importance import permutation_importance
from afield.reporting.slices import worst_slices

ROWS = 2_000


@pytest.fixture
def chance() -> np.random.Generator:
    return np.random.default_rng(3)


def table(chance):
    where = np.asarray(["north", "south", "east", "west"], dtype=object)[chance.integers(0, 4, size=ROWS)]
    age = chance.normal(40, 10, size=ROWS)
    age[chance.random(ROWS) < 0.1] = np.nan
    columns = {"where": StringColumn.of(where), "age": NumberColumn(age), "noise": NumberColumn(chance.random(ROWS))}
    specs = {
        "where": ColumnSpec(name="where", kind="category"),
        "age": ColumnSpec(name="age", kind="number", unit="years"),
        "noise": ColumnSpec(name="noise", kind="number"),
    }
    return Table(columns, ROWS), specs, where, age


def test_a_bad_level_is_found(chance):
    rows, specs, where, _ = table(chance)
    loss = chance.random(ROWS) + (where == "east")
    (worst,) = worst_slices(rows, specs, loss)
    assert worst.text == "where = east"
    assert worst.rows == int((where == "east").sum())
    assert worst.low < worst.score < worst.high
    assert worst.overall == pytest.approx(0.5, abs=0.05)


def test_a_bad_crossing_is_found(chance):
    rows, specs, where, age = table(chance)
    loss = chance.random(ROWS) + 2.0 * ((where == "east") & (age > 46))
    assert {"where = east", "age"} <= set(worst_slices(rows, specs, loss)[0].text.replace(" >", " and ").split(" and "))


def test_missing_cells_are_a_group(chance):
    rows, specs, _, age = table(chance)
    assert worst_slices(rows, specs, chance.random(ROWS) + np.isnan(age))[0].text == "age is missing"


def test_luck_is_not_named(chance):
    for _ in range(5):
        rows, specs, _, _ = table(chance)
        assert worst_slices(rows, specs, chance.random(ROWS)) == []


def test_one_absurd_row_is_not_a_group(chance):
    rows, specs, _, _ = table(chance)
    loss = chance.random(ROWS)
    loss[5] = 1e12
    assert worst_slices(rows, specs, loss) == []


def test_few_rows_and_nan_losses(chance):
    rows, specs, _, _ = table(chance)
    assert worst_slices(rows.take(np.arange(10)), specs, np.ones(10)) == []
    assert worst_slices(rows, specs, np.full(ROWS, np.nan)) == []


def importance(feed, weights, **options):
    truth = sum(w * feed[n] for n, w in weights.items())

    def predict(given):
        return sum(w * given[n] for n, w in weights.items())

    def loss(answers, rows):
        return np.square(answers - truth[rows])

    return permutation_importance(predict, loss, feed, {n: n.upper() for n in feed}, **options)


def test_importance_of_a_known_model(chance):
    feed = {n: chance.normal(size=800) for n in "abc"}
    found = importance(feed, {"a": 3.0, "b": 1.0})
    assert [i.column for i in found] == ["A", "B", "C"]
    assert found[0].drop == pytest.approx(2 * 9.0, rel=0.2)  # twice the variance that the column brings
    assert found[1].drop == pytest.approx(2 * 1.0, rel=0.2)
    assert found[0].low < found[0].drop < found[0].high
    assert found[2].drop == 0.0


def test_importance_depends_on_the_seed_alone(chance):
    feed = {n: chance.normal(size=300) for n in "ab"}
    assert importance(feed, {"a": 1.0, "b": 2.0}, seed=1) == importance(feed, {"a": 1.0, "b": 2.0}, seed=1)
    assert importance(feed, {"a": 1.0, "b": 2.0}, seed=1) != importance(feed, {"a": 1.0, "b": 2.0}, seed=2)


def test_importance_caps_its_work(chance):
    feed = {f"x{i}": chance.normal(size=3_000) for i in range(400)}
    asked = []

    def predict(given):
        asked.append(len(given["x0"]))
        return given["x0"]

    found = permutation_importance(predict, lambda a, rows: np.abs(a), feed, {n: n for n in feed})
    assert len(found) == 300
    assert sum(asked) * len(feed) <= 5 * 300 * 100 * 400 + 400_000
