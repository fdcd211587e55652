import numpy as np
import pytest

from afield.data.answer import Answer
from afield.data.table import NumberColumn, StringColumn, Table
from afield.parts.encoders.group_stats import part
from afield.parts.protocol import FitContext
from afield.problem.schema import ColumnSpec
from afield.search.features import encode

SPECS = [ColumnSpec(name="site", kind="category"), ColumnSpec(name="size", kind="number")]
SITES = ["reef", "bay", "fjord"]


def table_of(site, size):
    columns = {"site": StringColumn.of(np.array(site, dtype=object)), "size": NumberColumn(np.array(size, float))}
    return Table(columns, len(site))


def fitted(target, *, rows=3_000, shift=0.0, weights=None, settings=None):
    """Fit where sites differ in their sizes, and ``target(size, mean of the site, spread of it)`` is to be told."""
    draw = np.random.default_rng(0)
    code = draw.integers(0, 3, rows)
    centre, spread = np.array([0.0, 40.0, 100.0]), np.array([1.0, 4.0, 9.0])
    size = shift + centre[code] + spread[code] * draw.normal(size=rows)
    table = table_of([SITES[c] for c in code], size)
    answer = Answer(task="regression", values=target(size - shift, centre[code], spread[code]))
    return part.fit(table, SPECS, answer, FitContext(weights=weights), settings or {}), table, code


def column(encoder, table, name):
    return encode(encoder, SPECS, table)[:, [f.name for f in encoder.features].index(name)]


def test_how_far_a_row_is_off_its_group_is_found():
    encoder, table, code = fitted(lambda x, mean, spread: np.sin(3 * (x - mean) / spread))
    off = column(encoder, table, "size.deviation by site")
    for c in range(3):
        assert abs(off[code == c].mean()) < 0.05
        assert off[code == c].std() == pytest.approx(1, abs=0.1)


def test_the_difference_is_taken_before_float32():
    encoder, table, code = fitted(lambda x, mean, spread: np.sin((x - mean) / 2), shift=1.7e12)
    off = column(encoder, table, "size.difference by site")
    size = table["size"].values
    expected = size - np.array([size[code == c].mean() for c in range(3)])[code]
    np.testing.assert_allclose(off, expected, atol=0.01)  # a mean leans on that of all rows a little
    assert len(np.unique(off)) > 2_900


def test_missing_and_unseen():
    encoder, _, _ = fitted(lambda x, mean, spread: np.sin(3 * (x - mean) / spread))
    rows = table_of(["reef", "never", "", "reef", "bay"], [np.nan, 1.0, 1.0, np.inf, -np.inf])
    out = encode(encoder, SPECS, rows)
    assert np.isnan(out[0]).all()
    assert np.isfinite(out[1:]).all()
    assert (out[1] == out[2]).all()  # both are told from all rows


def test_levels_of_fewer_rows_than_allowed_count_as_all_rows_do():
    sites = ["reef"] * 60 + ["bay"] * 60 + ["tiny"] * 4
    size = np.r_[np.full(60, 1.0), np.full(60, 3.0), np.full(4, 1000.0)]
    table = table_of(sites, size)
    answer = Answer(task="regression", values=np.zeros(124))
    encoder = part.fit(table, SPECS, answer, FitContext(), {})
    assert [f.name for f in encoder.features] == ["size.mean by site"]  # nothing to tell: the first pair
    assert encoder.features[0].column == "site"
    out = encode(encoder, SPECS, table_of(["reef", "tiny", "never"], [0, 0, 0]))[:, 0]
    assert out[1] == out[2] == np.float32(size.mean())
    assert out[0] == pytest.approx(1, abs=0.2)


def test_means_lean_on_that_of_all_rows_where_groups_do_not_differ():
    size = np.tile([0.0, 1, 2, 3, 4], 20)
    size[0] += 1
    table = table_of(["reef"] * 50 + ["bay"] * 50, size)
    out = encode(
        part.fit(table, SPECS, Answer(task="regression", values=np.zeros(100)), FitContext(), {}), SPECS, table
    )
    assert out[0, 0] - size.mean() == pytest.approx((size[:50].mean() - size.mean()) / 3, rel=1e-3)


def test_row_weights_count():
    table = table_of(["reef"] * 50 + ["bay"] * 50, np.r_[np.zeros(25), np.full(25, 8.0), np.zeros(50)])
    weights = np.r_[np.full(25, 3.0), np.ones(75)]
    answer = Answer(task="regression", values=np.zeros(100))
    out = encode(part.fit(table, SPECS, answer, FitContext(weights=weights), {}), SPECS, table)
    unweighted = encode(part.fit(table, SPECS, answer, FitContext(), {}), SPECS, table)
    assert out[0, 0] < 0.6 * unweighted[0, 0]


def test_a_seed_settles_the_choice_and_the_limit_holds():
    def encoder():
        return fitted(lambda x, mean, spread: np.sin(3 * (x - mean) / spread), settings={"max_features": 1})[0]

    assert encoder().features == encoder().features
    assert len(encoder().features) == 1
