import numpy as np
import pytest

from afield.data.answer import Answer
from afield.parts.encoders.target_mean import part

APART = {"whole_levels": 0, "few_levels": 0}  # each column stays, and each level has a mean of its own
CITY = ["oslo"] * 6 + ["bergen"] * 10 + ["rare"] * 4 + [""] * 5


def test_binary_means_are_smoothed_towards_the_prior(encoding):
    y = np.array([1] * 6 + [0] * 10 + [1] * 4 + [0] * 5)
    encoded = encoding(part, {"city": CITY}, Answer(task="binary", values=y, classes=2), {"smoothing": 3.0} | APART)
    assert encoded.names == ["city.mean"]
    out = encoded({"city": ["oslo", "bergen", "", "rare", "unseen"]})[:, 0]
    expected = [(6 + 3 * 0.4) / 9, 3 * 0.4 / 13, 3 * 0.4 / 8, 0.4, 0.4]
    np.testing.assert_allclose(out, expected, rtol=1e-6)


def test_regression_means_count_in_deviations_from_the_mean(encoding):
    y = np.where(np.arange(25) < 6, 1e12 + 10, 1e12)
    encoded = encoding(part, {"city": CITY}, Answer(task="regression", values=y), {"smoothing": 0.1} | APART)
    z = (y - y.mean()) / y.std()
    np.testing.assert_allclose(
        encoded({"city": ["oslo", "bergen", "new"]})[:, 0],
        [z[0] * 6 / 6.1, z[-1] * 10 / 10.1, 0],
        rtol=1e-5,
        atol=1e-4,
    )


def test_each_class_has_a_mean_in_each_column(encoding):
    y = np.array([0] * 6 + [1] * 10 + [2] * 9)
    answer = Answer(task="multiclass", values=y, classes=3)
    encoded = encoding(part, {"a": CITY, "b": CITY[::-1]}, answer, APART)
    assert encoded.names == [f"{c}.mean[{k}]" for c in "ab" for k in range(3)]
    out = encoded({"a": ["oslo", "unseen"], "b": ["unseen", "bergen"]})
    np.testing.assert_allclose(out.reshape(2, 2, 3).sum(2), 1, rtol=1e-6)
    np.testing.assert_allclose(out[0, :3], [(6 + 10 * 6 / 25) / 16, 10 * 10 / 25 / 16, 10 * 9 / 25 / 16], rtol=1e-6)
    np.testing.assert_allclose(out[1, :3], [6 / 25, 10 / 25, 9 / 25], rtol=1e-6)


def test_row_weights_count(encoding):
    y = np.array([1, 0] * 5)
    answer = Answer(task="binary", values=y, classes=2)
    weights = np.where(y == 1, 3.0, 1.0)
    assert encoding(part, {"a": ["x"] * 10}, answer, weights=weights)()[0, 0] == pytest.approx(0.75)


def test_with_too_many_classes_features_depend_on_the_number_of_classes_only(encoding):
    def encoded(y):
        answer = Answer(task="multiclass", values=y, classes=50)
        return encoding(part, {"a": ["x"] * 60 + ["y"] * 60}, answer, {"max_classes": 4})

    first, second = encoded(np.arange(120) % 50), encoded(np.arange(120)[::-1] % 7)
    assert first.names == second.names == [f"a.mean[{k}]" for k in range(4)]
    assert np.isfinite(first()).all()
    assert np.all((first() >= 0) & (first() <= 1))


def test_a_target_without_spread_gives_zeros(encoding):
    answer = Answer(task="regression", values=np.full(25, 3.0))
    assert not encoding(part, {"city": CITY}, answer)().any()


def test_missing_in_fewer_rows_than_a_level_needs_gives_the_prior(encoding):
    answer = Answer(task="binary", values=np.array([0] * 8 + [1] * 4), classes=2)
    encoded = encoding(part, {"city": ["oslo"] * 8 + [""] * 4}, answer)
    assert encoded({"city": ["", "oslo"]})[0, 0] == pytest.approx(1 / 3)


def test_columns_of_few_levels_that_tell_nothing_are_left_out_but_for_the_plainest(encoding):
    city, y = levels([0.2, 0.5], 200)
    answer, noise = Answer(task="binary", values=y, classes=2), ["ab"[i % 2] for i in range(400)]
    many = [f"m{i % 30}" for i in range(400)]
    told = encoding(part, {"noise": noise, "city": city, "many": many}, answer)
    assert told.names == ["city.mean", "many.mean"]
    assert encoding(part, {"noise": noise, "same": ["x"] * 400}, answer).names == ["noise.mean"]


def levels(shares, each):
    """Return cities, ``each`` rows of each, and a target that is 1 in these shares of them."""
    city = np.repeat([f"c{i}" for i in range(len(shares))], each)
    return city.tolist(), np.concatenate([np.arange(each) < share * each for share in shares]).astype(np.int64)


def test_levels_that_are_hardly_different_share_a_mean(encoding):
    city, y = levels([0.20, 0.22, 0.50, 0.52], 200)
    encoded = encoding(part, {"city": city}, Answer(task="binary", values=y, classes=2))
    low, also_low, high, also_high = encoded({"city": ["c0", "c1", "c2", "c3"]})[:, 0]
    assert low == also_low < high == also_high
    assert low == pytest.approx(0.21, abs=0.01)


def test_rows_of_a_group_count_as_one_observation(encoding):
    city, y = levels([0.20, 0.50], 200)
    answer = Answer(task="binary", values=y, classes=2)
    assert encoding(part, {"city": city}, answer, groups=np.arange(400) // 100).fitted.whole == (False,)
    assert encoding(part, {"city": city}, answer, groups=np.arange(400)).fitted.whole == (True,)


@pytest.mark.parametrize(("settings", "forward", "same"), [({}, False, True), (APART, False, False), ({}, True, False)])
def test_a_fit_without_a_fold_keeps_the_means_of_few_levels(encoding, settings, forward, same):
    city, y = levels([0.2, 0.8], 100)
    answer = Answer(task="binary", values=y, classes=2)
    fitted = encoding(part, {"city": city}, answer, settings, forward=forward).fitted
    some = np.arange(200) % 3 > 0
    answer = Answer(task="binary", values=1 - y[some], classes=2)
    cells = {"city": np.array(city)[some].tolist()}
    other = encoding(part, cells, answer, settings, forward=forward, like=fitted).fitted
    assert np.array_equal(fitted.means[1:], other.means[1:]) == same


def test_levels_keep_their_order_whichever_fold_is_left_out(encoding):
    draw = np.random.default_rng(0)
    codes = draw.integers(0, 8, 4_000)
    y = 0.05 * codes + draw.normal(size=4_000)  # neighbours are closer than their errors
    every = {"city": [f"c{i}" for i in range(8)]}

    def means(rows, **context):
        cells = {"city": [f"c{i}" for i in codes[rows]]}
        return encoding(part, cells, Answer(task="regression", values=y[rows]), **context)

    whole = means(np.arange(4_000))
    for fold in range(5):
        without = means(np.flatnonzero(np.arange(4_000) % 5 != fold), like=whole.fitted)
        assert np.array_equal(without(every), whole(every))
