from __future__ import annotations

import numpy as np
import pytest

from afield.data.table import NumberColumn, StringColumn, Table
from afield.problem.schema import ColumnSpec
from afield.reporting.columns import describe
from afield.reporting.diagnostics import calibration, calibration_of, confusion, residuals, roc, wilson


def test_confusion_counts():
    made = confusion(np.asarray([0, 0, 1, 2]), np.asarray([0, 1, 1, 0]), ["a", "b", "c"])
    assert made.counts == ((1, 1, 0), (0, 1, 0), (1, 0, 0))


def test_wilson_against_known_values():
    low, high = wilson(81, 263)  # Newcombe 1998, table I, method 3
    assert (low, high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_calibration_of_honest_probabilities():
    chance = np.random.default_rng(1)
    stated = chance.random(20_000)
    made = calibration(chance.random(20_000) < stated, stated, "class a")
    assert sum(b.count for b in made.bins) == 20_000
    inside = [b.low <= b.predicted <= b.high for b in made.bins]
    assert sum(inside) >= len(inside) - 2
    overconfident = calibration(chance.random(20_000) < 0.5, stated, "class a")
    assert abs(overconfident.bins[-1].observed - overconfident.bins[-1].predicted) > 0.3


def test_calibration_with_one_probability():
    (only,) = calibration(np.asarray([True, False]), np.asarray([0.5, 0.5]), "a").bins
    assert (only.count, only.observed) == (2, 0.5)


def test_calibration_of_many_classes_is_about_the_answer():
    probabilities = np.asarray([[0.7, 0.2, 0.1]] * 50)
    (only,) = calibration_of(np.zeros(50, dtype=int), probabilities, ["a", "b", "c"], 0).bins
    assert (only.predicted, only.observed) == (pytest.approx(0.7), 1.0)


def test_roc_with_ties():
    made = roc(np.asarray([True, True, False, False]), np.asarray([0.9, 0.5, 0.5, 0.1]), "a")
    assert made is not None
    assert made.area == pytest.approx(0.875)
    assert roc(np.asarray([True, True]), np.asarray([0.1, 0.2]), "a") is None


def test_residuals_are_capped_and_repeatable():
    truth = np.arange(9_000.0)
    assert len(residuals(truth, truth).actual) == 2_000
    assert residuals(truth, truth + 1) == residuals(truth, truth + 1)


def test_columns():
    table = Table(
        {
            "n": NumberColumn(np.asarray([1.0, 2.0, np.nan, 4.0] * 5)),
            "c": StringColumn.of(["a", "a", "b", ""] * 5),
            "d": StringColumn.of(["2020-01-01T00:00:00", "2021-01-01T12:00:00", "", "2022-01-01T00:00:00"] * 5),
            "t": StringColumn.of([f"a note {i}" for i in range(20)]),
            "spare": NumberColumn(np.zeros(20)),
        },
        20,
    )
    kinds = {"n": "number", "c": "category", "d": "datetime", "t": "text", "spare": "number"}
    specs = {n: ColumnSpec(name=n, kind=k) for n, k in kinds.items()}  # type: ignore[arg-type]  # kinds are right
    n, c, d, t = describe(table, specs, {"n": "target", "c": "feature", "d": "feature", "t": "feature"})
    assert (n.low, n.middle, n.high, n.missing, n.role) == ("1", "2", "4", 0.25, "target")
    assert sum(n.histogram) == 15
    assert c.levels == (("a", 10), ("b", 5))
    assert (c.distinct, c.missing) == (2, 0.25)
    assert (d.low, d.middle, d.high) == ("2020-01-01", "2021-01-01 12:00:00", "2022-01-01")
    assert sum(d.histogram) == 15
    assert (t.levels, t.distinct) == ((), 20)


def test_rare_levels_are_not_named():
    table = Table({"c": StringColumn.of(["a"] * 16 + ["Ms Rare"] * 4)}, 20)
    (c,) = describe(table, {"c": ColumnSpec(name="c", kind="category")}, {"c": "feature"})
    assert c.levels == (("a", 16),)
