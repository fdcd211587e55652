"""From a source to the question that a study answers: read, state, check, store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from afield.checks.context import CheckContext
from afield.checks.registry import run_checks
from afield.core.errors import ProblemError
from afield.core.events import Event, Listener
from afield.core.findings import Finding
from afield.data.load import Loaded, load
from afield.data.splits import fold_count, make_folds
from afield.data.target import Stated, state_target
from afield.problem.problem import Problem
from afield.problem.schema import ColumnSpec, Schema
from afield.search.store import Question, save_question

#: names of the file's outputs: a column of such a name gets another input name
OUTPUTS = frozenset({"label", "probabilities", "prediction", "lower", "upper", "set", "score"})


@dataclass(frozen=True, kw_only=True)
class Understood:
    """The problem as understood, without arrays: what the journal keeps."""

    schema: Schema
    findings: tuple[Finding, ...]
    rows: int
    without_target: int
    digest: str
    source: str

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a JSON object."""
        plain = {k: getattr(self, k) for k in ("rows", "without_target", "digest", "source")}
        return plain | {"schema": self.schema.to_json(), "findings": [f.to_json() for f in self.findings]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Understood:
        """Return what ``to_json`` wrote."""
        schema = Schema.from_json(data["schema"])
        findings = tuple(Finding.from_json(f) for f in data["findings"])
        return cls(**(dict(data) | {"schema": schema, "findings": findings}))


def understand(problem: Problem, frame: object, listener: Listener) -> tuple[Understood, Question]:
    """Read the data, state the problem and check both.

    Raises
    ------
    DataError, ProblemError
        The data or the question cannot be used.
    """
    listener(Event("stage", {"name": "read"}))
    loaded = load(problem.data if frame is None else frame, problem)
    listener(Event("table", {"rows": loaded.table.rows, "columns": len(loaded.specs), "source": loaded.info.name}))
    stated = state_target(loaded, problem)
    schema = Schema(columns=_with_inputs(stated.features), target=stated.target)
    listener(Event("stage", {"name": "check"}))
    findings = [*loaded.findings, *stated.findings, *run_checks(_context(loaded, stated, problem))]
    named = {f.column for f in findings if f.code == "column.group"}  # says what a group hint says, and more
    findings = [f for f in findings if f.code != "group.hint" or f.column not in named]
    order = {"serious": 0, "warning": 1, "note": 2}
    findings.sort(key=lambda f: order[f.severity])
    for finding in findings:
        listener(Event("finding", finding.to_json()))
    question = Question(
        table=loaded.table.select([s.name for s in schema.columns]).take(stated.rows),
        specs=schema.columns,
        answer=stated.answer,
        weights=stated.weights,
        groups=stated.groups,
        times=stated.times,
    )
    understood = Understood(
        schema=schema,
        findings=tuple(findings),
        rows=len(stated.rows),
        without_target=stated.missing,
        digest=loaded.info.digest,
        source=base_name(loaded.info.name),
    )
    return understood, question


def base_name(source: str) -> str:
    """Return the name of a file or URL without its folder: folders say more than a model should."""
    return source.replace("\\", "/").rstrip("/").rpartition("/")[2].partition("?")[0]


def store(question: Question, folder: Path) -> None:
    """Write the question into a study's folder."""
    save_question(folder / "table", question)


def _with_inputs(specs: tuple[ColumnSpec, ...]) -> tuple[ColumnSpec, ...]:
    """Give columns whose name the graph cannot take (an output's, or none) an input name of their own."""
    taken = {s.name for s in specs}
    named = []
    for spec in specs:
        if spec.name in OUTPUTS or not spec.name:
            name = f"column:{spec.name}"
            while name in taken:
                name += "_"
            taken.add(name)
            spec = replace(spec, input=name)  # noqa: PLW2901
        named.append(spec)
    return tuple(named)


def _context(loaded: Loaded, stated: Stated, problem: Problem) -> CheckContext:
    folds = make_folds(stated.answer, stated.groups, stated.times, fold_count(len(stated.rows)), problem.seed)
    return CheckContext(
        table=loaded.table.take(stated.rows),
        specs=loaded.specs,
        features=tuple(s.name for s in stated.features),
        target=stated.target,
        answer=stated.answer,
        problem=problem,
        groups=stated.groups,
        times=stated.times,
        folds=folds.of,
        numbers=np.asarray(stated.rows) + 1,
    )


def announce(problem: Problem, understood: Understood, metric: str, listener: Listener) -> None:
    """Say what was understood."""
    target = understood.schema.target
    listener(
        Event(
            "problem",
            {
                "target": target.name,
                "task": target.task,
                "metric": metric,
                "classes": list(target.classes),
                "rows": understood.rows,
                "without_target": understood.without_target,
                "columns": [{"name": s.name, "kind": s.kind} for s in understood.schema.columns],
                "group": problem.group,
                "time": problem.time,
                "weight": problem.weight,
            },
        )
    )


def check_options(problem: Problem) -> None:
    """Refuse options that no data can make right.

    Raises
    ------
    ProblemError
        ``problem.option``.
    """
    if problem.minutes is not None and not 0.05 <= problem.minutes <= 60 * 24 * 30:
        raise ProblemError(
            "problem.option",
            "The time limit cannot be used.",
            where="--minutes",
            got=f"{problem.minutes:g}",
            expected="at least 0.05 (3 seconds)",
        )
    for name in ("jobs", "memory_bytes"):
        if getattr(problem, name) < 0:
            raise ProblemError("problem.option", f"{name} cannot be negative.", where=name)
