"""Ends a trial after its first fold where that fold says that the others are not worth their time.

The rule looks at answers alone, never at a clock: what was absorbed before the trial was proposed, and the trial's
answers to the first fold. So it is the same on every machine, with any number of workers and after a restart.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from afield.data.metrics import Metric
from afield.search.artifacts import open_array
from afield.search.combine import as_answers
from afield.search.recipe import Recipe
from afield.search.store import Split
from afield.search.tasks import answers_path
from afield.search.trial import Trial

#: the fold's rows are compared in so many blocks at most, of so many rows at least; fewer blocks prove nothing
BLOCKS, BLOCK_ROWS, LEAST_BLOCKS = 30, 8, 6
#: hopeless: behind by more than this share of the best loss, and by so many standard errors of the paired difference.
#: `benchmarks/discard.py` holds both to recorded searches: no member of their ensembles would have been lost
BEHIND, ERRORS = 0.1, 4.0


class Hurdle:
    """The first fold of a split, and how trials did there."""

    def __init__(self, split: Split, metric: Metric) -> None:
        self._split, self._metric = split, metric.guide
        answer = split.answer
        self._task, rows = answer.task, split.folds[0].valid
        self._truth = answer.values[rows]
        weights = split.part("weights")
        self._weights = None if weights is None else weights[rows]
        places = np.arange(len(rows))
        count = _block_count(len(rows))
        self._blocks = np.array_split(places, count) if count else []
        self._losses: dict[str, NDArray[np.float64]] = {}

    def reason(self, trial: str, recipe: Recipe, earlier: Sequence[Trial]) -> str:
        """Return why a trial whose first fold is done is not worth the others; empty: it is.

        ``earlier`` are the trials that were absorbed when this one was proposed. The first of a learner always runs on:
        it errs unlike the others. So do all where folds are windows of time, of which the first learns least.
        """
        done = [t for t in earlier if t.status == "ok"]
        if not self._blocks or self._split.folds.forward:
            return ""
        if recipe.learner.part not in {t.recipe.learner.part for t in done}:
            return ""
        best = min((self.losses(t.id) for t in done), key=lambda losses: float(losses.mean()))
        behind = self.losses(trial) - best
        mean, least = float(behind.mean()), BEHIND * abs(float(best.mean()))
        error = float(behind.std(ddof=1)) / len(behind) ** 0.5
        if not (mean > least and mean > ERRORS * error):
            return ""
        name = self._metric.name.replace("_", " ")
        return f"first fold: {name} {best.mean() + mean:.4g}, the best so far {best.mean():.4g}"

    def losses(self, trial: str) -> NDArray[np.float64]:
        """Return the trial's loss on each block of the first fold, float64 [blocks]."""
        if trial not in self._losses:
            answers = as_answers(self._task, np.asarray(open_array(answers_path(self._split, trial, 0))))
            self._losses[trial] = np.array([self._loss(answers, block) for block in self._blocks])
        return self._losses[trial]

    def _loss(self, answers: NDArray[np.float64], block: NDArray[np.int64]) -> float:
        weights = None if self._weights is None else self._weights[block]
        return self._metric.loss(self._metric(self._truth[block], answers[block], weights))


def _block_count(rows: int) -> int:
    count = min(BLOCKS, rows // BLOCK_ROWS)
    return count if count >= LEAST_BLOCKS else 0
