"""Is more search worth its while: what the last waves added to a blend of the trials so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.data.metrics import Metric
from afield.problem.problem import Task
from afield.search.combine import as_answers
from afield.search.trial import Trial

#: the blend is looked at on so many rows, with so many trials, in so many steps
ROWS, KEEP, STEPS = 5_000, 10, 12
#: the search ends when so many trials in a row together lowered the loss of the blend by less than this share
TRIALS, GAIN = 24, 0.0005


class Worth:
    """Follows the loss of a quick greedy blend, trial by trial. Depends on answers alone, never on a clock."""

    def __init__(
        self,
        task: Task,
        truth: NDArray[Any],
        weights: NDArray[np.float64] | None,
        metric: Metric,
        answers: Callable[[str], NDArray[np.float64]],
    ) -> None:
        rows = np.unique(np.linspace(0, len(truth) - 1, min(len(truth), ROWS)).astype(np.int64))
        self._rows, self._answers, self._metric = rows, answers, metric.guide
        self._truth, self._weights = truth[rows], None if weights is None else weights[rows]
        self._task = task
        self._kept: dict[str, tuple[float, NDArray[np.float64]]] = {}
        self._history: list[tuple[int, float]] = []

    def add(self, trials: Sequence[Trial]) -> None:
        """Absorb the trials of a wave."""
        for trial in trials:
            if trial.status == "ok":
                answers = np.asarray(self._answers(trial.id)[self._rows])
                self._kept[trial.id] = (self._loss(answers), answers)
        best = sorted(self._kept, key=lambda i: (self._kept[i][0], i))[:KEEP]
        self._kept = {i: self._kept[i] for i in best}
        before = self._history[-1][0] if self._history else 0
        self._history.append((before + len(trials), self._blended() if best else float("inf")))

    @property
    def reached(self) -> bool:
        """True when the last ``TRIALS`` trials were not worth their while."""
        done, loss = self._history[-1] if self._history else (0, 0.0)
        earlier = [value for count, value in self._history if count <= done - TRIALS]
        return bool(earlier) and earlier[-1] - loss < GAIN * abs(earlier[-1])

    def _loss(self, answers: NDArray[np.float64]) -> float:
        return self._metric.loss(self._metric(self._truth, as_answers(self._task, answers), self._weights))

    def _blended(self) -> float:
        first = next(iter(self._kept))
        best, total = self._kept[first][0], self._kept[first][1].copy()
        for step in range(1, STEPS):
            losses = [(self._loss((total + a) / (step + 1)), i) for i, (_, a) in self._kept.items()]
            loss, chosen = min(losses)
            if loss >= best:
                break
            best, total = loss, total + self._kept[chosen][1]
        return best
