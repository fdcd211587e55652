"""The question before any work is done for it: read from a file, stated by options, or inferred from the data."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from afield.core.errors import ProblemError
from afield.problem.schema import KINDS
from afield.problem.toml import read_toml, write_toml
from afield.problem.wishes import CHOICES, state_problem

if TYPE_CHECKING:
    from afield.core.findings import Finding
    from afield.problem.problem import Problem
    from afield.problem.schema import ColumnSpec


@dataclass(frozen=True)
class Inferred:
    """A problem with all that the data settled, and what was found on the way.

    Parameters
    ----------
    problem : Problem
    columns : tuple of ColumnSpec
        The feature columns.
    findings : tuple of Finding
    rows : int
    source : str
    """

    problem: Problem
    columns: tuple[ColumnSpec, ...]
    findings: tuple[Finding, ...]
    rows: int
    source: str

    def to_toml(self) -> str:
        """Return the problem as TOML, with kinds and findings as comments."""
        from afield.api.wording import finding_text

        head = [
            "The problem as afield understood it. Edit it, then run: afield fit problem.toml",
            "Paths count from the folder of this file.",
            f"{self.source}: {self.rows:,} rows, {len(self.columns):,} columns to predict from",
            *(f"{f.severity}: {finding_text(f.to_json())}" for f in self.findings),
        ]
        notes: dict[str, Sequence[str]] = {
            "": head,
            "kinds": ["number, category, text or datetime; a line removed is inferred again"],
        }
        notes |= {f"kinds.{c.name}": (about,) for c in self.columns if (about := column_text(c))}
        return write_toml(self.problem, notes=notes, complete=True)


def choices(option: str) -> tuple[str, ...]:
    """Return the values that an option knows: ``task``, ``effort``, ``decimal`` or ``kinds``."""
    return KINDS if option == "kinds" else tuple(c for c in CHOICES[option] if c)


def is_problem_file(data: object) -> bool:
    """Return whether ``data`` is the path of a written problem."""
    return isinstance(data, str | os.PathLike) and os.fspath(data).lower().endswith(".toml")


def problem_from(data: str, wishes: Mapping[str, Any]) -> Problem:
    """Return the problem stated by a table's path, or by a problem file, and wishes that change it.

    Raises
    ------
    ProblemError
        ``problem.option``, ``problem.file``.
    """
    if is_problem_file(data):
        return state_problem(wishes, base=read_problem(Path(data)))
    return state_problem({"data": data, **wishes})


def read_problem(path: Path) -> Problem:
    """Return the problem written in a TOML file; its paths count from the file's folder.

    Raises
    ------
    ProblemError
        ``problem.file``, ``problem.option``.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise ProblemError(
            "problem.file",
            f"The problem file cannot be read: {reason}.",
            where=str(path),
            fix="afield problem DATA --target COLUMN > problem.toml writes one",
        ) from error
    problem = read_toml(text, where=str(path))
    if not problem.data:
        raise ProblemError("problem.file", "The problem file names no data.", where=str(path), fix='data = "table.csv"')
    return replace(problem, data=_from_folder(problem.data, path.parent), test=_from_folder(problem.test, path.parent))


def infer(problem: Problem) -> Inferred:
    """Read the data and return the problem with task, metric and column kinds filled in.

    Raises
    ------
    DataError, ProblemError
        What ``afield fit`` would raise before its search.
    """
    from afield.api.stating import understand
    from afield.core.events import silent
    from afield.data.metrics import choose_metric

    understood, _ = understand(problem, None, silent)
    columns, task = understood.schema.columns, understood.schema.target.task
    full = replace(
        problem,
        task=task,
        metric=choose_metric(task, problem.metric, problem.costs, understood.schema.target.classes).name,
        kinds={c.name: c.kind for c in columns},
    )
    return Inferred(full, columns, understood.findings, understood.rows, problem.data)


def column_text(spec: ColumnSpec) -> str:
    """Return what was seen in a column, in a few words."""
    parts = []
    if spec.unit:
        parts.append(f"in {spec.unit}")
    if spec.low is not None and spec.high is not None:
        parts.append(f"{bound(spec, spec.low)} to {bound(spec, spec.high)}")
    if spec.levels:
        parts.append(
            f"{len(spec.levels)} levels: {', '.join(spec.levels[:4])}" + (", ..." if len(spec.levels) > 4 else "")
        )
    if spec.decimal == ",":
        parts.append("decimal comma")
    if spec.formats:
        parts.append(" or ".join(spec.formats))
    return "; ".join(parts)


def bound(spec: ColumnSpec, value: float) -> str:
    """Return an end of a column's range as people write it: a figure, or a date."""
    from afield.api.wording import figure

    if spec.kind != "datetime":
        return figure(value)
    return (datetime(1970, 1, 1) + timedelta(days=value)).strftime("%Y-%m-%d")


def _from_folder(place: str, folder: Path) -> str:
    """Return a path that counts from ``folder``; absolute paths and URLs stay."""
    if not place or "://" in place or Path(place).is_absolute():
        return place
    return str(folder / place)
