"""Any point of a study's front as a model file: the stored trials chosen anew, under the limits that are asked for."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afield.api.fit import FitResult, make_driver, packed, start_engine
from afield.api.stating import Understood
from afield.core.errors import EngineError, ProblemError
from afield.core.events import Event, Listener, silent
from afield.core.files import remove_parts, write_atomic
from afield.core.output import check_output
from afield.data.metrics import choose_metric
from afield.model.model import Model
from afield.model.selftest import require
from afield.problem.problem import Problem
from afield.problem.wishes import state_problem
from afield.search.clock import Clock
from afield.search.driver import Driver
from afield.search.front import Point
from afield.search.journal import Journal
from afield.search.loop import summary
from afield.search.memory import Memory
from afield.search.store import open_question
from afield.search.studies import damaged_study, find_study

NO_LIMITS = {"max_size_bytes": None, "max_latency_us": None}


@dataclass(frozen=True, kw_only=True)
class Front:
    """The front of a study: its metric, and its points, smallest file first."""

    study: str
    metric: str
    higher_is_better: bool
    points: tuple[Point, ...]


def front(study: str) -> Front:
    """Return the front of a finished or a stopped study.

    Raises
    ------
    EngineError
        ``study.not_found``; ``study.busy``: it is running; ``study.stopped``: it has no trial yet.
    """
    folder = find_study(study)
    with Journal.open(folder / "journal.jsonl") as journal:
        memory = Memory(journal)
        problem, understood = _asked(folder, memory, NO_LIMITS)
        target = understood.schema.target
        metric = choose_metric(target.task, problem.metric, problem.costs, target.classes)
        stored = memory.get("step", "front")
        if stored is not None:
            points = tuple(Point.from_json(p) for p in stored["points"])
        else:
            with _driver(folder, problem, understood, memory, silent) as driver:
                points = tuple(driver.stored_front())
    return Front(study=folder.name, metric=metric.name, higher_is_better=metric.higher_is_better, points=points)


def pick(
    study: str,
    limits: Mapping[str, Any],
    *,
    out: Path | None = None,
    force: bool = False,
    listener: Listener = silent,
    started: float | None = None,
) -> FitResult:
    """Choose the best ensemble of a study that keeps the limits, prove it, judge it, and return it.

    The study is left as it is: its own model stays its model. The score is the chosen ensemble's own, from the outer
    splits that the study searched.

    Parameters
    ----------
    study : str
        Its id.
    limits : mapping
        ``max_size`` ("50KB") or ``max_size_bytes``, ``max_latency`` ("20us") or ``max_latency_us``; at least one.
    out : Path or None
        Where to write the model.

    Raises
    ------
    EngineError
        ``study.not_found``, ``study.busy``, ``study.stopped``.
    DeviceLimitError
        ``model.limits``: nothing keeps them.
    ProblemError
        ``problem.option``.
    """
    began = time.time() if started is None else started
    folder = find_study(study)
    if not any(v is not None for v in limits.values()):
        raise ProblemError(
            "problem.option",
            "No limit is given.",
            where="--max-size, --max-latency",
            fix=f"afield pick {folder.name} lists what there is",
        )
    if out is not None:
        check_output(out, force=force)
    with Journal.open(folder / "journal.jsonl") as journal:
        memory = Memory(journal)
        problem, understood = _asked(folder, memory, limits)
        with _driver(folder, problem, understood, memory, listener) as driver, driver.interrupt.listening():
            finished = driver.again()
        question = open_question(folder / "table")
        content, _ = packed(problem, understood, question, finished, driver.plan.metric, listener)
    remove_parts(folder, below=True)
    model = Model(content)
    require(model.verify())
    if out is not None:
        check_output(out, force=force)
        write_atomic(out, content)
        listener(Event("written", {"path": str(out), "bytes": len(content)}))
    weights = finished.solution.weights
    board = [summary(t) | {"weight": weights[t.id]} for t in finished.solution.trials if t.id in weights]
    return FitResult(
        model=model,
        study=folder.name,
        path=out,
        findings=understood.findings,
        score=model.card.to_json()["score"],
        leaderboard=sorted(board, key=lambda t: (-t["weight"], t["id"])),
        wall_s=time.time() - began,
    )


def _asked(folder: Path, memory: Memory, limits: Mapping[str, Any]) -> tuple[Problem, Understood]:
    """Return the study's problem under other limits, without a limit of time, and what was understood."""
    asked, understood = memory.get("study", "asked"), memory.get("study", "understood")
    if asked is None:
        raise damaged_study(folder, "The study was stopped before its first line: there is nothing to pick from.")
    if understood is None:
        raise EngineError(
            "study.stopped", "The study was stopped before its first trial.", where=folder.name,
            fix=f"afield resume {folder.name}",
        )  # fmt: skip
    problem = Problem.from_json(asked["problem"])
    given = {n: v for n, v in limits.items() if v is not None}
    return state_problem(given, base=state_problem(NO_LIMITS, base=problem)), Understood.from_json(understood)


@contextmanager
def _driver(
    folder: Path, problem: Problem, understood: Understood, memory: Memory, listener: Listener
) -> Iterator[Driver]:
    with start_engine(problem) as engine:
        yield make_driver(folder, problem, understood, engine, memory, Clock(time.time()), listener)
