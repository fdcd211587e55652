import numpy as np
import pytest

from afield.parts.encoders.number import part

MAX = np.finfo(np.float32).max


def test_plain_numbers_pass_through_as_float32(encoding):
    encoded = encoding(part, {"a": [1.5, np.nan, -2.25], "b": [0.1, 0.2, 0.3]})
    assert [f.identity for f in encoded.fitted.features] == [True, True]
    np.testing.assert_array_equal(encoded(), np.array([[1.5, 0.1], [np.nan, 0.2], [-2.25, 0.3]], np.float32))


def test_values_outside_float32_become_its_extremes(encoding):
    encoded = encoding(part, {"a": [1.0, 2.0]})
    values = [np.inf, -np.inf, 1e308, -1e39, np.nan]
    np.testing.assert_array_equal(encoded({"a": values})[:, 0], np.array([MAX, -MAX, MAX, -MAX, np.nan], np.float32))


@pytest.mark.parametrize(
    "values",
    [
        1.7e9 + np.arange(100),  # timestamps
        9e15 + np.arange(1000) * 3,  # ids beyond the whole numbers of float32
        1e-50 * np.arange(100),  # below float32
        1e300 * np.arange(100),  # above float32
        1e250 + 1e238 * np.arange(100),  # both large and near each other
    ],
)
def test_numbers_that_float32_would_merge_stay_apart(encoding, values):
    assert len(np.unique(np.clip(values, -MAX, MAX).astype(np.float32))) < len(values)
    encoded = encoding(part, {"plain": np.arange(len(values)), "a": values})
    assert [f.identity for f in encoded.fitted.features] == [True, False]
    out = encoded()
    assert np.all(np.diff(out[:, 1]) > 0)
    np.testing.assert_array_equal(out[:, 0], np.arange(len(values)))
    assert np.isfinite(encoded({"plain": [np.inf, -1e308], "a": [np.inf, -1e308]})).all()


def test_a_few_chance_merges_of_long_digits_leave_a_column_plain(encoding):
    values = np.random.default_rng(0).random(20_000)
    assert len(np.unique(values.astype(np.float32))) < len(values)
    assert encoding(part, {"a": values}).fitted.features[0].identity


def test_nodes_do_not_grow_with_columns(encoding):
    few, many = (encoding(part, {f"c{i}": [1.0, 2.0] for i in range(n)}) for n in (2, 300))
    assert len(few.model.graph.node) == len(many.model.graph.node)
