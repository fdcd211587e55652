"""The layer below `fit`: a study that the user drives, wave by wave, recipe by recipe."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from html import escape
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from afield.api.fit import FitResult, deliver, make_driver, start_engine
from afield.api.stating import check_options, store, understand
from afield.core.errors import EngineError
from afield.core.events import Listener, silent
from afield.core.findings import Finding
from afield.core.output import check_output
from afield.problem.problem import Problem
from afield.problem.schema import Schema
from afield.search.clock import Clock
from afield.search.journal import Journal
from afield.search.loop import WAVE, Budget, summary
from afield.search.memory import Memory
from afield.search.recipe import Recipe
from afield.search.studies import new_study
from afield.search.trial import Trial


class Study:
    """A study under way.

    Made by ``afield.study(problem)``. The data is read and the question stated at once; nothing is trained before
    ``step``, ``evaluate`` or ``finish``. Use it in a ``with`` block, or call ``close``.

    Parameters
    ----------
    problem : Problem
    frame : object
        A table in memory, instead of ``problem.data``.
    listener : callable
    root : Path or None
        Folder of the studies; None: ``.afield/studies``.

    Raises
    ------
    DataError, ProblemError
        As ``afield.fit``.

    Examples
    --------
    >>> import afield
    >>> with afield.study(afield.Problem(target="rings", data="shellfish.csv")) as study:  # doctest: +SKIP
    ...     study.step()
    ...     print(study.leaderboard())
    ...     model = study.finish().model
    """

    def __init__(
        self, problem: Problem, *, frame: object = None, listener: Listener = silent, root: Path | None = None
    ) -> None:
        check_options(problem)
        self.problem = problem
        folder = new_study(problem.target, root)
        self.id = folder.name
        with ExitStack() as stack:
            journal = stack.enter_context(Journal.open(folder / "journal.jsonl"))
            engine = stack.enter_context(start_engine(problem))
            memory = Memory(journal)
            asked = {"problem": problem.to_json(), "out": None, "force": False, "frame": frame is not None}
            memory.put("study", "asked", asked | {"at": int(time.time())})
            self._understood, question = understand(problem, frame, listener)
            store(question, folder)
            memory.put("study", "understood", self._understood.to_json())
            self._driver = make_driver(folder, problem, self._understood, engine, memory, Clock(time.time()), listener)
            self._search = self._driver.main_search()
            self._open = stack.pop_all()

    @property
    def schema(self) -> Schema:
        """What each column means and how its cells are read."""
        return self._understood.schema

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the checks saw."""
        return self._understood.findings

    @property
    def trials(self) -> tuple[Trial, ...]:
        """All trials so far."""
        return tuple(self._search.trials)

    def leaderboard(self) -> list[dict[str, Any]]:
        """Return the trials, best first, as plain dicts with their recipes."""
        told = [summary(t) for t in self._search.trials]
        return sorted(told, key=lambda t: (t["loss"] is None, t["loss"] or 0.0, t["id"]))

    def proposals(self, count: int = WAVE) -> list[Recipe]:
        """Return the recipes that the search would try next."""
        return list(self._search.proposer.propose(self._search.trials, count))

    def step(self) -> list[Trial]:
        """Run the next wave and return its trials."""
        return self.evaluate(self.proposals())

    def evaluate(self, recipes: Sequence[Recipe]) -> list[Trial]:
        """Run these recipes as one wave and return their trials; a failing one says why."""
        budget = Budget(trials=len(self._search.trials) + len(recipes))
        return self._search.step(list(recipes), budget)

    def finish(self, *, out: Path | str | None = None, force: bool = False) -> FitResult:
        """Combine the trials so far, check the file, estimate the honest score, and return the result.

        Raises
        ------
        EngineError
            ``study.stopped``: no trial was run yet.
        """
        if not self._search.trials:
            raise EngineError("study.stopped", "No trial was run yet.", where=self.id, fix="call step() first")
        place = None if out is None else Path(out)
        if place is not None:
            check_output(place, force=force)
        finished = self._driver.conclude(self._search)
        return deliver(self._driver, finished, self.problem, self._understood, out=place, force=force)

    def close(self) -> None:
        """Stop the workers and let the journal go."""
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Study {self.id}: {self.problem.target}, {len(self._search.trials)} trials>"

    def _repr_html_(self) -> str:
        """Return the leaderboard as a small table for notebooks."""
        head = "".join(f"<th>{n}</th>" for n in ("trial", "recipe", "status", self._driver.plan.metric.name, "seconds"))
        rows = [
            (
                t["id"],
                t["recipe"]["name"],
                t["status"],
                "" if t["score"] is None else f"{t['score']:.4g}",
                f"{t['fit_s']:.1f}",
            )
            for t in self.leaderboard()
        ]
        body = "".join("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row) + "</tr>" for row in rows)
        title = f"study {escape(self.id)}: {escape(self.problem.target)}, {len(rows)} trials"
        return f"<table><caption>{title}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
