"""Runs the trials of a wave on an engine: encoders first, folds as soon as their features are there."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from afield.core.errors import EngineError
from afield.engines.protocol import Done, Engine, Job
from afield.search.clock import Clock
from afield.search.interrupt import Interrupt
from afield.search.lesson import teacher_config
from afield.search.memory import Memory
from afield.search.recipe import Recipe, Use
from afield.search.store import Split

#: a worker that dies takes its attempt along, not the trial: tried so often in all
ATTEMPTS = 3
POLL_S = 0.2
#: a fit handed out late may take this share of what is left for it, and never less than so many seconds
LATE_SHARE, LEAST_S = 0.9, 0.5


@dataclass(frozen=True, kw_only=True)
class Order:
    """A trial to run: its id and recipe, and how long each of its fits may take."""

    id: str
    recipe: Recipe
    time_limit_s: float | None = None


@dataclass
class Outcome:
    """What became of an order: all folds, or why not. ``discarded`` says why its first fold was enough."""

    folds: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    reason: str = ""
    stopped: bool = False
    discarded: str = ""


#: looks at an order whose first fold is done, and says why the others are not worth their time; empty: they are
Judge = Callable[[Order], str]


class Evaluator:
    """Keeps the engine busy with the jobs of one wave after another. One driver thread owns it."""

    def __init__(
        self, engine: Engine, memory: Memory, clock: Clock, interrupt: Interrupt, seed: int, objective: str = ""
    ) -> None:
        self.engine, self.memory, self.clock, self.interrupt, self.seed = engine, memory, clock, interrupt, seed
        self.objective = objective

    def run(
        self,
        split: Split,
        orders: Sequence[Order],
        deadline_s: Callable[[], float | None],
        tick: Callable[[], None],
        *,
        need_one: bool = False,
        judge: Judge | None = None,
    ) -> dict[str, Outcome]:
        """Return the outcome of each order.

        ``deadline_s`` says how many seconds are left (None: no limit); when they are used up, what is unfinished is
        cancelled and marked stopped. With ``need_one`` the first order that can still succeed is let finish, so that
        there is a model, however short the time. ``tick`` is called while waiting. With a ``judge`` the first fold of
        an order runs alone, and the others only where it finds nothing against them.
        """
        return _Wave(self, split, orders, judge=judge).run(deadline_s, tick, need_one=need_one)

    def refit(self, split: Split, trial: str, recipe: Recipe, rounds: int | None) -> Mapping[str, Any]:
        """Fit a recipe on all rows of the split, with this many rounds; return the fold's result."""
        wave = _Wave(self, split, [Order(id=trial, recipe=recipe)], folds=[-1], rounds=rounds)
        wave.interrupt = Interrupt()  # what the user stopped is the search; its members are still made
        outcome = wave.run(lambda: None, lambda: None)[trial]
        if outcome.reason:
            raise ArithmeticError(outcome.reason)
        return outcome.folds[-1]


class _Wave:
    """The jobs of one wave and how far each is."""

    def __init__(
        self,
        owner: Evaluator,
        split: Split,
        orders: Sequence[Order],
        folds: Sequence[int] | None = None,
        rounds: int | None = None,
        judge: Judge | None = None,
    ) -> None:
        self.judge = judge
        self.engine, self.memory, self.seed, self.split = owner.engine, owner.memory, owner.seed, split
        self.orders, self.interrupt, self.objective = orders, owner.interrupt, owner.objective
        self.fold_list = list(range(split.folds.count)) if folds is None else list(folds)
        self.rounds = rounds
        self.outcomes = {o.id: Outcome() for o in orders}
        self.waiting = {o.id: o for o in orders}
        self.running: dict[str, tuple[Job, Callable[[Done], None]]] = {}
        self.queue: list[tuple[int, int, str]] = []  # (place of the order, number, job) not handed to the engine yet
        self.handed: set[str] = set()
        self.count = itertools.count()
        self.blocks: dict[str, Mapping[str, Any]] = {}
        self.left_s: float | None = None  # when it was last asked for

    def run(
        self, deadline_s: Callable[[], float | None], tick: Callable[[], None], *, need_one: bool = False
    ) -> dict[str, Outcome]:
        for place, order in enumerate(self.orders):
            for use in order.recipe.encoders:
                self._start_block(use, place)
        self._start_ready()
        self._pump()
        try:
            while self.running:
                if self.interrupt.asked:
                    self._stop()
                    break
                self.left_s = left = deadline_s()
                if left is not None and left <= 0:
                    kept = self._first_hope() if need_one else None
                    if kept is None:
                        self._stop()
                        break
                    self._cancel_but(kept)
                    left = None
                ended = self.engine.poll(POLL_S if left is None else min(POLL_S, left))
                self._absorb(ended)
                tick()
        except BaseException:
            with suppress(EngineError):  # an engine that has closed itself said why already
                self._stop()
            raise
        for order in self.waiting.values():
            outcome = self.outcomes[order.id]
            outcome.stopped = not outcome.reason
        for outcome in self.outcomes.values():
            settled = outcome.reason or outcome.discarded
            outcome.stopped |= not settled and len(outcome.folds) < len(self.fold_list)
        return self.outcomes

    def _first_hope(self) -> Order | None:
        """Return the first order without a failure; None when an order is done, or all failed."""
        if any(len(o.folds) == len(self.fold_list) for o in self.outcomes.values()):
            return None
        return next((o for o in self.orders if not self.outcomes[o.id].reason), None)

    def _cancel_but(self, kept: Order) -> None:
        """Cancel all jobs that the kept order does not need."""
        needed = {f"{self.split.name}/{use.id}" for use in kept.recipe.encoders}
        for name in list(self.running):
            if name not in needed and not name.startswith(f"{self.split.name}/{kept.id}/"):
                self._cancel(name)
        for other in [o for o in self.waiting.values() if o is not kept]:
            del self.waiting[other.id]
            self.outcomes[other.id].stopped = True

    def _absorb(self, ended: Sequence[Done]) -> None:
        self.handed -= {d.id for d in ended}
        known = sorted((d for d in ended if d.id in self.running), key=lambda d: d.id)
        self.memory.put_all([("job", d.id, d.result or {}) for d in known if d.outcome == "ok"])
        for done in known:
            job, then = self.running.pop(done.id)
            if done.outcome == "lost" and job.attempt < ATTEMPTS:
                self._submit(0, Job(**(vars(job) | {"attempt": job.attempt + 1})), then)
            else:
                then(done)
        self._pump()

    def _submit(self, place: int, job: Job, then: Callable[[Done], None]) -> None:
        """Queue a job; those of earlier orders go first: a first model must not wait for a later one's blocks."""
        self.running[job.id] = (job, then)
        heapq.heappush(self.queue, (place, next(self.count), job.id))

    def _pump(self) -> None:
        """Hand jobs to the engine, as many as it runs at once."""
        while self.queue and len(self.handed) < self.engine.capacity():
            name = heapq.heappop(self.queue)[2]
            if name in self.running:
                self.handed.add(name)
                self.engine.submit(self._in_time(self.running[name][0]))

    def _in_time(self, job: Job) -> Job:
        """Return the job with a limit that lets all folds of its trial end before the search does.

        A learner that is cut short keeps its rounds so far, and a trial without its last fold is of no use.
        """
        limit, left = job.config.get("time_limit_s"), self.left_s
        if limit is None or left is None or left <= 0:
            return job
        others = len(self.fold_list) - 1 - len(self.outcomes[job.config["trial"]].folds)
        if self.judge and job.config["fold"] == self.fold_list[0]:  # the others wait for it
            turns = 1 + math.ceil(others / self.engine.capacity())
        else:
            turns = math.ceil((1 + others) / self.engine.capacity())
        limit = max(LEAST_S, min(limit, LATE_SHARE * left / turns))
        return Job(**(vars(job) | {"config": {**job.config, "time_limit_s": limit}}))

    def _cancel(self, name: str) -> None:
        """Stop a job; one that the engine does not know yet is forgotten."""
        if name in self.handed:
            self.engine.cancel(name)
        else:
            self.running.pop(name, None)

    def _remembered(self, name: str) -> Mapping[str, Any] | None:
        return self.memory.get("job", name)

    def _start_block(self, use: Use, place: int) -> None:
        name = f"{self.split.name}/{use.id}"
        if name in self.running:
            return
        if (known := self._remembered(name)) is not None:
            self.blocks[use.id] = known
            return

        def then(done: Done) -> None:
            if done.outcome == "ok" and done.result is not None:
                self.blocks[use.id] = done.result
                self._start_ready()
            elif done.outcome != "cancelled":
                for order in [o for o in self.waiting.values() if use in o.recipe.encoders]:
                    self.outcomes[order.id].reason = f"encoder {use.part}: {done.reason or done.outcome}"
                    del self.waiting[order.id]

        config = {"split": str(self.split.folder), "use": use.to_json(), "seed": self.seed}
        self._submit(place, Job(id=name, attempt=1, function="afield.search.tasks:encode_block", config=config), then)

    def _start_ready(self) -> None:
        ready = [o for o in self.waiting.values() if all(use.id in self.blocks for use in o.recipe.encoders)]
        for order in ready:
            del self.waiting[order.id]
            for fold in self.fold_list[:1] if self.judge else self.fold_list:
                self._start_fold(order, fold)

    def _fold_done(self, order: Order, fold: int, result: Mapping[str, Any]) -> None:
        """Keep a fold's result; after a first one that was to be judged, go on with the others or leave them."""
        outcome = self.outcomes[order.id]
        outcome.folds[fold] = result
        if self.judge is None or fold != self.fold_list[0]:
            return
        outcome.discarded = self.judge(order)
        for other in [] if outcome.discarded else self.fold_list[1:]:
            self._start_fold(order, other)

    def _start_fold(self, order: Order, fold: int) -> None:
        name = f"{self.split.name}/{order.id}/{fold}"
        outcome = self.outcomes[order.id]
        if (known := self._remembered(name)) is not None:
            self._fold_done(order, fold, known)
            return

        def then(done: Done) -> None:
            if done.outcome == "ok" and done.result is not None:
                self._fold_done(order, fold, done.result)
            elif done.outcome != "cancelled" and not outcome.reason:
                outcome.reason = f"fold {fold}: {done.reason or done.outcome}"
                for other in [n for n in self.running if n.startswith(f"{self.split.name}/{order.id}/")]:
                    self._cancel(other)

        config = {
            "split": str(self.split.folder),
            "trial": order.id,
            "fold": fold,
            "recipe": order.recipe.to_json(),
            "features": {use.id: self.blocks[use.id]["features"] for use in order.recipe.encoders},
            "seed": self.seed,
            "threads": 1,
            "time_limit_s": order.time_limit_s,
            "rounds": self.rounds,
            "objective": self.objective,
        }
        function = "afield.search.tasks:fit_fold"
        if order.recipe.lesson:
            function = "afield.search.lesson:fit_student"
            config["teacher"] = teacher_config(self.memory, self.split, order.recipe)
        job = Job(id=name, attempt=1, function=function, config=config)
        self._submit(self.orders.index(order), job, then)

    def _stop(self) -> None:
        """Cancel what runs, wait for the engine to say so, and keep what was done in the meantime."""
        self.queue.clear()
        for name in list(self.running):
            self._cancel(name)
        while self.handed and (ended := self.engine.poll(10 * POLL_S)):
            self.memory.put_all([("job", d.id, d.result or {}) for d in ended if d.outcome == "ok"])
            self.handed -= {d.id for d in ended}
        self.running.clear()
