"""Drives one study from the question to the checked graph and the honest score.

Each step looks into the journal first, so that a resumed study repeats the steps and skips the finished work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from afield.core.errors import EngineError, ModelFileError
from afield.core.events import Event, Listener
from afield.core.failpoints import failpoint
from afield.core.randomness import derive_seed
from afield.data.metrics import Metric
from afield.data.splits import Fold, fold_count, make_folds
from afield.engines.protocol import Engine
from afield.problem.problem import Effort
from afield.problem.schema import Schema
from afield.search.calibration import Judged
from afield.search.clock import Clock
from afield.search.combine import Limits, Price, as_answers, select, usual_limits
from afield.search.ensemble import Ensemble, build_model, load_ensemble
from afield.search.evaluate import Evaluator
from afield.search.finish import Finish, settle
from afield.search.front import Point
from afield.search.interrupt import Interrupt
from afield.search.loop import WAVE, Budget, Search
from afield.search.memory import Memory
from afield.search.outer import (
    INNER_FOLDS,
    LINEAR,
    LINEAR_ALONE,
    OUTER_TAKES,
    OUTER_WAVE,
    Tested,
    affordable,
    baseline_answers,
    file_answers,
    main_trials,
    most_trials,
    outer_trials,
    plain_rule,
    plan_outer,
    pool,
    stands_for,
)
from afield.search.parity import HOSTILE_ROWS, TRAINING_ROWS, Parity, check_parity
from afield.search.propose import PortfolioThenNeighbours
from afield.search.shape import Shape
from afield.search.small import Small, median_rounds, weigh
from afield.search.store import Split, open_question, open_split, save_split
from afield.search.trial import Trial
from afield.search.within import solve

#: the split whose trials become the model
MAIN = "main"
#: shares of the wall time at which the search and the honest score end; the rest checks and writes the file
MAIN_ENDS, OUTER_ENDS = 0.60, 0.85
#: under limits, the share of the search's time that goes to full models; students of the main search may take so much
#: of the wall time beyond it
SEARCH_SHARE, STUDENTS_TAKE = 0.7, 0.03
#: the share of the wall time that holding the file to the libraries may take, and how often a row is answered there
CHECK_SHARE, CHECK_PASSES = 0.15, 1.5
#: rows that tell the share of missing cells
SHAPE_ROWS = 100_000


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the driver needs to know beside the question.

    ``limit``: what the user allows the file to take. ``packed_bytes``: at most so large is the file of a solution, with
    the least metadata.
    """

    folder: Path
    schema: Schema
    metric: Metric
    seed: int
    effort: Effort
    test_given: bool
    costs: NDArray[np.float64] | None = None
    limit: Price | None = None
    packed_bytes: Callable[[Solution], int] = lambda solution: solution.model.ByteSize()


@dataclass(frozen=True)
class Solution:
    """A search that ended: its trials, and the ensemble as a graph."""

    split: Split
    trials: tuple[Trial, ...]
    weights: dict[str, float]
    ensemble: Ensemble
    model: onnx.ModelProto
    singles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finished:
    """The main solution, its parity, and answers to rows that no choice saw (None: not estimated)."""

    solution: Solution
    parity: Parity
    tested: Tested | None
    out_of_fold: Tested
    interrupted: bool
    front: tuple[Point, ...] = ()
    ended: str = ""  # why the main search ended before its budget did


class Driver:
    """One study on one engine."""

    def __init__(self, plan: Plan, engine: Engine, memory: Memory, clock: Clock, listener: Listener) -> None:
        self.plan, self.memory, self.clock, self.listener = plan, memory, clock, listener
        self.interrupt = Interrupt()
        self.evaluator = Evaluator(engine, memory, clock, self.interrupt, plan.seed, plan.metric.training)
        self.question = open_question(plan.folder / "table")
        self.small = Small(plan.schema, memory)
        self._finishes: dict[tuple[str, tuple[tuple[str, float], ...]], Finish] = {}

    def run(self) -> Finished:
        """Search, check the file, estimate the honest score.

        Raises
        ------
        EngineError
            ``study.failed``: no trial ended well. ``study.stopped``: stopped before the first one did.
        ModelFileError
            ``model.parity``: no trial's graph gives its library's answers.
        """
        search = self.main_search()
        end = self._main_ends * (1.0 if self.plan.limit is None else SEARCH_SHARE)
        search.run(Budget(trials=self._trials, left_s=lambda: self.clock.left_s(end)))
        return self.conclude(search)

    def main_search(self) -> Search:
        """Return the search on all rows, with no trial run yet."""
        self.listener(Event("stage", {"name": "search"}))
        rows = np.arange(self.question.table.rows, dtype=np.int64)
        return self._search(self._split(MAIN, rows, fold_count(len(rows))))

    def conclude(self, search: Search) -> Finished:
        """Combine the trials of the main search, estimate the honest score, and check the file."""
        some = any(t.status == "ok" for t in search.trials)
        students = self._students(search, self._main_ends + STUDENTS_TAKE) if some else []
        wanted = some and not self.plan.test_given and not self.interrupt.asked
        tested = self._outer(search) if wanted else None
        return self._finished(search, students, tested)

    def again(self) -> Finished:
        """Combine the stored trials under the plan's limit, and judge that on the outer splits that were searched."""
        search = self.main_search()
        search.trials = self.small.stored(search)
        if not search.trials:
            raise EngineError("study.stopped", "No trial of this study has ended well.", where=self.plan.folder.name)
        students = self._students(search, 1.0)
        tested = None if self.plan.test_given else self._outer_again()
        return self._finished(search, students, tested)

    def stored_front(self) -> list[Point]:
        """Return the front of the stored trials, for a study that was stopped before its own."""
        search = self.main_search()
        search.trials = self.small.stored(search)
        solution = self._combine(search, search.trials)
        metadata = self.plan.packed_bytes(solution) - solution.model.ByteSize()
        return self.small.front(search, search.trials, metadata, (solution.weights, solution.singles))

    def _finished(self, search: Search, students: Sequence[Trial], tested: Tested | None) -> Finished:
        limited = self.plan.limit is not None
        solution, parity = self._checked(search, [*search.trials, *(students if limited else [])])
        trials = {t.id: t for t in [*students, *solution.trials] if t.status == "ok"}
        metadata = self.plan.packed_bytes(solution) - solution.model.ByteSize()
        own = solution.weights, solution.singles
        front = self.small.front(search, list(trials.values()), metadata, own)
        out_of_fold = self._out_of_fold(search, solution)
        return Finished(solution, parity, tested, out_of_fold, self.interrupt.asked, tuple(front), search.ended)

    @property
    def _main_ends(self) -> float:
        """The share of the wall time at which the main search ends."""
        return OUTER_ENDS if self.plan.test_given else MAIN_ENDS

    def _students(self, search: Search, end: float) -> list[Trial]:
        if self.interrupt.asked:
            return []
        limit = self.plan.limit
        return self.small.students(search, self.shape(search.split), limit, lambda: self.clock.left_s(end))

    @property
    def _trials(self) -> int:
        """The most trials that the main search may run."""
        limited = self.clock.budget_s is not None
        rows = self.question.table.rows
        return most_trials(rows) if limited else main_trials(self.plan.effort, rows)

    def _out_of_fold(self, search: Search, solution: Solution) -> Tested:
        """Return the ensemble's out-of-fold answers on the judged rows, and those of simple rules."""
        task, finish = search.split.answer.task, solution.ensemble.finish
        blend = finish.calibration(_blend(search, solution.weights))
        labels = None if task == "regression" else finish.decision.labels(blend, self.plan.schema.target.classes)
        rows = search.split.rows[search.judged]
        metric = self.plan.metric
        baselines = {plain_rule(metric): baseline_answers(self.question, search.split.rows, len(rows), metric)}
        if (linear := best_linear(search.trials)) is not None:
            baselines[LINEAR_ALONE] = as_answers(task, search.answers(linear.id))
        return Tested(rows, as_answers(task, blend), baselines, 0, len(search.trials), labels)

    def _split(self, name: str, rows: NDArray[np.int64], folds: int) -> Split:
        folder = self.plan.folder / "splits" / name
        if not (folder / "split.json").exists():
            answer = self.question.answer.take(rows)
            groups = None if self.question.groups is None else self.question.groups[rows]
            times = None if self.question.times is None else self.question.times[rows]
            plan = make_folds(answer, groups, times, folds, derive_seed(self.plan.seed, "folds", name))
            save_split(Split(name, folder, self.plan.folder / "table", rows, plan))
        return open_split(folder)

    def _search(self, split: Split) -> Search:
        hurried = split.name != MAIN
        proposer = PortfolioThenNeighbours(self.shape(split), derive_seed(self.plan.seed, "propose"), hurried=hurried)
        wave = OUTER_WAVE if hurried else WAVE
        return Search(split, proposer, self.evaluator, self.plan.metric, self.listener, wave=wave)

    def shape(self, split: Split) -> Shape:
        """Return what the choice of recipes for a split may depend on."""
        answer, table = self.question.answer, self.question.table
        missing = [float(table[s.name].missing[:SHAPE_ROWS].mean()) for s in self.question.specs]
        return Shape(answer.task, len(split.rows), answer.classes, self.question.specs, float(np.mean(missing or [0])))

    def _combine(self, search: Search, trials: Sequence[Trial]) -> Solution:
        candidates = search.candidates(trials)
        if not candidates:
            failed = [t for t in trials if t.reason]
            reasons = "; ".join(sorted({t.reason for t in failed})[:3])
            if self.interrupt.asked or not failed:
                raise EngineError(
                    "study.stopped",
                    "Stopped before the first trial was done.",
                    fix="give it more time, or go on with `afield resume`",
                )
            raise EngineError("study.failed", f"None of {len(trials)} trials ended well.", got=reasons)
        if self.plan.limit is not None:
            return self._within(search, trials, self.plan.limit)
        candidates = self.small.candidates(search, trials)
        task, limits = search.split.answer.task, self._limits(search)
        weights = dict(select(task, search.truth, candidates, self.plan.metric, search.weights, limits))
        failpoint("ensemble")
        return self._build(search, trials, weights)

    def _within(self, search: Search, trials: Sequence[Trial], limit: Price) -> Solution:
        """Return the best solution whose real file keeps the limit; in an outer split, else the smallest."""
        selector = self.small.selector(search, trials)
        limits = usual_limits(list(selector.known.values()), self._limits(search))
        failpoint("ensemble")
        return solve(
            selector,
            limit,
            self.small.fixed(),
            limits,
            lambda choice: self._build(search, trials, dict(choice.weights), choice.singles),
            lambda built: weigh(built.model, self.plan.packed_bytes(built)),
            names={t.id: t.recipe.name for t in trials},
            strict=search.split.name == "main",
        )

    def _limits(self, search: Search) -> Limits:
        """Return what the ensemble may cost; a short time leaves none to check a slow one on thousands of rows."""
        limits, budget_s = Limits(), self.clock.budget_s
        if budget_s is None:
            return limits
        rows = min(len(search.split.rows), TRAINING_ROWS) + HOSTILE_ROWS
        affordable_us = 1e6 * CHECK_SHARE * budget_s / (CHECK_PASSES * rows)
        return replace(limits, slower=float(np.clip(affordable_us / limits.latency_us, 1.0, limits.slower)))

    def _build(
        self, search: Search, trials: Sequence[Trial], weights: dict[str, float], singles: Sequence[str] = ()
    ) -> Solution:
        """Restore the members and lower them to one graph; ``singles``, and all windows of time, are fitted once."""
        chosen = [t for t in trials if t.id in weights and (search.split.folds.forward or t.id in singles)]
        refits = {t.id: self._refit(search.split, t) for t in chosen}
        ensemble = load_ensemble(search.split, self.question.specs, trials, weights, self.memory, refits)
        ensemble = replace(ensemble, finish=self._finish(search, weights))
        model = build_model(ensemble, self.plan.schema)
        return Solution(search.split, tuple(trials), weights, ensemble, model, tuple(singles))

    def _finish(self, search: Search, weights: Mapping[str, float]) -> Finish:
        """Return calibration and decision rule for a blend, by its out-of-fold answers; settled once for each."""
        key = (search.split.name, tuple(sorted(weights.items())))
        if key not in self._finishes:
            self._finishes[key] = self._settled(search, weights)
        return self._finishes[key]

    def _settled(self, search: Search, weights: Mapping[str, float]) -> Finish:
        split = search.split
        groups = split.part("groups")
        judged = Judged(
            truth=search.truth,
            answers=as_answers(split.answer.task, _blend(search, weights)),
            weights=np.ones(len(search.truth)) if search.weights is None else search.weights,
            fold=split.folds.of[search.judged],
            groups=None if groups is None else groups[search.judged],
        )
        return settle(judged, self.plan.metric, self.plan.schema.target, self.plan.costs)

    def _refit(self, split: Split, trial: Trial) -> dict[str, object]:
        return dict(self.evaluator.refit(split, trial.id, trial.recipe, median_rounds(trial)))

    def _checked(self, search: Search, trials: list[Trial]) -> tuple[Solution, Parity]:
        """Return the ensemble whose file gives the libraries' answers; members that do not are left out, and named."""
        self.listener(Event("stage", {"name": "check the file"}))
        scale = float(np.std(search.split.answer.values)) if search.split.answer.task == "regression" else 0.0
        while True:
            solution = self._combine(search, trials)
            parity = self._parity(solution, scale)
            self.listener(Event("parity", parity.to_json()))
            if parity.passed:
                return solution, parity
            trials = self._without_wrong(search, trials, solution, scale, parity)

    def _parity(self, solution: Solution, scale: float) -> Parity:
        return check_parity(solution.model, solution.ensemble, self.plan.schema, solution.split.table, scale)

    def _without_wrong(
        self, search: Search, trials: list[Trial], solution: Solution, scale: float, parity: Parity
    ) -> list[Trial]:
        kept = []
        for trial in trials:
            reason = ""
            if trial.id in solution.weights:
                alone = self._build(search, [trial], {trial.id: 1.0})
                found = self._parity(alone, scale)
                reason = "" if found.passed else f"parity: off by {found.largest:.3g} at {found.where}"
            kept.append(Trial(**(vars(trial) | {"status": "failed", "reason": reason})) if reason else trial)
        if all(t.status != "ok" for t in kept) or [t.status for t in kept] == [t.status for t in trials]:
            raise ModelFileError(
                "model.parity",
                "The exported file and the learners' own libraries disagree.",
                where=parity.where,
                got=f"{parity.largest:.3g} apart, {parity.labels_different} labels different",
                expected=f"at most {parity.tolerance:g}",
                fix="This is a bug of afield: please report it with the output of `afield doctor`.",
            )
        return kept

    def _outer(self, main: Search) -> Tested | None:
        self.listener(Event("stage", {"name": "honest score"}))
        plans = plan_outer(self.question, derive_seed(self.plan.seed, "outer"))
        began, budget_s, folds = self.clock.elapsed_s(), self.clock.budget_s, main.split.folds.count
        if budget_s is None:
            limit = outer_trials(self._trials, folds, len(plans))
        else:
            plans = plans[: affordable(len(plans), len(main.trials), folds, began, budget_s)]
            limit = self._trials
        parts = []
        for i, plan in enumerate(plans):
            share = OUTER_ENDS if not budget_s else self._end(began / budget_s, i, len(plans))
            part = self._outer_split(f"outer-{i}", plan, limit, share, main.trials)
            if part is None:
                break
            parts.append(part)
        return pool(parts)

    def _end(self, began: float, number: int, count: int) -> float:
        """Return the share of the budget at which this outer split ends: a quarter is for all of them."""
        end = min(OUTER_ENDS, began + OUTER_TAKES)
        return began + max(0.0, end - began) * (number + 1) / count

    def _outer_split(self, name: str, plan: Fold, trials: int, end: float, main: Sequence[Trial] = ()) -> Tested | None:
        left = self.clock.left_s(end)
        if left is not None and left <= 0:
            return None
        split = self._split(name, plan.train, min(INNER_FOLDS, fold_count(len(plan.train))))
        search = self._search(split)
        search_end = end
        if self.plan.limit is not None and left is not None and self.clock.budget_s:
            search_end = end - (1 - SEARCH_SHARE) * left / self.clock.budget_s
        done = search.run(Budget(trials=trials, left_s=lambda: self.clock.left_s(search_end)))
        if not stands_for(done, main, len(plan.train)):
            text = "an outer search was cut too short to stand for the whole: its split is left out of the score"
            self.listener(Event("notice", {"text": text}))
            return None
        return self._judged_outside(search, plan, done, end)

    def _outer_again(self) -> Tested | None:
        """Return answers to the rows of the outer splits, by ensembles of their stored trials."""
        parts = []
        for i, plan in enumerate(plan_outer(self.question, derive_seed(self.plan.seed, "outer"))):
            if (self.plan.folder / "splits" / f"outer-{i}" / "split.json").exists():
                search = self._search(open_split(self.plan.folder / "splits" / f"outer-{i}"))
                search.trials = self.small.stored(search)
                parts.append(self._judged_outside(search, plan, search.trials, 1.0))
        return pool([p for p in parts if p is not None])

    def _judged_outside(self, search: Search, plan: Fold, done: list[Trial], end: float) -> Tested | None:
        if self.interrupt.asked or not any(t.status == "ok" for t in done):
            return None
        students = [] if self.plan.limit is None else self._students(search, end)
        solution = self._combine(search, [*done, *students])
        table = self.question.table
        feed = {s.input_name: table[s.name].feed(plan.valid) for s in self.plan.schema.columns}
        target, metric = self.plan.schema.target, self.plan.metric
        answers, labels = file_answers(solution.model.SerializeToString(), feed, target)
        baselines = {plain_rule(metric): baseline_answers(self.question, plan.train, len(plan.valid), metric)}
        simple: dict[str, NDArray[np.int64]] = {}
        if (linear := best_linear(done)) is not None:
            alone = self._build(search, done, {linear.id: 1.0})
            baselines[LINEAR_ALONE], other = file_answers(alone.model.SerializeToString(), feed, target)
            if other is not None:
                simple[LINEAR_ALONE] = other
        return Tested(plan.valid, answers, baselines, 1, sum(t.status == "ok" for t in done), labels, simple)


def _blend(search: Search, weights: Mapping[str, float]) -> NDArray[np.float64]:
    """Return the members' out-of-fold answers, blended: float64 [n, K] or [n, 1] on the judged rows."""
    return np.asarray(sum(w * search.answers(t) for t, w in weights.items()))


def best_linear(trials: Sequence[Trial]) -> Trial | None:
    """Return the best trial of a linear learner, or None."""
    done = [t for t in trials if t.status == "ok" and t.recipe.learner.part == LINEAR]
    return min(done, key=lambda t: (t.loss, t.id)) if done else None
