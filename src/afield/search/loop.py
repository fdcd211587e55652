"""The search on one split: propose a wave, evaluate it, absorb it in order, go on while it pays."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from afield.core.events import Event, Listener
from afield.data.metrics import Metric
from afield.search.artifacts import open_array
from afield.search.combine import Candidate, as_answers
from afield.search.evaluate import Evaluator, Judge, Order, Outcome
from afield.search.hurdle import Hurdle
from afield.search.recipe import Recipe
from afield.search.store import Split
from afield.search.tasks import answers_path
from afield.search.trial import Trial
from afield.search.worth import GAIN, TRIALS, Worth

#: trials proposed and absorbed together, whatever the number of workers: results must not depend on it
WAVE = 4
#: the first wave is short, so that there is a model soon
FIRST_WAVE = 2
#: seconds between two events that tell of the time left
TICK_S = 1.0
#: the share of the time left that one trial may take, and the first of all
TRIAL_SHARE, FIRST_SHARE = 0.6, 0.7


class Proposer(Protocol):
    """Names the next recipes. Depends on the absorbed trials and its seed alone."""

    def propose(self, history: Sequence[Trial], count: int) -> Sequence[Recipe]:
        """Return up to ``count`` recipes not tried yet; none ends the search."""
        ...


@dataclass(frozen=True, kw_only=True)
class Budget:
    """When a search ends: after ``trials``, or when ``left_s`` says 0."""

    trials: int
    left_s: Callable[[], float | None] = lambda: None


class Search:
    """Runs waves on one split until the budget is used up."""

    def __init__(
        self,
        split: Split,
        proposer: Proposer,
        evaluator: Evaluator,
        metric: Metric,
        listener: Listener,
        *,
        wave: int = WAVE,
    ) -> None:
        self.split, self.proposer, self.evaluator = split, proposer, evaluator
        self.metric, self.listener, self.wave = metric, listener, wave
        self.trials: list[Trial] = []
        self.judged = np.flatnonzero(split.folds.of >= 0)
        self.truth = split.answer.values[self.judged]
        weights = split.part("weights")
        self.weights: NDArray[np.float64] | None = None if weights is None else weights[self.judged]
        self.hurdle = Hurdle(split, metric)
        self.worth = Worth(split.answer.task, self.truth, self.weights, metric, self.answers)
        self.ended = ""  # why the search ended before its budget did

    def run(self, budget: Budget) -> list[Trial]:
        """Run waves until the budget is used up or the user asks to stop; return all trials, in order of their ids."""
        while len(self.trials) < budget.trials and not self.evaluator.interrupt.asked:
            left = budget.left_s()
            if left is not None and left <= 0 and any(t.status == "ok" for t in self.trials):
                break
            if self.worth.reached:
                self.ended = f"the last {TRIALS} trials lowered the out-of-fold loss by less than {100 * GAIN:g} %"
                self.listener(Event("ended", {"split": self.split.name, "why": self.ended}))
                break
            count = self.wave if self.trials else min(self.wave, FIRST_WAVE)
            recipes = self.proposer.propose(self.trials, min(count, budget.trials - len(self.trials)))
            if not recipes:
                break
            self.step(recipes, budget)
        return self.trials

    def step(self, recipes: Sequence[Recipe], budget: Budget) -> list[Trial]:
        """Evaluate one wave of recipes and return its trials."""
        first, left = len(self.trials), budget.left_s()
        orders = [
            Order(id=f"{first + i:04d}-{r.id[:6]}", recipe=r, time_limit_s=self._time_limit(left))
            for i, r in enumerate(recipes)
        ]
        earlier = tuple(self.trials)
        outcomes = self._evaluate(orders, budget, lambda order: self.hurdle.reason(order.id, order.recipe, earlier))
        for order in orders:
            self.trials.append(self._absorb(order, outcomes[order.id], budget))
        self.worth.add(self.trials[first:])
        return self.trials[first:]

    def aside(self, recipes: Sequence[Recipe], budget: Budget, prefix: str) -> list[Trial]:
        """Evaluate recipes that are no part of the search itself: proposals do not see them. Ids begin with prefix."""
        left = budget.left_s()
        orders = [Order(id=f"{prefix}-{r.id[:10]}", recipe=r, time_limit_s=self._time_limit(left)) for r in recipes]
        outcomes = self._evaluate(orders, budget)
        return [self._absorb(order, outcomes[order.id], budget, kind="student") for order in orders]

    def _time_limit(self, left: float | None) -> float | None:
        """Return the seconds for one fit: all folds of a trial take at most a share of what is left."""
        if left is None:
            return None
        turns = -(-self.split.folds.count // self.evaluator.engine.capacity())
        first = not any(t.status == "ok" for t in self.trials)
        return max(0.5, (FIRST_SHARE if first else TRIAL_SHARE) * left / turns)

    def _evaluate(self, orders: Sequence[Order], budget: Budget, judge: Judge | None = None) -> dict[str, Outcome]:
        told = -TICK_S

        def tick() -> None:
            nonlocal told
            if time.monotonic() - told < TICK_S:
                return
            told = time.monotonic()
            self.listener(Event("progress", {"split": self.split.name, "left_s": budget.left_s()}))

        need_one = not any(t.status == "ok" for t in self.trials)
        judged = None if need_one else judge  # a first model is made whole
        return self.evaluator.run(self.split, orders, budget.left_s, tick, need_one=need_one, judge=judged)

    def _absorb(self, order: Order, outcome: Outcome, budget: Budget, *, kind: str = "trial") -> Trial:
        count = self.split.folds.count
        trial = Trial(id=order.id, split=self.split.name, recipe=order.recipe, status="stopped", reason=outcome.reason)
        if outcome.reason:
            trial = Trial(**(vars(trial) | {"status": "failed"}))
        elif outcome.discarded:
            told_folds = tuple(outcome.folds[f] for f in sorted(outcome.folds))
            facts = {"status": "discarded", "reason": outcome.discarded, "folds": told_folds}
            trial = Trial(**(vars(trial) | facts))
        elif len(outcome.folds) == count:
            answers = self.answers(order.id)
            objective = self.metric.guide
            values = as_answers(self.split.answer.task, answers)
            trial = Trial(
                id=order.id,
                split=self.split.name,
                recipe=order.recipe,
                status="ok",
                loss=objective.loss(objective(self.truth, values, self.weights)),
                score=self.metric(self.truth, self.metric.decided(values), self.weights),
                folds=tuple(outcome.folds[f] for f in range(count)),
            )
        if trial.status != "stopped":
            self._remember(trial)
        told = summary(trial) | {"recipe": trial.recipe.name, "learner": trial.recipe.learner.part}
        planned = None if budget.left_s() is not None else budget.trials
        self.listener(Event(kind, told | {"done": len(self.trials) + 1, "planned": planned}))
        return trial

    def _remember(self, trial: Trial) -> None:
        name, memory = f"{self.split.name}/{trial.id}", self.evaluator.memory
        if memory.get("trial", name) is None:
            memory.put("trial", name, summary(trial) | {"elapsed_s": self.evaluator.clock.elapsed_s()})

    def answers(self, trial: str) -> NDArray[np.float64]:
        """Return a trial's out-of-fold answers on the judged rows, float64 [n, K]."""
        parts = [open_array(answers_path(self.split, trial, f)) for f in range(self.split.folds.count)]
        whole = np.full((len(self.split.rows), parts[0].shape[1]), np.nan)
        for fold, part in enumerate(parts):
            whole[self.split.folds.of == fold] = part
        return whole[self.judged]

    def candidates(self, trials: Sequence[Trial]) -> list[Candidate]:
        """Return the finished trials as the ensemble selection takes them."""
        return [Candidate(t.id, self.answers(t.id), t.bytes, t.latency_us) for t in trials if t.status == "ok"]


def summary(trial: Trial) -> dict[str, Any]:
    """Return what the journal, the leaderboard and listeners are told of a trial (JSON)."""
    ended = trial.status == "ok"
    return {
        "id": trial.id,
        "split": trial.split,
        "recipe": trial.recipe.to_json(),
        "status": trial.status,
        "score": trial.score if ended else None,
        "loss": trial.loss if ended else None,
        "reason": trial.reason,
        "fit_s": trial.fit_s,
        "bytes": trial.bytes,
        "latency_us": trial.latency_us,
    }
