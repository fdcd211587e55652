"""Finds which features of several columns tell more of the target than the columns themselves do.

Many candidates are weighed by themselves on a sample of rows: by what bins of them tell of the target, and of what a
small boosted model of the columns leaves, beyond what their columns tell. Those on the short list then compete with
the columns in a second boosted model; chosen are those whose questions take most error from rows that were not learnt
from. Only the choice sees targets; nothing learnt here enters a feature.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from afield.data.answer import Answer
from afield.data.table import NumberColumn, Table
from afield.parts.encoders.boosting import boost
from afield.parts.protocol import FitContext

SAMPLE = 20_000  # rows that decide
LEAST = 40  # rows below which nothing is chosen
BINS = 32  # of a number, with bin 0 for missing
_TARGETS = 4  # classes that are looked at, the most frequent ones
_CLIP = 5.0  # standard deviations of a regression target: a few large values shall not choose
_SURE = 3.0  # standard errors by which a candidate has to tell more than its columns: hundreds are tried
_SHORTLIST = 32  # candidates that compete with the columns
_ALIKE = 0.98  # correlation of bins from which two candidates are one
_SHARE = 0.005  # of all error taken away: less is not worth a feature
_ROUNDS, _ASKED = 60, 16

Floats = NDArray[np.float64]
Codes = NDArray[np.int32]
Key = TypeVar("Key")


@dataclass(frozen=True)
class Candidate(Generic[Key]):
    """A feature that may be chosen.

    ``key``: what the caller knows it by; ``codes``: int32 [n] in 0..size-1, the bin of each sampled row;
    ``parents``: positions of the columns that it is made of; ``ordered``: the bins are in order.
    """

    key: Key
    codes: Codes
    size: int
    parents: tuple[int, ...]
    ordered: bool = True


@dataclass(frozen=True)
class Screen:
    """What is to be explained, and what the columns leave of it.

    ``rows``: int64 [n] of the table; ``answers`` and ``left``: float64 [n, T]; ``weights``: float64 [n]; ``part``:
    int32 [n] in 0..3, rows of 0 and 1 were left over by one model and those of 2 and 3 by the other; ``bins``: int32
    [C, n], the columns themselves, cut, ``categories`` (bool [C]) without order; ``importance``: float64 [C].
    """

    rows: NDArray[np.int64]
    answers: Floats
    left: Floats
    weights: Floats
    part: NDArray[np.int32]
    bins: NDArray[np.int32]
    categories: NDArray[np.bool_]
    importance: Floats

    def strongest(self, columns: Sequence[int], most: int) -> list[int]:
        """Return at most ``most`` of these columns, those that tell most, in the order of the table."""
        return sorted(sorted(columns, key=lambda c: (-self.importance[c], c))[:most])

    def with_numbers(self, values: Sequence[Floats]) -> Screen:
        """Return the screen with more columns, at the end: what they tell need not be told again."""
        more = np.stack([cut(v) for v in values])
        return replace(
            self,
            bins=np.concatenate([self.bins, more]),
            categories=np.append(self.categories, np.zeros(len(more), np.bool_)),
            importance=np.append(self.importance, np.zeros(len(more))),
        )


def make_screen(table: Table, names: Sequence[str], target: Answer, context: FitContext) -> Screen | None:
    """Fit the small model on a sample; None where the rows are too few to choose by."""
    draw = np.random.default_rng(context.seed)
    if table.rows < LEAST:
        return None
    rows = np.arange(table.rows)
    if table.rows > SAMPLE:
        rows = np.sort(draw.choice(table.rows, SAMPLE, replace=False))
    owner = np.arange(len(rows)) if context.groups is None else np.unique(context.groups[rows], return_inverse=True)[1]
    part = (draw.permutation(int(owner.max()) + 1) % 4).astype(np.int32)[owner]
    if len(np.unique(part)) < 4:
        return None
    weights = np.ones(len(rows)) if context.weights is None else context.weights[rows]
    weights = weights / max(float(weights.mean()), 1e-300)
    answers = _answers(target.take(rows), weights)
    bins = np.zeros((len(names), len(rows)), np.int32)
    categories = np.zeros(len(names), np.bool_)
    for c, name in enumerate(names):
        column = table[name]
        if isinstance(column, NumberColumn):
            bins[c] = cut(np.asarray(column.values[rows]))
        else:
            bins[c], categories[c] = column.codes[rows], True
    left, importance = _boost_halves(bins, categories, answers, weights, part, draw)
    return Screen(rows, answers, left, weights, part, bins, categories, importance)


def _boost_halves(
    bins: NDArray[np.int32],
    categories: NDArray[np.bool_],
    answers: Floats,
    weights: Floats,
    part: NDArray[np.int32],
    draw: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Return what each half's model leaves of the other half, float64 [n, T], and the importance of each column."""
    left, importance = np.empty_like(answers), np.zeros(len(bins))
    for train in (part < 2, part >= 2):
        fitted = boost(bins, categories, answers, weights, train, BINS, draw, rounds=_ROUNDS, asked_at_once=_ASKED)
        left[~train] = (answers - fitted.predictions)[~train]
        importance += fitted.importance
    return left, importance


def cut(values: Floats) -> Codes:
    """Return the bin of each value, int32 [n] in 0..BINS-1: 0 is missing, the others hold about equally many rows."""
    step = max(1, len(values) // 4_000)
    there = np.sort(values[::step][~np.isnan(values[::step])])
    if not len(there):
        return np.zeros(len(values), np.int32)
    edges = np.unique(there[np.linspace(0, len(there) - 1, BINS).astype(np.int64)[1:-1]])
    codes = np.searchsorted(edges, values, side="right").astype(np.int32) + 1
    return np.where(np.isnan(values), np.int32(0), codes)


def choose(screen: Screen, candidates: Iterable[Candidate[Key]], most: int) -> list[Key]:
    """Return the keys of at most ``most`` candidates, those that take most error away first."""
    short = _shortlist(screen, candidates)
    if not short:
        return []
    columns = len(screen.bins)
    bins = np.concatenate([screen.bins, np.stack([c.codes for c in short])])
    categories = np.append(screen.categories, [not c.ordered for c in short])
    draw = np.random.default_rng(len(short))
    _, importance = _boost_halves(bins, categories, screen.answers, screen.weights, screen.part, draw)
    least = max(_SHARE * float(importance.sum()), 0.0)
    order = sorted(range(len(short)), key=lambda i: (-importance[columns + i], i))
    return [short[i].key for i in order[:most] if importance[columns + i] > least]


def _shortlist(screen: Screen, candidates: Iterable[Candidate[Key]]) -> list[Candidate[Key]]:
    """Return those that by themselves tell most beyond their columns: of the target, or of what is left of it."""
    wanted = (screen.answers - np.average(screen.answers, axis=0, weights=screen.weights), screen.left)
    alone = [[_told(screen, b, int(b.max()) + 1, w)[0] for b in screen.bins] for w in wanted]
    lists: list[list[tuple[float, int, Candidate[Key]]]] = [[], []]
    for place, candidate in enumerate(candidates):
        for values, single, listed in zip(wanted, alone, lists, strict=True):
            told, error = _told(screen, candidate.codes, candidate.size, values)
            more = told - max([0.0, *(single[c] for c in candidate.parents)])
            if more > _SURE * error:
                listed.append((-more / error, place, candidate))
        for listed in lists:
            if len(listed) > 8 * _SHORTLIST:
                listed[:] = sorted(listed, key=lambda entry: entry[:2])[: 4 * _SHORTLIST]
    short: dict[int, Candidate[Key]] = {}
    for listed in lists:
        taken = 0
        for _, place, candidate in sorted(listed, key=lambda entry: entry[:2]):
            if taken == _SHORTLIST // 2:
                break
            if place in short or not any(_alike(candidate, other) for other in short.values()):
                taken += place not in short
                short[place] = candidate
    return list(short.values())


def _alike(one: Candidate[Key], other: Candidate[Key]) -> bool:
    if not (one.ordered and other.ordered):
        return False
    a, b = one.codes - one.codes.mean(), other.codes - other.codes.mean()
    return bool(abs(a @ b) >= _ALIKE * np.sqrt((a @ a) * (b @ b)))


def _told(screen: Screen, codes: Codes, size: int, values: Floats) -> tuple[float, float]:
    """Return the squared error that bins explain, without what chance explains, and the standard error by chance.

    The product of sums over two sets of rows has no expectation where there is nothing to find.
    """
    flat = codes + np.int32(size) * screen.part
    weight = np.bincount(flat, screen.weights, 4 * size).reshape(4, size)
    told = noise = 0.0
    for column in values.T:
        sums = np.bincount(flat, screen.weights * column, 4 * size).reshape(4, size)
        variance = float(np.average(column**2, weights=screen.weights))
        for a, b in ((0, 1), (2, 3)):
            both = weight[a] + weight[b]
            there = both > 0
            told += float(2 * (sums[a] * sums[b])[there] @ (1 / both[there]))
            noise += float(4 * (weight[a] * weight[b])[there] @ (1 / both[there] ** 2)) * variance**2
    return told, float(np.sqrt(noise)) or 1.0


def _answers(target: Answer, weights: Floats) -> Floats:
    """Return float64 [n, T]: the standardised target, or a mark for each of the most frequent classes."""
    if target.task == "regression":
        values = target.values.astype(np.float64)
        centre = float(np.average(values, weights=weights))
        spread = float(np.sqrt(np.average((values - centre) ** 2, weights=weights)))
        return np.clip((values - centre) / (spread or 1.0), -_CLIP, _CLIP)[:, None]
    if target.task == "binary":
        return target.values.astype(np.float64)[:, None]
    counts = np.bincount(target.values, minlength=target.classes)
    classes = np.argsort(-counts, kind="stable")[:_TARGETS]
    return (target.values[:, None] == classes).astype(np.float64)
