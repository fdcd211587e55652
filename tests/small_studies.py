"""Small studies for tests of the search: tables, an engine in this process, and learners that go wrong on purpose."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.core import registry
from afield.core.events import Event
from afield.core.lazy import attribute
from afield.data.answer import Answer
from afield.data.metrics import choose_metric
from afield.data.splits import Folds, make_folds
from afield.data.table import NumberColumn, StringColumn, Table
from afield.engines.protocol import Done, Job, Ref
from afield.parts.learners.linear import part as linear
from afield.problem.schema import ColumnSpec, Schema, TargetSpec
from afield.search.clock import Clock
from afield.search.driver import Driver, Plan
from afield.search.journal import Journal
from afield.search.memory import Memory
from afield.search.recipe import Recipe, Use
from afield.search.store import Question, Split, open_split, save_question, save_split

SITES = ("north", "south", "reef", "bay")
DAYS = tuple(f"2024-0{1 + i % 9}-1{i % 7}T00:00:00" for i in range(40))


def make_question(
    task: Any = "binary", rows: int = 90, seed: int = 0, *, signal: float = 1.0, **extra: Any
) -> Question:
    """Return numbers with holes, a category, a text and a date; ``signal`` 0: the target is pure noise."""
    draw = np.random.default_rng(seed)
    size, depth = draw.normal(size=rows), draw.normal(size=rows)
    site, words = draw.choice(SITES, rows), draw.choice(["torn net", "net", "calm", "storm near"], rows)
    score = signal * (size + 0.5 * depth + (site == "reef")) + (0.4 if signal else 1.0) * draw.normal(size=rows)
    if task == "regression":
        answer = Answer(task=task, values=score)
    else:
        count = 2 if task == "binary" else 3
        ranks = score.argsort().argsort()
        answer = Answer(task=task, values=(ranks * count // rows).astype(np.int64), classes=count)
    table = Table(
        {
            "size": NumberColumn(size),
            "depth": NumberColumn(np.where(np.arange(rows) % 9 == 0, np.nan, depth)),
            "site": StringColumn.of(site.astype(object)),
            "words": StringColumn.of(words.astype(object)),
            "day": StringColumn.of(np.array([DAYS[i % 40] for i in range(rows)], dtype=object)),
        },
        rows,
    )
    kinds = {"size": "number", "depth": "number", "site": "category", "words": "text", "day": "datetime"}
    specs = tuple(
        ColumnSpec(
            name=n,
            kind=k,  # type: ignore[arg-type]
            levels=SITES if k == "category" else (),
            low=-3.0 if k == "number" else 19_700.0 if k == "datetime" else None,
            high=3.0 if k == "number" else 20_000.0 if k == "datetime" else None,
            formats=("iso",) if k == "datetime" else (),
        )
        for n, k in kinds.items()
    )
    return Question(
        table=table,
        specs=specs,
        answer=answer,
        weights=extra.get("weights"),
        groups=extra.get("groups"),
        times=extra.get("times"),
    )


def only(question: Question, *kinds: str) -> Question:
    """Return the question with columns of these kinds only."""
    specs = tuple(s for s in question.specs if s.kind in kinds)
    return replace(question, specs=specs, table=question.table.select([s.name for s in specs]))


def schema_of(question: Question) -> Schema:
    answer = question.answer
    classes = tuple(f"c{i}" for i in range(answer.classes))
    spec = ColumnSpec(name="y", kind="category" if classes else "number")
    target = TargetSpec(name="y", spec=spec, task=answer.task, classes=classes)
    if not classes:
        target = replace(target, label_type="number")
    return Schema(columns=question.specs, target=target)


def make_split(folder: Path, question: Question, folds: Folds | int = 4) -> Split:
    """Store the question and its main split in a new study's folder."""
    save_question(folder / "table", question)
    rows = np.arange(question.table.rows, dtype=np.int64)
    if isinstance(folds, int):
        folds = make_folds(question.answer, question.groups, question.times, folds, 0)
    save_split(Split("main", folder / "splits" / "main", folder / "table", rows, folds))
    return open_split(folder / "splits" / "main")


class MemoryEngine:
    """Runs jobs in this process, one a poll.

    ``fate`` may end a job in its own way; ``last_first`` turns the order round; ``log`` lists all attempts.
    """

    def __init__(self, fate: Callable[[Job], Done | None] = lambda job: None, *, last_first: bool = False) -> None:
        self.fate, self.last_first = fate, last_first
        self.queue: list[Job] = []
        self.ended: list[Done] = []
        self.log: list[tuple[str, int]] = []
        self.ran: list[str] = []
        self.cancelled: list[str] = []

    def capacity(self) -> int:
        return 2

    def share(self, path: Path) -> Ref:
        return Ref(str(path))

    def submit(self, job: Job, *, timeout_s: float | None = None) -> None:
        assert job.id not in {j.id for j in self.queue}
        self.queue.append(job)
        self.log.append((job.id, job.attempt))

    def poll(self, timeout_s: float) -> list[Done]:
        if self.ended:
            ended, self.ended = self.ended, []
            return ended
        if not self.queue:
            return []
        job = self.queue.pop(-1 if self.last_first else 0)
        done = self.fate(job)
        if done is None:
            self.ran.append(job.id)
            try:
                done = ok(job, attribute(job.function)(job.config))
            except (ArithmeticError, RuntimeError, ValueError) as error:
                done = Done(id=job.id, attempt=job.attempt, outcome="error", reason=f"{type(error).__name__}: {error}")
        return [done]

    def cancel(self, id: str) -> None:
        self.cancelled.append(id)
        for job in [j for j in self.queue if j.id == id]:
            self.queue.remove(job)
            self.ended.append(Done(id=id, attempt=job.attempt, outcome="cancelled"))

    def close(self) -> None:
        self.queue.clear()


def ok(job: Job, result: Mapping[str, Any]) -> Done:
    return Done(id=job.id, attempt=job.attempt, outcome="ok", result=result)


@dataclass
class Bench:
    """A driver on a stored question, with everything that it was given."""

    driver: Driver
    engine: MemoryEngine
    journal: Journal
    events: list[Event]


def make_bench(
    folder: Path,
    question: Question,
    *,
    engine: MemoryEngine | None = None,
    metric: str | None = None,
    clock: Clock | None = None,
    seed: int = 0,
    test_given: bool = False,
) -> Bench:
    """Return a driver; a second call in the same folder goes on with the journal, as resume does."""
    if not (folder / "table" / "meta.json").exists():
        save_question(folder / "table", question)
    journal, engine, events = Journal.open(folder / "journal.jsonl"), engine or MemoryEngine(), []
    plan = Plan(
        folder=folder,
        schema=schema_of(question),
        metric=choose_metric(question.answer.task, metric),
        seed=seed,
        effort="quick",
        test_given=test_given,
    )
    driver = Driver(plan, engine, Memory(journal), clock or Clock(time.time()), events.append)
    return Bench(driver, engine, journal, events)


# Recipes and learners -------------------------------------------------------------------------------------------------

NUMBERS = (Use(part="scaled_number", settings={}, kind="number"),)
TREE_NUMBERS = (Use(part="number", settings={}, kind="number"),)


def linear_recipe(strength: float = 1.0, name: str = "linear", learner: str = "linear", task: str = "binary") -> Recipe:
    settings = {"alpha": 1.0 / strength} if task == "regression" else {"C": strength}
    return Recipe(name=name, encoders=NUMBERS, learner=Use(part=learner, settings=settings))


def tree_recipe(rounds: int = 20, name: str = "trees", **settings: Any) -> Recipe:
    chosen = {"max_rounds": rounds, "min_data_in_leaf": 3, "num_leaves": 6} | settings
    return Recipe(name=name, encoders=TREE_NUMBERS, learner=Use(part="lightgbm", settings=chosen))


def propose_only(monkeypatch: Any, recipes: Sequence[Recipe]) -> None:
    """Let searches try these recipes and no others."""
    monkeypatch.setattr("afield.search.propose.first_recipes", lambda shape: list(recipes))
    monkeypatch.setattr("afield.search.propose.TRIES", 0)


def register(monkeypatch: Any, **parts: str) -> None:
    """Add parts, name to ``module:attribute``, as an installed package would."""
    known = dict(registry._points("afield.parts"))
    added = {n: EntryPoint(name=n, value=v, group="afield.parts") for n, v in parts.items()}
    others = registry._points
    monkeypatch.setattr(registry, "_points", lambda group: known | added if group == "afield.parts" else others(group))
    registry.load.cache_clear()


class _Delegate:
    """The linear learner under another name."""

    name = "delegate"
    tasks, space = linear.tasks, linear.space

    def fit(self, *arguments: Any) -> Any:
        return linear.fit(*arguments)

    def restore(self, state: Any) -> Any:
        return linear.restore(state)

    def lower(self, *arguments: Any) -> Any:
        return linear.lower(*arguments)


class _Raising(_Delegate):
    name = "raising"

    def fit(self, *arguments: Any) -> Any:
        raise RuntimeError("the sensor is on fire")


class _Infinite(_Delegate):
    """Answers with what is not a number."""

    name = "infinite"

    def fit(self, *arguments: Any) -> Any:
        return _NotFinite(linear.fit(*arguments))


class _NotFinite:
    def __init__(self, fitted: Any) -> None:
        self.state, self.rounds, self._fitted = fitted.state, fitted.rounds, fitted

    def reference(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.asarray(self._fitted.reference(features) * np.nan)


class _Crooked(_Delegate):
    """Its graph gives other answers than its library."""

    name = "crooked"

    def lower(self, builder: Any, features: Any, fitted: Any, task: Any, classes: int) -> Any:
        value = linear.lower(builder, features, fitted, task, classes)
        return builder.op("Mul", value, value)  # a mere factor would be normalised away


RAISING, INFINITE, CROOKED = _Raising(), _Infinite(), _Crooked()
