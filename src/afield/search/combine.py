"""Which trials make the model, and with which weights: greedy selection on out-of-fold answers.

Source: Caruana et al., Ensemble Selection from Libraries of Models (ICML 2004): sorted start, with replacement.
Bytes and microseconds have limits, both priced by a table, so that no clock enters a choice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.data.metrics import METRICS, Metric
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

    ``latency_us`` is for one or two classes; each further pair of classes may take as much again.
    """

    members: int = 6
    steps: int = 40
    bytes: int = 8_000_000
    latency_us: float = 120.0
    price_per_mb: float = 0.001  # a megabyte must lower the loss by this share to be worth it
    patience: int = 6
    keep: int = 16


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
    """Return member id to weight (sum 1), best first by weight.

    Few rows cannot tell many blends apart, so a step must win by more as rows get fewer.
    """
    limits = limits or Limits()
    limits = replace(limits, latency_us=limits.latency_us * max(1.0, candidates[0].answers.shape[1] / 2))
    objective = METRICS[metric.objective]

    def loss(values: NDArray[np.float64]) -> float:
        return objective.loss(objective(truth, as_answers(task, values), weights))

    alone = {c.id: loss(c.answers) for c in candidates}
    unit = limits.price_per_mb * abs(min(alone.values())) / 1e6

    def price(members: Collection[str]) -> float:
        return unit * sum(known[i].bytes for i in members)

    pool = sorted(candidates, key=lambda c: (alone[c.id], c.id))[: limits.keep]
    affordable = [c for c in pool if fits([c], limits)] or [min(pool, key=lambda c: (c.bytes, c.latency_us, c.id))]
    known = {c.id: c for c in affordable}
    first = min(affordable, key=lambda c: (alone[c.id] + price([c.id]), c.id))
    counts = {first.id: 1}
    total = first.answers.copy()
    best, best_counts = alone[first.id] + price([first.id]), dict(counts)
    margin = abs(best) * 0.02 / np.sqrt(len(truth))
    waited = 0
    for step in range(1, limits.steps):
        options = []
        for candidate in affordable:
            grown = counts.keys() | {candidate.id}
            if grown == counts.keys() or fits([known[i] for i in grown], limits):
                value = loss((total + candidate.answers) / (step + 1)) + price(grown)
                options.append((value, candidate.id, candidate))
        value, _, chosen = min(options, key=lambda o: o[:2])
        counts[chosen.id] = counts.get(chosen.id, 0) + 1
        total += chosen.answers
        waited = 0 if value < best - margin else waited + 1
        if value < best - margin:
            best, best_counts = value, dict(counts)
        if waited >= limits.patience:
            break
    steps = sum(best_counts.values())
    ordered = sorted(best_counts.items(), key=lambda item: (-item[1], item[0]))
    return {member: count / steps for member, count in ordered}
