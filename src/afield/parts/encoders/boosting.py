"""A small boosted model in numpy, for choosing features: trees whose levels ask one question each.

It is no learner: nothing of it enters a model file. It says what the columns explain by themselves, in a second or so
for 20,000 rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_DEPTH, _RATE = 4, 0.2
_PENALTY = 5.0  # rows of prior in a leaf
_SMOOTHING = 10.0  # rows of prior in a level's mean, by which levels are put in order

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Boosted:
    """What came of it.

    ``predictions``: float64 [n, T] for all rows; ``importance``: float64 [C], squared error that questions about each
    column took away from the rows that were not learnt from.
    """

    predictions: Floats
    importance: Floats


def boost(
    codes: NDArray[np.int32],
    categories: NDArray[np.bool_],
    answers: Floats,
    weights: Floats,
    train: NDArray[np.bool_],
    size: int,
    draw: np.random.Generator,
    *,
    rounds: int,
    asked_at_once: int,
) -> Boosted:
    """Fit least squares on the rows ``train`` and predict all.

    Parameters
    ----------
    codes : int32 [C, n]
        Bins in 0..size-1, in order; of a category, any codes without order.
    answers : float64 [n, T]
    weights : float64 [n]
    asked_at_once : int
        Columns that one tree may ask, drawn at random.
    """
    ranked = [
        _ranks(c, answers[:, 0], weights, train, size) if k else c for c, k in zip(codes, categories, strict=True)
    ]
    bins = np.stack(ranked).astype(np.int32)
    seen, held, weight = np.flatnonzero(train), np.flatnonzero(~train), weights[train]
    prior = np.average(answers[train], axis=0, weights=weight)
    predictions = np.repeat(prior[None], len(train), axis=0)
    importance = np.zeros(len(bins))
    for _ in range(rounds):
        asked = np.sort(draw.choice(len(bins), min(asked_at_once, len(bins)), replace=False))
        residual = weights[:, None] * (answers - predictions)
        leaf = np.zeros(len(train), np.int32)
        some, here = bins[np.ix_(asked, seen)], residual[seen]
        before = _taken(_means(here, weight, leaf[seen], 1), residual[held], weights[held], leaf[held])
        for level in range(_DEPTH):
            column, threshold = _best(some, leaf[seen], 1 << level, here, weight, size)
            leaf = 2 * leaf + (bins[asked[column]] > threshold)
            means = _means(here, weight, leaf[seen], 2 << level)
            after = _taken(means, residual[held], weights[held], leaf[held])
            importance[asked[column]] += after - before
            before = after
        predictions += _RATE * means[leaf]
    return Boosted(predictions, importance)


def _means(residual: Floats, weight: Floats, leaf: NDArray[np.int32], leaves: int) -> Floats:
    """Return float64 [leaves, T]."""
    total = np.bincount(leaf, weight, leaves)[:, None] + _PENALTY
    return np.stack([np.bincount(leaf, r, leaves) for r in residual.T], axis=1) / total


def _taken(means: Floats, residual: Floats, weight: Floats, leaf: NDArray[np.int32]) -> float:
    """Return the squared error that the leaves' means, at the rate of a round, take from these rows."""
    leaves = len(means)
    sums = np.stack([np.bincount(leaf, r, leaves) for r in residual.T], axis=1)
    step = _RATE * means
    return float((2 * step * sums - step**2 * np.bincount(leaf, weight, leaves)[:, None]).sum())


def _best(
    bins: NDArray[np.int32], leaf: NDArray[np.int32], leaves: int, residual: Floats, weight: Floats, size: int
) -> tuple[int, int]:
    """Return the column and the last bin of its left side, of the best question for all leaves."""
    count = len(bins)
    flat = (bins + size * (leaf + leaves * np.arange(count, dtype=np.int32)[:, None])).ravel()
    shape = (count, leaves, size)

    def summed(values: Floats) -> Floats:
        found = np.bincount(flat, np.tile(values, count), count * leaves * size)
        return np.cumsum(found.reshape(shape), axis=2)

    left_w = summed(weight)
    score = np.zeros((count, size))
    for values in residual.T:
        left = summed(values)
        right = left[:, :, -1:] - left
        right_w = left_w[:, :, -1:] - left_w
        score += (left**2 / (left_w + _PENALTY) + right**2 / (right_w + _PENALTY)).sum(axis=1)
    best = int(np.argmax(score[:, :-1]))
    return best // (size - 1), best % (size - 1)


def _ranks(
    codes: NDArray[np.int32], answer: Floats, weights: Floats, train: NDArray[np.bool_], size: int
) -> NDArray[np.int32]:
    """Return levels as bins of about equally many rows, ordered by their mean answer in training."""
    codes = np.unique(codes, return_inverse=True)[1].astype(np.int32)
    levels = int(codes.max()) + 1
    weight = np.bincount(codes[train], weights[train], levels)
    prior = float(np.average(answer[train], weights=weights[train]))
    sums = np.bincount(codes[train], weights[train] * answer[train], levels)
    order = np.argsort((sums + _SMOOTHING * prior) / (weight + _SMOOTHING), kind="stable")
    if levels <= size:
        rank = np.empty(levels, np.int32)
        rank[order] = np.arange(levels)
        return rank[codes]
    reached = np.cumsum(weight[order]) - weight[order] / 2
    rank = np.empty(levels, np.int32)
    rank[order] = np.minimum(reached / max(weight.sum(), 1e-300) * size, size - 1)
    return rank[codes]
