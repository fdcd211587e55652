"""Which trials make the model, and with which weights: greedy selection on out-of-fold answers.

Source: Caruana et al., Ensemble Selection from Libraries of Models (ICML 2004): sorted start, with replacement.
Bytes and microseconds have limits, both priced by a table, so that no clock enters a choice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.data.metrics import Metric
from afield.problem.problem import Task


@dataclass(frozen=True)
class Price:
    """What something takes in the file, and microseconds for one row in one thread by the table of operator costs."""

    bytes: int = 0
    latency_us: float = 0.0

    def __add__(self, other: Price) -> Price:
        return Price(self.bytes + other.bytes, self.latency_us + other.latency_us)

    def __sub__(self, other: Price) -> Price:
        return Price(self.bytes - other.bytes, self.latency_us - other.latency_us)


@dataclass(frozen=True)
class Candidate:
    """A finished trial: its out-of-fold answers float64 [n, K] or [n, 1] on the judged rows, and what it costs.

    ``bytes`` and ``latency_us`` are those of the models of all folds; ``single`` is the price of one model, fitted on
    all rows. ``encoders``: use id to price; members share them.
    """

    id: str
    answers: NDArray[np.float64]
    bytes: int
    latency_us: float
    single: Price = Price()
    encoders: Mapping[str, Price] = field(default_factory=dict)

    def price(self, *, single: bool) -> Price:
        """Return the price without encoders."""
        return self.single if single else Price(self.bytes, self.latency_us)


def price_of(members: Iterable[Candidate], singles: Collection[str] = ()) -> Price:
    """Return the price of an ensemble; members in ``singles`` are fitted once, each encoder counts once."""
    total, encoders = Price(), dict[str, Price]()
    for member in members:
        total += member.price(single=member.id in singles)
        encoders |= member.encoders
    return sum(encoders.values(), total)


@dataclass(frozen=True)
class Limits:
    """What the ensemble may cost: a file under 10 MB and 0.2 ms a row on a common table.

    The encoders that every ensemble needs come on top.

    Parameters
    ----------
    members, steps, patience, keep : int
        Most members; most greedy steps, and most in a row without a gain; how many of the best trials take part.
    bytes : int
    latency_us : float
        For one or two classes; each further pair of classes may take as much again.
    larger, slower, gain : float
        An ensemble may be so many times larger and slower where its loss is lower by the share ``gain``; twice as large
        and slow already for less.
    price_per_mb, price_per_100us : float
        A megabyte, and 100 microseconds, must lower the loss by these shares to be worth it.
    """

    members: int = 6
    steps: int = 40
    patience: int = 6
    keep: int = 16
    bytes: int = 4_000_000
    latency_us: float = 200.0
    larger: float = 2.3
    slower: float = 10.0
    gain: float = 0.02
    price_per_mb: float = 0.0003
    price_per_100us: float = 0.001


def as_answers(task: Task, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what metrics take: [n] for regression."""
    return values[:, 0] if task == "regression" else values


def fits(members: Sequence[Candidate], limits: Limits, singles: Collection[str] = ()) -> bool:
    """Return whether an ensemble of these members keeps the limits."""
    price = price_of(members, singles)
    return len(members) <= limits.members and price.bytes <= limits.bytes and price.latency_us <= limits.latency_us


@dataclass(frozen=True)
class Choice:
    """An ensemble: trial to weight (sum 1, best first), the members fitted once on all rows, its price, its loss.

    The price is a forecast: learners and encoders alone, by their parts.
    """

    weights: Mapping[str, float]
    singles: tuple[str, ...]
    price: Price
    loss: float


class Selector:
    """Chooses among the candidates of one search, again and again under different limits."""

    def __init__(
        self,
        task: Task,
        truth: NDArray[Any],
        candidates: Sequence[Candidate],
        metric: Metric,
        weights: NDArray[np.float64] | None,
    ) -> None:
        objective = metric.guide

        def loss(values: NDArray[np.float64]) -> float:
            return objective.loss(objective(truth, as_answers(task, values), weights))

        self._loss = loss
        self.known = {c.id: c for c in candidates}
        self._alone = {c.id: loss(c.answers) for c in candidates}
        self._ranked = sorted(candidates, key=lambda c: (self._alone[c.id], c.id))

    def best(self, limits: Limits) -> Choice:
        """Return the best ensemble that is worth its bytes and its time."""
        pool = self._ranked[: limits.keep]
        chosen, best = _greedy(pool, self._alone, self._loss, limits)
        for larger, slower, gain in ((*TWICE, LITTLE), (limits.larger, limits.slower, limits.gain)):
            wide = replace(
                limits,
                bytes=int(limits.bytes * min(larger, limits.larger)),
                latency_us=limits.latency_us * min(slower, limits.slower),
            )
            counts, loss = _greedy(pool, self._alone, self._loss, wide)
            if loss < best - gain * abs(best):
                chosen, best = counts, loss
        return self._choice(chosen)

    def within(self, limit: Price, limits: Limits) -> Choice:
        """Return the best ensemble whose learners and encoders keep the limit; if none does, the smallest there is.

        Out-of-fold answers cannot tell a member that is the mean of its folds from one fitted once on all rows; the
        mean is the better one, so it is taken where there is room.
        """
        tight = replace(limits, bytes=limit.bytes, latency_us=limit.latency_us)
        found: list[tuple[float, dict[str, int], bool]] = []
        for single in (False, True):
            named = self.known if single else ()
            pool = [c for c in self._ranked if fits([c], tight, named)][: limits.keep]
            if pool:
                counts, loss = _greedy(pool, self._alone, self._loss, tight, single=single)
                found.append((loss, counts, single))
        if not found:
            return self._choice({self.smallest(limit).id: 1}, every_single=True)
        loss, counts, single = min(found, key=lambda f: f[0])
        if single and len(found) == 2 and found[0][0] <= loss + MEAN_IS_WORTH * abs(loss):
            return self._choice(found[0][1])
        return self._widened(counts, tight) if single else self._choice(counts)

    def smallest(self, limit: Price) -> Candidate:
        """Return the candidate that exceeds the limit least."""

        def excess(c: Candidate) -> float:
            price = price_of([c], self.known)
            return max(price.bytes / max(limit.bytes, 1), price.latency_us / max(limit.latency_us, 1e-3))

        return min(self._ranked, key=lambda c: (excess(c), c.id))

    def alone(self, trial: str, *, single: bool) -> Choice:
        """Return one trial as an ensemble of its own."""
        return self._choice({trial: 1}, every_single=single)

    def given(self, weights: Mapping[str, float], singles: Collection[str]) -> Choice:
        """Return the ensemble of these weights."""
        blend = sum(self.known[i].answers * w for i, w in weights.items())
        price = price_of([self.known[i] for i in weights], singles)
        return Choice(weights, tuple(sorted(singles)), price, self._loss(np.asarray(blend)))

    def _widened(self, counts: Mapping[str, int], limits: Limits) -> Choice:
        """Give members the models of all their folds, the weightiest first, as long as the limits are kept."""
        members, singles = [self.known[i] for i in counts], set(counts)
        for name in sorted(counts, key=lambda i: (-counts[i], i)):
            if fits(members, limits, singles - {name}):
                singles.discard(name)
        return self._choice(counts, singles)

    def _choice(
        self, counts: Mapping[str, int], singles: Collection[str] = (), *, every_single: bool = False
    ) -> Choice:
        steps = sum(counts.values())
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return self.given({member: n / steps for member, n in ordered}, set(counts) if every_single else singles)


#: twice the bytes and the time are worth a little; more than that must lower the loss by ``Limits.gain``
TWICE, LITTLE = (2.0, 2.0), 0.003
#: the mean of all folds' models is taken where its loss is at most this share higher than that of single models
MEAN_IS_WORTH = 0.01


def select(
    task: Task,
    truth: NDArray[Any],
    candidates: Sequence[Candidate],
    metric: Metric,
    weights: NDArray[np.float64] | None,
    limits: Limits | None = None,
) -> Mapping[str, float]:
    """Return member id to weight (sum 1), best first by weight."""
    limits = usual_limits(candidates, limits or Limits())
    return Selector(task, truth, candidates, metric, weights).best(limits).weights


def usual_limits(candidates: Sequence[Candidate], limits: Limits) -> Limits:
    """Return the limits with room for several classes, and for the encoders that no ensemble can do without."""
    shared = [sum(c.encoders.values(), Price()) for c in candidates]
    pairs = max(1.0, candidates[0].answers.shape[1] / 2)
    return replace(
        limits,
        bytes=limits.bytes + min(p.bytes for p in shared),
        latency_us=limits.latency_us * pairs + min(p.latency_us for p in shared),
        price_per_100us=limits.price_per_100us / pairs,
    )


def _greedy(
    pool: Sequence[Candidate],
    alone: Mapping[str, float],
    loss: Callable[[NDArray[np.float64]], float],
    limits: Limits,
    *,
    single: bool = False,
) -> tuple[dict[str, int], float]:
    """Return how often each member was drawn, and the loss of the blend with its price."""
    every = [c.id for c in pool] if single else []
    affordable = [c for c in pool if fits([c], limits, every)]
    affordable = affordable or [min(pool, key=lambda c: (c.latency_us, c.bytes, c.id))]
    known = {c.id: c for c in affordable}
    unit = abs(min(alone[c.id] for c in pool))

    def price(members: Collection[str]) -> float:
        taken = price_of([known[i] for i in members], every)
        return unit * (limits.price_per_mb * taken.bytes / 1e6 + limits.price_per_100us * taken.latency_us / 100.0)

    first = min(affordable, key=lambda c: (alone[c.id] + price([c.id]), c.id))
    counts, total = {first.id: 1}, first.answers.copy()
    best, best_counts, waited = alone[first.id] + price([first.id]), dict(counts), 0
    for step in range(1, limits.steps):
        options = []
        for candidate in affordable:
            grown = counts.keys() | {candidate.id}
            if grown == counts.keys() or fits([known[i] for i in grown], limits, every):
                value = loss((total + candidate.answers) / (step + 1)) + price(grown)
                options.append((value, candidate.id))
        value, chosen = min(options)
        counts[chosen] = counts.get(chosen, 0) + 1
        total += known[chosen].answers
        if value < best:
            best, best_counts, waited = value, dict(counts), 0
        else:
            waited += 1
        if waited >= limits.patience:
            break
    return best_counts, best
