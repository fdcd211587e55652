"""Which trials make the model, and with which weights: greedy selection on out-of-fold answers.

Source: Caruana et al., Ensemble Selection from Libraries of Models (ICML 2004): sorted start, with replacement.
Bytes have a price through the limit alone; time will have one through the operator cost table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.data.metrics import METRICS, Metric
from afield.problem.problem import Task


@dataclass(frozen=True)
class Candidate:
    """A finished trial: its out-of-fold answers float64 [n, K] or [n, 1] on the judged rows, and its stored bytes."""

    id: str
    answers: NDArray[np.float64]
    bytes: int


@dataclass(frozen=True)
class Limits:
    """What the ensemble may cost."""

    members: int = 6
    steps: int = 40
    bytes: int = 8_000_000
    patience: int = 6
    keep: int = 16


def as_answers(task: Task, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what metrics take: [n] for regression."""
    return values[:, 0] if task == "regression" else values


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
    objective = METRICS[metric.objective]

    def loss(values: NDArray[np.float64]) -> float:
        return objective.loss(objective(truth, as_answers(task, values), weights))

    alone = {c.id: loss(c.answers) for c in candidates}
    pool = sorted(candidates, key=lambda c: (alone[c.id], c.id))[: limits.keep]
    affordable = [c for c in pool if c.bytes <= limits.bytes] or [min(pool, key=lambda c: (c.bytes, c.id))]
    first = affordable[0]
    counts = {first.id: 1}
    total = first.answers.copy()
    best, best_counts = alone[first.id], dict(counts)
    sizes = {c.id: c.bytes for c in affordable}
    margin = abs(best) * 0.02 / np.sqrt(len(truth))
    waited = 0
    for step in range(1, limits.steps):
        options = []
        for candidate in affordable:
            grown = counts.keys() | {candidate.id}
            if len(grown) <= limits.members and sum(sizes[i] for i in grown) <= limits.bytes:
                options.append((loss((total + candidate.answers) / (step + 1)), candidate.id, candidate))
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
