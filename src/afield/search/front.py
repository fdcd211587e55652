"""The Pareto front of a study: the best score for each size and each latency, from all trials and students.

Points are ensembles that no other one beats in score, bytes and microseconds at once. Prices are forecasts by the table
of operator costs; scores are out-of-fold, so they flatter a little and serve to compare points with one another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.core.randomness import derive_seed
from afield.data.metrics import Metric
from afield.problem.problem import Task
from afield.search.combine import Candidate, Choice, Limits, Price, Selector, as_answers, usual_limits

#: rows that the ladder of limits is climbed on, and its rungs
LADDER_ROWS, RUNGS = 5_000, 6
#: rows that tell points apart, and that tell the score and its noise of those that stay
SORTED_ROWS, SCORED_ROWS, NOISE_ROWS = 20_000, 200_000, 20_000
#: points nearer to each other than this share in bytes and in latency are one
NEAR = 0.15
MOST_POINTS = 14
BLOCKS = 20


@dataclass(frozen=True, kw_only=True)
class Point:
    """One ensemble on the front.

    Parameters
    ----------
    weights : mapping of str to float
        Trial to weight.
    singles : tuple of str
        Members fitted once on all rows instead of once for each fold.
    recipes : tuple of str
        The names of the members' recipes.
    bytes : int
        Forecast of the file's size, card and self-test included.
    latency_us : float
        Forecast for one row in one thread, by the table of operator costs.
    score, noise : float
        The metric on out-of-fold answers, and its standard error.
    own : bool
        True for the study's own model.
    """

    weights: Mapping[str, float]
    singles: tuple[str, ...] = ()
    recipes: tuple[str, ...] = ()
    bytes: int
    latency_us: float
    score: float
    noise: float
    own: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a JSON object."""
        return asdict(self) | {"weights": dict(self.weights), "singles": list(self.singles)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Point:
        """Return what ``to_json`` wrote."""
        lists = {"singles": tuple(data["singles"]), "recipes": tuple(data["recipes"])}
        return cls(**(dict(data) | lists))


@dataclass(frozen=True, kw_only=True)
class Judge:
    """The rows on which points are compared."""

    task: Task
    truth: NDArray[Any]
    metric: Metric
    weights: NDArray[np.float64] | None

    def score(self, answers: NDArray[np.float64], rows: NDArray[np.int64] | None = None) -> float:
        """Return the metric of answers [n, K] or [n, 1], or of these rows of them."""
        rows = np.arange(len(self.truth)) if rows is None else rows
        weights = None if self.weights is None else self.weights[rows]
        return self.metric(self.truth[rows], as_answers(self.task, answers)[rows], weights)

    def noise(self, answers: NDArray[np.float64], blocks: int = BLOCKS) -> float:
        """Return the score's standard error, by leaving out one block of rows after another.

        Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 11: the jackknife.
        """
        rows = even(len(self.truth), NOISE_ROWS)
        blocks = min(blocks, len(rows))
        block = np.random.default_rng(derive_seed(0, "front")).permutation(len(rows)) % blocks
        found = np.array([self.score(answers, rows[block != b]) for b in range(blocks)])
        found = found[np.isfinite(found)]
        if len(found) < 2:
            return float("nan")
        spread = float(np.sqrt((len(found) - 1) / len(found) * np.square(found - found.mean()).sum()))
        return spread * float(np.sqrt(len(rows) / len(self.truth)))


def find_front(
    judge: Judge,
    candidates: Sequence[Candidate],
    fixed: Price,
    names: Mapping[str, str],
    own: Choice,
) -> list[Point]:
    """Return the front, smallest file first.

    Parameters
    ----------
    judge : Judge
    candidates : sequence of Candidate
        With the prices of encoders and of single models.
    fixed : Price
        What every file takes: columns, outputs, metadata, a call of the runtime.
    names : mapping of str to str
        Trial to the name of its recipe.
    own : Choice
        The study's own model: always among the points.
    """
    known, sorting = {c.id: c for c in candidates}, even(len(judge.truth), SORTED_ROWS)
    points = []
    for choice in _choices(judge, candidates, own):
        answers = np.asarray(sum(w * known[t].answers for t, w in choice.weights.items()))
        points.append((choice, answers, judge.score(answers, sorting)))
    sign = -1.0 if judge.metric.higher_is_better else 1.0
    costs = [(sign * score, float(c.price.bytes), c.price.latency_us) for c, _, score in points]
    best = sorted({*undominated(costs), 0})  # the first is the study's own
    kept = thinned([(*points[i], costs[i], i == 0) for i in best])
    return [
        Point(
            weights=choice.weights,
            singles=choice.singles,
            recipes=tuple(names[t] for t in choice.weights),
            bytes=choice.price.bytes + fixed.bytes,
            latency_us=choice.price.latency_us + fixed.latency_us,
            score=judge.score(answers, even(len(judge.truth), SCORED_ROWS)),
            noise=judge.noise(answers),
            own=mine,
        )
        for choice, answers, _, _, mine in sorted(kept, key=lambda p: (p[3][1], p[3][2], p[3][0]))
    ]


def even(count: int, most: int) -> NDArray[np.int64]:
    """Return at most ``most`` of ``count`` rows, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))


def undominated(costs: Sequence[tuple[float, ...]]) -> list[int]:
    """Return the places of those that no other one beats or equals in everything; of equals, the first."""
    found = []
    for i, own in enumerate(costs):
        beaten = any(
            all(a <= b for a, b in zip(other, own, strict=True)) and (other != own or j < i)
            for j, other in enumerate(costs)
            if j != i
        )
        if not beaten and all(np.isfinite(own)):
            found.append(i)
    return found


_Scored = tuple[Choice, NDArray[np.float64], float, tuple[float, float, float], bool]


def thinned(points: Sequence[_Scored]) -> list[_Scored]:
    """Return the points without those that stand next to a better one; the best, the smallest and the own one stay."""
    if not points:
        return []
    ranked = sorted(points, key=lambda p: p[3])
    smallest = min(points, key=lambda p: p[3][1:])
    kept: list[_Scored] = []
    for point in ranked:
        near = any(all(_near(a, b) for a, b in zip(point[3][1:], k[3][1:], strict=True)) for k in kept)
        if not near or point is smallest or point[4]:
            kept.append(point)
    if len(kept) <= MOST_POINTS:
        return kept
    fixed = [p for p in kept if p is smallest or p[4]]
    others = [p for p in kept if p is not smallest and not p[4]]
    return fixed + [others[i] for i in np.linspace(0, len(others) - 1, MOST_POINTS - len(fixed)).astype(np.int64)]


def _near(a: float, b: float) -> bool:
    return abs(a - b) <= NEAR * max(a, b)


def _choices(judge: Judge, candidates: Sequence[Candidate], own: Choice) -> list[Choice]:
    """Return ensembles of many sizes, chosen on few rows; the first is the study's own."""
    rows = even(len(judge.truth), LADDER_ROWS)
    if len(rows) < len(judge.truth):
        candidates = [replace(c, answers=c.answers[rows]) for c in candidates]
    weights = None if judge.weights is None else judge.weights[rows]
    selector = Selector(judge.task, judge.truth[rows], candidates, judge.metric, weights)
    limits = replace(usual_limits(candidates, Limits()), steps=20)
    best = selector.best(limits)
    found = [own, best] + [selector.alone(c.id, single=single) for c in candidates for single in (True, False)]
    least = [c.price for c in found]
    for rung in np.geomspace(min(p.bytes for p in least) + 1, max(best.price.bytes, 2), RUNGS):
        found.append(selector.within(Price(int(rung), limits.latency_us * limits.slower), limits))
    for rung in np.geomspace(min(p.latency_us for p in least) + 0.1, max(best.price.latency_us, 0.2), RUNGS):
        found.append(selector.within(Price(int(limits.bytes * limits.larger), float(rung)), limits))
    unique: dict[tuple[object, ...], Choice] = {}
    for choice in found:
        unique.setdefault((tuple(sorted(choice.weights.items())), choice.singles), choice)
    return list(unique.values())
