"""Which task a target asks for, and what to say where it could be another."""

from __future__ import annotations

import numpy as np

from afield.core.errors import ProblemError
from afield.core.findings import Finding
from afield.data.table import NumberColumn, StringColumn
from afield.problem.cells import canonical_number
from afield.problem.problem import TASKS, Task
from afield.problem.schema import ColumnSpec

#: Whole numbers with more distinct values are amounts, not classes.
FEW_VALUES = 20


def infer_task(
    spec: ColumnSpec, kept: NumberColumn | StringColumn, label: str, wanted: Task | None
) -> tuple[Task, tuple[Finding, ...]]:
    """Return the task and findings about the choice.

    Words and booleans are classes. Numbers with fractions, or with more than 20 different values, are amounts. Two
    whole numbers are classes. Three to 20 are amounts when they lie like a scale or a count: at least five, without
    gaps, with one peak, and clearly uneven; else classes. That choice is told.

    Raises
    ------
    ProblemError
        ``problem.task``: the wanted task does not fit.
    """
    if wanted is not None and wanted not in TASKS:
        raise ProblemError("problem.task", f"{wanted!r} is not a task.", where="--task", expected=", ".join(TASKS))
    if isinstance(kept, StringColumn):
        return _of_words(spec, kept, wanted)
    values, counts = np.unique(kept.values, return_counts=True)
    if wanted is not None and wanted != "regression":
        return _checked_classes(spec.name, len(values), len(kept), wanted)
    if wanted is not None:
        return wanted, ()
    if len(values) > FEW_VALUES or bool((values != np.floor(values)).any()) or len(values) == 1:
        return "regression", ()
    if len(values) == 2:
        return "binary", ()
    task: Task = "regression" if _is_scale(values, counts) else "multiclass"
    other = "multiclass" if task == "regression" else "regression"
    shown = ", ".join(canonical_number(float(v)) for v in values[:8]) + (", ..." if len(values) > 8 else "")
    meant = "amounts on a scale" if task == "regression" else "classes"
    finding = Finding(
        code="target.few_values",
        severity="warning",
        what=f"{spec.name!r} has {len(values)} different whole numbers ({shown}), taken for {meant}: {task}.",
        column=spec.name,
        fix=f"if they are {'classes' if task == 'regression' else 'amounts'}: --task {other}",
    )
    return task, (finding,)


def _is_scale(
    values: np.ndarray[tuple[int], np.dtype[np.float64]], counts: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> bool:
    if len(values) < 5 or bool((np.diff(values) != 1).any()):
        return False
    rises = np.diff(counts)
    peak = int(np.argmax(counts))
    slack = np.sqrt(counts[:-1] + counts[1:])  # what chance does to two equal counts
    one_peak = bool((rises[:peak] > -slack[:peak]).all() and (rises[peak:] < slack[peak:]).all())
    return one_peak and int(counts.max()) > 3 * int(counts.min())


def _of_words(spec: ColumnSpec, kept: StringColumn, wanted: Task | None) -> tuple[Task, tuple[Finding, ...]]:
    if wanted == "regression":
        raise ProblemError(
            "problem.task",
            f"Regression needs a number, and {spec.name!r} is read as {spec.kind}.",
            where="--task regression",
            got=", ".join(repr(str(v)) for v in kept.levels[:5] if v),
            fix="leave --task out, name another target, or correct its cells",
        )
    if spec.kind == "datetime":
        raise ProblemError(
            "problem.task",
            f"The target {spec.name!r} is a date; afield predicts classes and numbers.",
            fix="predict a number, such as the days until then",
        )
    return _checked_classes(spec.name, len(np.unique(kept.codes)), len(kept), wanted)


def _checked_classes(name: str, classes: int, rows: int, wanted: Task | None) -> tuple[Task, tuple[Finding, ...]]:
    if classes > max(2, rows // 2):
        raise ProblemError(
            "problem.task",
            f"{name!r} has {classes:,} different values in {rows:,} rows: too many to be classes.",
            fix="name a target with fewer classes, or with numbers for a regression",
        )
    if wanted == "binary" and classes > 2:
        raise ProblemError(
            "problem.task",
            f"A binary task needs two classes, and {name!r} has {classes}.",
            where="--task binary",
            fix="--task multiclass",
        )
    return ("multiclass" if classes > 2 else "binary"), ()
