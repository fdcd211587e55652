"""Who trains and who tests: folds inside a search, and outer splits that no choice sees.

Groups stay whole on one side. With times, tests lie after their training rows. Everything is seeded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afield.core.errors import ProblemError
from afield.data.answer import Answer

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Fold:
    """One fit: the rows it learns from and the rows it is judged on (positions in the split, ascending)."""

    train: Rows
    valid: Rows


@dataclass(frozen=True)
class Folds:
    """A plan of fits.

    ``of``: int64 [N], the fold whose validation holds the row, -1 for none. ``forward``: the folds are windows of
    time, each trained on what lies before; then a member of the final model is fitted once more on all rows.
    """

    of: NDArray[np.int64]
    count: int
    forward: bool = False

    def __getitem__(self, fold: int) -> Fold:
        valid = np.flatnonzero(self.of == fold)
        train = np.flatnonzero(self.of < fold) if self.forward else np.flatnonzero(self.of != fold)
        return Fold(train, valid)


#: so many rows are alike in every fold without strata
MANY_ROWS = 100_000


def fold_count(rows: int) -> int:
    """Return how many folds a table of this many rows gets."""
    for limit, count in ((3_000, 8), (40_000, 5), (300_000, 3)):
        if rows < limit:
            return count
    return 2


def make_folds(answer: Answer, groups: Rows | None, times: NDArray[np.float64] | None, count: int, seed: int) -> Folds:
    """Return a plan of ``count`` folds (fewer where groups or rows are few)."""
    rows = len(answer.values)
    if times is not None:
        edges = _time_edges(times, count + 1)
        of = np.searchsorted(edges, times, side="right").astype(np.int64) - 1  # the first block only ever trains
        return Folds(of, int(of.max()) + 1, forward=True)
    if groups is not None:
        sizes = len(np.unique(groups))
        if sizes < 2:
            raise ProblemError(
                "problem.groups", "All rows belong to one group.", where="--group", expected="at least two groups"
            )
        count = min(count, sizes)
        return Folds(_group_folds(answer, groups, count, seed), count)
    count = max(2, min(count, rows))
    return Folds(_stratified(answer, count, np.random.default_rng(seed)), count)


def _time_edges(times: NDArray[np.float64], blocks: int) -> NDArray[np.float64]:
    edges = np.unique(np.quantile(times, np.linspace(0, 1, blocks + 1)[1:-1], method="lower"))
    edges = edges[edges > times.min()]
    if not len(edges):  # most rows share the earliest time: the next one begins the only window
        edges = np.unique(times)[1:2]
    if not len(edges):
        raise ProblemError(
            "problem.groups",
            "All rows have the same time.",
            where="--time",
            expected="at least two different times",
        )
    return edges


def _stratified(answer: Answer, count: int, draw: np.random.Generator) -> NDArray[np.int64]:
    """Deal rows to folds class by class; regression rows in strata of near values, where rows are not many anyway."""
    rows = len(answer.values)
    shuffled = draw.permutation(rows)
    if rows > MANY_ROWS and answer.task == "regression":
        return _assign(shuffled, np.arange(rows, dtype=np.int64) % count)
    values = answer.values[shuffled]
    if answer.task == "regression":  # blocks of `count` neighbours in value, one to each fold
        order = shuffled[np.argsort(values, kind="stable")]
        dealt = np.arange(-(-rows // count) * count).reshape(-1, count) % count
        return _assign(order, draw.permuted(dealt, axis=1).ravel()[:rows])
    order = shuffled[np.argsort(values, kind="stable")]
    return _assign(order, (np.arange(rows) + draw.integers(count)) % count)


def _assign(order: Rows, folds: NDArray[np.int64]) -> NDArray[np.int64]:
    of = np.empty(len(order), dtype=np.int64)
    of[order] = folds
    return of


def _group_folds(answer: Answer, groups: Rows, count: int, seed: int) -> NDArray[np.int64]:
    """Deal whole groups, largest first, to the fold that is emptiest and shortest of the group's classes."""
    number, of_row = np.unique(groups, return_inverse=True)
    classes = max(answer.classes, 1)
    label = answer.values if answer.classes else np.zeros(len(groups), dtype=np.int64)
    table = np.bincount(of_row * classes + label, minlength=len(number) * classes).reshape(-1, classes).astype(float)
    shuffled = np.random.default_rng(seed).permutation(len(number))
    order = shuffled[np.argsort(-table[shuffled].sum(axis=1), kind="stable")]
    share = np.maximum(table.sum(axis=0), 1.0)
    held = np.zeros((count, classes))
    fold = np.empty(len(number), dtype=np.int64)
    for group in order:
        need = ((held + table[group]) / share) ** 2 - (held / share) ** 2  # squared shares: the even deal is least
        fold[group] = int(np.argmin(need.sum(axis=1) + 1e-9 * held.sum(axis=1) / len(groups)))
        held[fold[group]] += table[group]
    return fold[of_row]


def outer_splits(
    answer: Answer, groups: Rows | None, times: NDArray[np.float64] | None, splits: int, seed: int
) -> list[Fold]:
    """Return ``splits`` disjoint tests of a fifth of the rows each; with times, the last fifth alone."""
    if times is not None:
        cut = np.quantile(times, 0.8, method="lower")
        after = times > cut if (times > cut).any() else times >= cut
        if after.all():
            raise ProblemError("problem.groups", "All rows have the same time.", where="--time")
        return [Fold(np.flatnonzero(~after), np.flatnonzero(after))]
    folds = make_folds(answer, groups, None, 5, seed)
    return [folds[k] for k in range(min(splits, folds.count))]
