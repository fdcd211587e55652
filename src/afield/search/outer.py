"""The honest score: the whole procedure repeated on outer splits whose test rows no choice has seen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.data.metrics import Metric
from afield.data.splits import Fold, outer_splits
from afield.model.session import open_session
from afield.problem.problem import Effort
from afield.problem.schema import TargetSpec
from afield.search.calibration import weighted_quantile
from afield.search.parity import run_batches
from afield.search.store import Question
from afield.search.tasks import training_objective
from afield.search.trial import Trial

#: folds inside an outer split: fewer than in the main search, to stay within a quarter of the budget
INNER_FOLDS = 3
CHUNK = 4_096


@dataclass(frozen=True)
class Tested:
    """Answers to rows that no choice saw, in the order of ``rows`` (positions in the question's table).

    ``answers``: float64 [n, K] or [n]; ``baselines``: the same of simple rules, by name. ``labels``: class index
    int64 [n] by the decision rule that was tuned without these rows (None for a regression); ``baseline_labels``:
    those of rules that have one of their own.
    """

    rows: NDArray[np.int64]
    answers: NDArray[np.float64]
    baselines: Mapping[str, NDArray[np.float64]]
    splits: int
    trials: int
    labels: NDArray[np.int64] | None = None
    baseline_labels: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)


def plan_outer(question: Question, seed: int) -> list[Fold]:
    """Return the outer splits: three where rows are few, else one; with times, the last fifth."""
    count = 3 if question.table.rows < 3_000 else 1
    return outer_splits(question.answer, question.groups, question.times, count, seed)


def outer_trials(main_trials: int, main_folds: int, splits: int) -> int:
    """Return how many trials each outer split may run so that all cost a third of the main search's row fits."""
    main = main_trials * (main_folds - 1)
    each = splits * 0.8 * (INNER_FOLDS - 1)
    return max(2, int(main / 3 / each))


#: all outer splits take so much of the wall time; each should bear so many trials, in waves that end soon
OUTER_TAKES, OUTER_TRIALS, OUTER_WAVE = 0.25, 8, 2
#: an outer search whose best loss is higher by this share was cut too short to stand for the main one; by chance few
#: rows differ by more: so much over the root of their number
CUT_SHORT, CHANCE = 0.08, 5.0


def stands_for(outer: Sequence[Trial], main: Sequence[Trial], rows: int) -> bool:
    """Return whether a search on an outer split of ``rows`` came near enough to what the main search reached."""
    losses = [min((t.loss for t in trials if t.status == "ok"), default=math.inf) for trials in (outer, main)]
    return losses[0] <= losses[1] + (CUT_SHORT + CHANCE / math.sqrt(rows)) * abs(losses[1])


def affordable(splits: int, main_trials: int, main_folds: int, main_s: float, budget_s: float) -> int:
    """Return how many outer splits bear a search each, by what a trial of the main search took; one at least."""
    trial_s = 0.8 * INNER_FOLDS / main_folds * main_s / max(1, main_trials)
    return int(min(splits, max(1.0, OUTER_TAKES * budget_s / (OUTER_TRIALS * max(trial_s, 1e-6)))))


#: the plainest rule, and the learner that is a fair first try
LINEAR, LINEAR_ALONE = "linear", "a linear model alone"


def plain_rule(metric: Metric) -> str:
    """Return the name of the rule that looks at no column: the best constant for the metric."""
    if "regression" not in metric.tasks:
        return "always the class shares"
    return "always the mean" if metric.level is None else f"always the {metric.level:g} quantile"


def baseline_answers(question: Question, train: NDArray[np.int64], count: int, metric: Metric) -> NDArray[np.float64]:
    """Return ``count`` times the (weighted) mean or quantile of the target, or the class shares, of training rows."""
    answer = question.answer.take(train)
    weights = None if question.weights is None else question.weights[train]
    if answer.task == "regression" and metric.level is not None:
        _, heavy = training_objective(metric.training, answer, weights)
        return np.full(
            count, weighted_quantile(answer.values, np.ones(len(train)) if heavy is None else heavy, metric.level)
        )
    if answer.task == "regression":
        return np.full(count, np.average(answer.values, weights=weights))
    shares = np.bincount(answer.values, weights=weights, minlength=answer.classes).astype(np.float64)
    return np.tile(shares / shares.sum(), (count, 1))


def file_answers(
    content: bytes, feed: Mapping[str, NDArray[Any]], target: TargetSpec
) -> tuple[NDArray[np.float64], NDArray[np.int64] | None]:
    """Return the exported file's answers float64 [n] or [n, K], and the class index of each label."""
    outputs = run_batches(open_session(content), feed, CHUNK)
    if target.task == "regression":
        return np.asarray(outputs[0], dtype=np.float64), None
    place = {text: number for number, text in enumerate(target.classes)}
    return np.asarray(outputs[1], dtype=np.float64), np.array([place[text] for text in outputs[0]], dtype=np.int64)


def pool(parts: Sequence[Tested]) -> Tested | None:
    """Return all outer splits as one; None where there is none."""
    if not parts:
        return None
    names = [n for n in parts[0].baselines if all(n in p.baselines for p in parts)]
    return Tested(
        np.concatenate([p.rows for p in parts]),
        np.concatenate([p.answers for p in parts]),
        {n: np.concatenate([p.baselines[n] for p in parts]) for n in names},
        len(parts),
        min(p.trials for p in parts),
        None if parts[0].labels is None else np.concatenate([p.labels for p in parts if p.labels is not None]),
        {n: np.concatenate([p.baseline_labels[n] for p in parts]) for n in names if n in parts[0].baseline_labels},
    )


#: trials of the main search under ``--effort``; a table with many rows gets a third
EFFORT_TRIALS: Mapping[Effort, int] = {"quick": 8, "standard": 24, "thorough": 80}
MANY_ROWS = 200_000


#: no search goes on past so many trials, however long the budget; few rows bear fewer, but the portfolio: a blend
#: of all its recipes was better than one of half of them even where 150 rows chose
MOST_TRIALS, LEAST_TRIALS, ROWS_A_TRIAL = 120, 40, 40


def most_trials(rows: int) -> int:
    """Return how many trials the rows can tell apart: the best of more would be the luckiest."""
    return min(MOST_TRIALS, LEAST_TRIALS + rows // ROWS_A_TRIAL)


def main_trials(effort: Effort, rows: int) -> int:
    """Return the work units of an effort, in trials."""
    wanted = EFFORT_TRIALS[effort] if rows < MANY_ROWS else max(4, EFFORT_TRIALS[effort] // 3)
    return min(wanted, most_trials(rows))
