"""What holds for every table: all rows are dealt, groups stay whole, time runs forward, no seed changes that."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from afield.core.errors import ProblemError
from afield.data.answer import Answer
from afield.data.splits import make_folds, outer_splits


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    rows = draw(st.integers(5, 120))
    seed = draw(st.integers(0, 10_000))
    random = np.random.default_rng(seed)
    count = draw(st.integers(0, 4))
    if count < 2:
        return Answer(task="regression", values=random.integers(0, draw(st.integers(1, 50)), rows).astype(float))
    return Answer(task="multiclass", values=random.integers(0, count, rows), classes=count)


def dealt(rows: int, draw: st.DataObject, most: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(draw.draw(st.integers(0, 1000))).integers(0, most, rows)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(answers(), st.integers(2, 9), st.integers(0, 2**31))
def test_every_row_is_judged_once(answer: Answer, count: int, seed: int) -> None:
    folds = make_folds(answer, None, None, count, seed)
    rows = np.arange(len(answer.values))
    assert np.array_equal(np.sort(np.concatenate([folds[k].valid for k in range(folds.count)])), rows)
    for k in range(folds.count):
        assert len(folds[k].valid)
        assert len(folds[k].train)
        assert np.array_equal(np.sort(np.r_[folds[k].train, folds[k].valid]), rows)
    sizes = np.bincount(folds.of)
    assert np.ptp(sizes) <= 1


@settings(max_examples=60, deadline=None, derandomize=True)
@given(answers(), st.integers(2, 30), st.integers(0, 2**31), st.data())
def test_groups_stay_whole(answer: Answer, most: int, seed: int, data: st.DataObject) -> None:
    groups = dealt(len(answer.values), data, most)
    if len(np.unique(groups)) < 2:
        return
    folds = make_folds(answer, groups, None, 5, seed)
    for k in range(folds.count):
        assert len(folds[k].valid)
        assert not set(groups[folds[k].train]) & set(groups[folds[k].valid])
    seen: set[int] = set()
    for split in outer_splits(answer, groups, None, 3, seed):
        assert len(split.train)
        assert not set(groups[split.train]) & set(groups[split.valid])
        assert not seen & set(split.valid.tolist())
        seen |= set(split.valid.tolist())


@settings(max_examples=60, deadline=None, derandomize=True)
@given(answers(), st.integers(1, 60), st.integers(0, 2**31), st.data())
def test_time_runs_forward(answer: Answer, most: int, seed: int, data: st.DataObject) -> None:
    times = dealt(len(answer.values), data, most).astype(float)
    try:
        folds = make_folds(answer, None, times, 5, seed)
    except ProblemError:
        assert len(np.unique(times)) == 1
        return
    for k in range(folds.count):
        assert len(folds[k].train)
        assert len(folds[k].valid)
        assert times[folds[k].train].max() < times[folds[k].valid].min()
    for split in outer_splits(answer, None, times, 3, seed):
        assert len(split.train)
        assert len(split.valid)
        assert times[split.train].max() < times[split.valid].min()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(answers(), st.integers(0, 2**31))
def test_inner_folds_of_an_outer_split_never_hold_its_test_rows(answer: Answer, seed: int) -> None:
    for split in outer_splits(answer, None, None, 3, seed):
        inner = make_folds(answer.take(split.train), None, None, 3, seed)
        for k in range(inner.count):
            used = np.r_[split.train[inner[k].train], split.train[inner[k].valid]]
            assert not set(used.tolist()) & set(split.valid.tolist())
