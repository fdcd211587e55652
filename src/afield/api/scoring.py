"""The honest score of a finished search: from outer splits, from the user's test file, or flagged as neither."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.core.randomness import derive_seed
from afield.data.metrics import Metric, evaluate, interval
from afield.model.card import Baseline, Score
from afield.problem.schema import TargetSpec


@dataclass(frozen=True)
class Judged:
    """Rows with their true and given answers, and the answers of simple rules by name.

    ``rows``: positions in the study's table, or -1 for rows of a test file. ``answers``, ``baselines``: float64 [n] or
    [n, K]. ``labels``, ``baseline_labels``: class index int64 [n] by a decision rule; where there are none, the most
    probable class.
    """

    how: str
    rows: NDArray[np.int64]
    truth: NDArray[Any]
    answers: NDArray[np.float64]
    baselines: Mapping[str, NDArray[np.float64]]
    weights: NDArray[np.float64] | None = None
    groups: NDArray[np.int64] | None = None
    splits: int = 0
    labels: NDArray[np.int64] | None = None
    baseline_labels: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)

    @property
    def decided(self) -> NDArray[np.float64]:
        """What metrics of labels take: 1 for each row's label, float64 [n, K]; the answers for a regression."""
        return self.answers if self.labels is None else hot(self.labels, self.answers.shape[1])

    def by_costs(self, costs: NDArray[np.float64]) -> Judged:
        """Return the same with labels of least expected cost (float64 [K, K]) for rules without labels of their own."""
        cheapest = {n: (a @ -costs).argmax(axis=1) for n, a in self.baselines.items()}
        return replace(self, baseline_labels={**cheapest, **self.baseline_labels})


def hot(labels: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
    """Return float64 [n, K], 1 at each row's label."""
    return np.eye(classes)[labels]


_HOW = {
    "outer_splits": "estimated on {rows:,} rows that no choice saw ({splits} outer split{s}); the file itself learned "
    "from all rows",
    "test_file": "measured on the {rows:,} rows of the test file",
    "out_of_fold": "out-of-fold on {rows:,} rows that the choices saw: it flatters, since the search was stopped or "
    "had no time for outer splits",
}


def score_of(judged: Judged, metric: Metric, target: TargetSpec, seed: int) -> Score:
    """Return the score with a 95 % interval and all other metrics of the task."""
    answers = judged.decided if metric.of_labels else judged.answers
    value = metric(judged.truth, answers, judged.weights)
    low, high = interval(
        metric, judged.truth, answers, judged.weights, judged.groups, seed=derive_seed(seed, "interval")
    )
    others = evaluate(target.task, judged.truth, judged.answers, judged.weights, judged.decided)
    others.pop(metric.name, None)
    plural = "" if judged.splits == 1 else "s"
    text = _HOW[judged.how].format(rows=len(judged.truth), splits=judged.splits, s=plural)
    return Score(
        metric=metric.name,
        value=finite(value),
        low=finite(low),
        high=finite(high),
        rows=len(judged.truth),
        how=judged.how,  # type: ignore[arg-type]  # one of _HOW
        splits=judged.splits,
        text=text,
        others={k: finite(v) for k, v in others.items()},
    )


def baselines_of(judged: Judged, metric: Metric) -> tuple[Baseline, ...]:
    """Return what simple rules reach on the same rows."""
    found = []
    for name, answers in judged.baselines.items():
        if metric.of_labels and name in judged.baseline_labels:
            answers = hot(judged.baseline_labels[name], answers.shape[1])  # noqa: PLW2901
        found.append(Baseline(name=name, value=finite(metric(judged.truth, answers, judged.weights))))
    return tuple(found)


def finite(value: float) -> float | None:
    """Return the value, or None where it is not a finite number (JSON has none)."""
    return float(value) if math.isfinite(value) else None
