import numpy as np
import pytest

from afield.parts.encoders.scaled_number import part

RNG = np.random.default_rng(0)


def test_features_have_mean_0_and_deviation_1(encoding):
    encoded = encoding(part, {"a": RNG.normal(1e9, 3.0, 500), "b": RNG.normal(-1e-9, 1e-12, 500)})
    out = encoded().astype(np.float64)
    np.testing.assert_allclose(out.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(out.std(0), 1, atol=1e-6)


def test_missing_values_get_the_median_and_a_mark_where_training_had_some(encoding):
    encoded = encoding(part, {"a": [1.0, 2.0, 9.0, np.nan], "b": [1.0, 2.0, 3.0, 4.0]})
    assert encoded.names == ["a", "b", "a.missing"]
    out = encoded({"a": [2.0, np.nan], "b": [2.5, np.nan]})
    np.testing.assert_array_equal(out[0, :2], out[1, :2])
    assert out[:, 2].tolist() == [0, 1]


@pytest.mark.parametrize("shape", ["plain", "log"])
def test_columns_without_spread_or_values_give_zeros(encoding, shape):
    columns = {"constant": [0.1] * 7, "missing": [np.nan] * 7, "tiny": [0.0, 5e-324] * 3 + [0.0]}
    encoded = encoding(part, columns, settings={"shape": shape})
    hostile = [0.1, 5.0, np.inf, -np.inf, 1e308, -1e308, np.nan]
    assert not encoded(dict.fromkeys(columns, hostile))[:, :3].any()


@pytest.mark.parametrize("shape", ["plain", "log"])
@pytest.mark.parametrize(
    "values", [[1.0, 2.0, 4.0], [1e308, -1e308, 0.0], [np.inf, 1.0, 2.0], [1e-140, 2e-140, 9e-140]]
)
def test_hostile_values_stay_within_the_bound(encoding, shape, values):
    encoded = encoding(part, {"a": values}, settings={"clip": 3, "shape": shape})
    out = encoded({"a": [np.inf, -np.inf, 1e308, -1e308, 5e-324, np.nan, *values]})
    assert np.abs(out).max() <= 3


def test_log_bends_long_tails_and_leaves_other_columns_alone(encoding):
    columns = {"normal": RNG.normal(size=2000), "tail": RNG.lognormal(0, 2, 2000), "left": -RNG.lognormal(5, 2, 2000)}
    plain = encoding(part, columns)()
    bent = encoding(part, columns, settings={"shape": "log"})()

    def skewness(x):
        return np.abs((((x - x.mean(0)) / x.std(0)) ** 3).mean(0))

    np.testing.assert_array_equal(plain[:, 0], bent[:, 0])
    assert np.all(skewness(bent[:, 1:]) < skewness(plain[:, 1:]) / 3)
    order = np.argsort(columns["tail"], kind="stable")
    assert np.all(np.diff(bent[order, 1]) >= 0)
    np.testing.assert_allclose(bent.std(0), 1, atol=0.02)
