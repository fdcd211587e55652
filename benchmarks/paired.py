"""Scores, and how sure their differences are: a paired bootstrap over test rows, whole groups where there are groups.

Splits of one table share rows, so the bootstrap draws a row (or group) once for all splits that test it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TINY = 1e-15
#: metric that a task is judged by
HEADLINE = {"binary": "auc", "multiclass": "log_loss", "regression": "rmse"}
HIGHER = {"auc"}


@dataclass(frozen=True)
class Tested:
    """The answers of one system to the test rows of one split.

    ``units`` [N]: what the bootstrap draws: row numbers of the table, or groups. ``truth`` [N]: class index or value.
    ``answers``: probabilities [N, K], or predictions [N].
    """

    task: str
    units: np.ndarray
    truth: np.ndarray
    answers: np.ndarray


def row_losses(tested: Tested) -> np.ndarray:
    """Return the loss of each row [N]: negative log likelihood, or the squared error."""
    if tested.task == "regression":
        return (tested.answers - tested.truth) ** 2
    picked = tested.answers[np.arange(len(tested.truth)), tested.truth]
    return -np.log(np.clip(picked, TINY, 1.0))


def measure_of(tested: Tested, metric: str):
    """Return the function (row weights [N]) -> value of the metric."""
    if metric == "auc":
        levels, place = np.unique(tested.answers[:, 1], return_inverse=True)
        positive = tested.truth == 1

        def auc(weights):
            above = np.bincount(place, weights * positive, minlength=len(levels))
            below = np.bincount(place, weights * ~positive, minlength=len(levels))
            pairs = above.sum() * below.sum()
            return float(above @ (np.cumsum(below) - below / 2) / pairs) if pairs else np.nan

        return auc
    losses = row_losses(tested)
    if metric == "rmse":
        return lambda weights: float(np.sqrt(weights @ losses / weights.sum()))
    return lambda weights: float(weights @ losses / weights.sum())


def score(tested: Tested, metric: str) -> float:
    """Return the metric over all rows."""
    return measure_of(tested, metric)(np.ones(len(tested.truth)))


@dataclass(frozen=True)
class Difference:
    """How much better the first system is (positive: better), with the standard error over the test rows."""

    value: float
    error: float

    @property
    def worse(self) -> bool:
        """Whether it is worse by more than two standard errors."""
        return self.value < -2 * self.error - 1e-9


def difference(first: list[Tested], second: list[Tested], metric: str) -> Difference:
    """Return the mean difference over the splits; ``first[i]`` and ``second[i]`` answer the same rows."""
    names, places = np.unique(np.concatenate([t.units for t in first]), return_inverse=True)
    places = np.split(places, np.cumsum([len(t.units) for t in first])[:-1])
    sign = 1.0 if metric in HIGHER else -1.0
    pairs = [(measure_of(a, metric), measure_of(b, metric)) for a, b in zip(first, second, strict=True)]

    def mean_difference(counts):
        found = [a(counts[at]) - b(counts[at]) for (a, b), at in zip(pairs, places, strict=True)]
        return sign * float(np.mean(found))

    draw = np.random.default_rng(0)
    turns = 1000 if len(names) < 20_000 else 300
    share = np.full(len(names), 1 / len(names))
    drawn = [mean_difference(draw.multinomial(len(names), share).astype(float)) for _ in range(turns)]
    return Difference(mean_difference(np.ones(len(names))), float(np.nanstd(drawn)))
