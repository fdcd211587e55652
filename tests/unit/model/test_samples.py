from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from afield.model.model import Model
from afield.model.samples import hostile, synthesise
from afield.problem.schema import ColumnSpec
from small_models import graph_of, schema_of, small_model

SCHEMA = schema_of()
THRESHOLDS = {"length (mm)": np.array([0.1, 5.0, 1e39, 3.3333333333]), "weight": np.array([-0.5])}


def test_samples_look_like_the_schema() -> None:
    feed = synthesise(SCHEMA, 4_000, seed=7)
    assert list(feed) == [c.input_name for c in SCHEMA.columns]
    length = feed["length (mm)"]
    known = length[~np.isnan(length)]
    assert 0.03 < np.isnan(length).mean() < 0.1
    assert 0.9 < ((known >= 1) & (known <= 9)).mean() < 1.0
    assert set(feed["sex"]) == {"", "M", "F", "I", "never seen"}
    days = [datetime.fromisoformat(t) for t in feed["caught"] if t]
    assert all((d - datetime(1970, 1, 1)).days in range(18_000, 19_001) for d in days)
    assert len(days) < 4_000
    assert all(isinstance(t, str) for t in feed["label_"])


def test_samples_depend_on_seed_and_column_alone() -> None:
    first, again, other = (synthesise(SCHEMA, 50, seed=s) for s in (1, 1, 2))
    turned = synthesise(replace(SCHEMA, columns=SCHEMA.columns[::-1]), 50, seed=1)
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])
        np.testing.assert_array_equal(first[name], turned[name])
    assert any(not np.array_equal(first[n], other[n], equal_nan=False) for n in ("sex", "label_"))


@pytest.mark.parametrize("kind", ["number", "category", "text", "datetime"])
@pytest.mark.parametrize("bounds", [(None, None), (3.0, 3.0), (-1e308, 1e308), (-1e9, 1e9)])
def test_columns_that_say_little(kind: str, bounds: tuple[float | None, float | None]) -> None:
    spec = ColumnSpec(name="x", kind=kind, low=bounds[0], high=bounds[1])  # type: ignore[arg-type]
    schema = replace(SCHEMA, columns=(spec,))
    assert len(synthesise(schema, 100, seed=0)["x"]) == 100
    assert len(hostile(schema, {}, 1_000, seed=0)["x"]) > 10


def test_each_threshold_and_its_neighbours_are_there() -> None:
    length = hostile(SCHEMA, THRESHOLDS, seed=0)["length (mm)"]
    for t in THRESHOLDS["length (mm)"]:
        with np.errstate(over="ignore"):
            narrow = np.float32(t)
        wanted = [
            t,
            np.nextafter(t, -np.inf),
            np.nextafter(t, np.inf),
            narrow,
            np.nextafter(narrow, np.float32(-np.inf)),
        ]
        assert np.isin(np.array(wanted, dtype=np.float64), length).all()
    for value in (np.inf, -np.inf, 0.0, 1e308, -1e308, 5e-324, 3.5e38, 1.0, 9.0):
        assert value in length
    assert np.isnan(length).any()
    assert (np.signbit(length) & (length == 0)).any()


def test_hostile_texts() -> None:
    feed = hostile(SCHEMA, {}, seed=0)
    assert {"", "M", "F", "I", "never seen", "M ", "m", "i"} <= set(feed["sex"])
    assert {"", "2023-02-30T00:00:00", "not a date", "0001-01-01T00:00:00", "9999-12-31T23:59:59"} <= set(
        feed["caught"]
    )
    assert max(map(len, feed["label_"])) >= 1_000
    assert any(not t.isascii() for t in feed["label_"])


@pytest.mark.parametrize("n_max", [1, 10, 100, 1_000])
def test_the_cap_holds_and_the_choice_is_even(n_max: int) -> None:
    many = {"length (mm)": np.arange(5_000, dtype=np.float64), "weight": np.arange(5_000, dtype=np.float64)}
    first, again = hostile(SCHEMA, many, n_max, seed=3), hostile(SCHEMA, many, n_max, seed=3)
    assert {len(v) for v in first.values()} == {n_max}
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])
    if n_max == 1_000:
        chosen = np.concatenate([first["length (mm)"], first["weight"]])
        assert np.histogram(chosen[(chosen > 10) & (chosen < 4_990)], bins=5)[0].min() > 20


def test_the_graph_takes_hostile_rows() -> None:
    model = Model(small_model())
    answers = model.run(hostile(model.schema, THRESHOLDS, 2_000, seed=0))
    assert len(answers["label"]) == len(answers["probabilities"])
    assert graph_of(SCHEMA) in model.bytes
