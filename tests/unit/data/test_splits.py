"""Folds and outer splits: strata, groups, time, and what no inner fold may see."""

from __future__ import annotations

import numpy as np
import pytest

from afield.core.errors import ProblemError
from afield.data.answer import Answer
from afield.data.splits import fold_count, make_folds, outer_splits


def classes(counts: list[int], seed: int = 0) -> Answer:
    values = np.repeat(np.arange(len(counts)), counts)
    np.random.default_rng(seed).shuffle(values)
    return Answer(task="multiclass", values=values, classes=len(counts))


def amounts(rows: int, seed: int = 0) -> Answer:
    return Answer(task="regression", values=np.random.default_rng(seed).lognormal(size=rows))


def test_each_fold_has_its_share_of_each_class() -> None:
    answer = classes([400, 83, 8])
    folds = make_folds(answer, None, None, 8, 1)
    table = np.array([np.bincount(answer.values[folds.of == k], minlength=3) for k in range(8)])
    assert (np.ptp(table, axis=0) <= 1).all()
    assert np.ptp(table.sum(axis=1)) <= 1


def test_each_fold_has_its_share_of_low_and_high_amounts() -> None:
    answer = amounts(1000)
    folds = make_folds(answer, None, None, 5, 1)
    ranks = answer.values.argsort().argsort()
    for k in range(5):
        in_tenth = np.bincount(ranks[folds.of == k] // 100, minlength=10)
        assert (in_tenth == 20).all()
    means = [answer.values[folds.of == k].mean() for k in range(5)]
    assert np.ptp(means) < 0.2 * answer.values.std()


def test_a_class_of_one_row_is_in_one_fold() -> None:
    answer = classes([30, 1])
    folds = make_folds(answer, None, None, 8, 0)
    assert sum((answer.values[folds[k].valid] == 1).any() for k in range(folds.count)) == 1


def test_no_more_folds_than_rows() -> None:
    folds = make_folds(amounts(5), None, None, 8, 0)
    assert folds.count == 5
    assert all(len(folds[k].valid) == 1 and len(folds[k].train) == 4 for k in range(5))


def test_the_seed_decides_and_nothing_else() -> None:
    answer = classes([60, 60])
    first = make_folds(answer, None, None, 5, 3).of
    assert np.array_equal(first, make_folds(answer, None, None, 5, 3).of)
    assert not np.array_equal(first, make_folds(answer, None, None, 5, 4).of)


def test_rows_in_the_order_of_the_target_do_not_make_lopsided_folds() -> None:
    answer = Answer(task="binary", values=np.repeat([0, 1], 50), classes=2)
    folds = make_folds(answer, None, None, 5, 0)
    assert all(answer.values[folds[k].valid].sum() == 10 for k in range(5))


def test_groups_are_dealt_evenly_and_with_their_classes() -> None:
    draw = np.random.default_rng(0)
    groups = np.repeat(np.arange(60), draw.integers(3, 12, 60))
    values = (groups % 4 == 0).astype(np.int64)
    folds = make_folds(Answer(task="binary", values=values, classes=2), groups, None, 5, 0)
    sizes = np.array([(folds.of == k).sum() for k in range(5)])
    shares = np.array([values[folds.of == k].mean() for k in range(5)])
    assert np.ptp(sizes) <= 0.25 * sizes.mean()
    assert np.ptp(shares) < 0.15


def test_two_groups_make_two_folds() -> None:
    folds = make_folds(amounts(50), np.repeat([4, 9], 25), None, 8, 0)
    assert folds.count == 2
    assert len(folds[0].train) == len(folds[0].valid) == 25


def test_time_folds_train_on_what_lies_before() -> None:
    times = np.random.default_rng(0).integers(0, 40, 300).astype(float)  # with ties
    folds = make_folds(amounts(300), None, times, 5, 0)
    assert folds.forward
    assert (folds.of == -1).any()
    for k in range(folds.count):
        assert times[folds[k].train].max() < times[folds[k].valid].min()


def test_rows_without_a_time_only_train() -> None:
    times = np.r_[np.full(30, -np.inf), np.arange(70.0)]
    folds = make_folds(amounts(100), None, times, 5, 0)
    assert (folds.of[:30] == -1).all()


@pytest.mark.error_code("problem.groups")
def test_one_group_or_one_time_leaves_nothing_to_test_on() -> None:
    for call in (
        lambda: make_folds(amounts(20), np.zeros(20, dtype=int), None, 5, 0),
        lambda: make_folds(amounts(20), None, np.ones(20), 5, 0),
        lambda: outer_splits(amounts(20), None, np.ones(20), 3, 0),
        lambda: outer_splits(amounts(20), np.zeros(20, dtype=int), None, 3, 0),
    ):
        with pytest.raises(ProblemError) as caught:
            call()
        assert caught.value.code == "problem.groups"


def test_outer_tests_are_disjoint_fifths() -> None:
    splits = outer_splits(classes([100, 55]), None, None, 3, 0)
    assert len(splits) == 3
    tests = np.concatenate([s.valid for s in splits])
    assert len(np.unique(tests)) == len(tests) == 93
    for split in splits:
        assert np.array_equal(np.sort(np.r_[split.train, split.valid]), np.arange(155))


def test_the_outer_test_of_a_time_series_is_its_last_fifth() -> None:
    times = np.random.default_rng(0).permutation(100).astype(float)
    (split,) = outer_splits(amounts(100), None, times, 3, 0)
    assert sorted(times[split.valid]) == list(range(80, 100))
    assert times[split.train].max() < times[split.valid].min()


def test_two_times_are_enough_for_an_outer_test() -> None:
    for share in (5, 50, 95):
        times = (np.arange(100) >= share).astype(float)
        (split,) = outer_splits(amounts(100), None, times, 1, 0)
        assert times[split.train].max() < times[split.valid].min()


def test_fewer_rows_get_more_folds() -> None:
    assert [fold_count(n) for n in (100, 3_000, 200_000, 3_000_000)] == [8, 5, 3, 2]
