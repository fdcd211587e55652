"""Which trials make the model, and with which weights: greedy selection on out-of-fold answers.

Source: Caruana et al., Ensemble Selection from Libraries of Models (ICML 2004): sorted start, with replacement.
Bytes and microseconds have limits, both priced by a table, so that no clock enters a choice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.data.metrics import Metric
from afield.problem.problem import Task


@dataclass(frozen=True)
class Candidate:
    """A finished trial: its out-of-fold answers float64 [n, K] or [n, 1] on the judged rows, and what it costs."""

    id: str
    answers: NDArray[np.float64]
    bytes: int
    latency_us: float


@dataclass(frozen=True)
class Limits:
    """What the ensemble may cost: a file under 10 MB and 0.2 ms a row, encoders included, on a common table.

    Parameters
    ----------
    members, steps, patience, keep : int
        Most members; most greedy steps, and most in a row without a gain; how many of the best trials take part.
    bytes : int
    latency_us : float
        For one or two classes; each further pair of classes may take as much again.
    larger, slower, gain : float
        An ensemble may be so many times larger and slower where its loss is lower by the share ``gain``.
    price_per_mb : float
        A megabyte must lower the loss by this share to be worth it.
    """

    members: int = 6
    steps: int = 40
    patience: int = 6
    keep: int = 16
    bytes: int = 4_000_000
    latency_us: float = 200.0
    larger: float = 2.3
    slower: float = 10.0
    gain: float = 0.03
    price_per_mb: float = 0.0003


def as_answers(task: Task, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what metrics take: [n] for regression."""
    return values[:, 0] if task == "regression" else values


def fits(members: Sequence[Candidate], limits: Limits) -> bool:
    """Return whether an ensemble of these members keeps the limits."""
    few = len(members) <= limits.members
    light = sum(c.bytes for c in members) <= limits.bytes
    return few and light and sum(c.latency_us for c in members) <= limits.latency_us


def select(
    task: Task,
    truth: NDArray[Any],
    candidates: Sequence[Candidate],
    metric: Metric,
    weights: NDArray[np.float64] | None,
    limits: Limits | None = None,
) -> Mapping[str, float]:
    """Return member id to weight (sum 1), best first by weight."""
    limits = limits or Limits()
    limits = replace(limits, latency_us=limits.latency_us * max(1.0, candidates[0].answers.shape[1] / 2))
    objective = metric.guide

    def loss(values: NDArray[np.float64]) -> float:
        return objective.loss(objective(truth, as_answers(task, values), weights))

    alone = {c.id: loss(c.answers) for c in candidates}
    pool = sorted(candidates, key=lambda c: (alone[c.id], c.id))[: limits.keep]
    fast, best = _greedy(pool, alone, loss, limits)
    wide = replace(limits, bytes=int(limits.bytes * limits.larger), latency_us=limits.latency_us * limits.slower)
    slow, better = _greedy(pool, alone, loss, wide)
    counts = slow if better < best - limits.gain * abs(best) else fast
    steps = sum(counts.values())
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return {member: count / steps for member, count in ordered}


def _greedy(
    pool: Sequence[Candidate],
    alone: Mapping[str, float],
    loss: Callable[[NDArray[np.float64]], float],
    limits: Limits,
) -> tuple[dict[str, int], float]:
    """Return how often each member was drawn, and the loss of the blend with its price."""
    affordable = [c for c in pool if fits([c], limits)] or [min(pool, key=lambda c: (c.latency_us, c.bytes, c.id))]
    known = {c.id: c for c in affordable}
    unit = limits.price_per_mb * abs(min(alone.values())) / 1e6

    def price(members: Collection[str]) -> float:
        return unit * sum(known[i].bytes for i in members)

    first = min(affordable, key=lambda c: (alone[c.id] + price([c.id]), c.id))
    counts, total = {first.id: 1}, first.answers.copy()
    best, best_counts, waited = alone[first.id] + price([first.id]), dict(counts), 0
    for step in range(1, limits.steps):
        options = []
        for candidate in affordable:
            grown = counts.keys() | {candidate.id}
            if grown == counts.keys() or fits([known[i] for i in grown], limits):
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
