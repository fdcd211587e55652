"""The question as the data answers it: target, task, usable rows and features."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from afield.core.errors import ProblemError, did_you_mean
from afield.core.findings import Finding
from afield.data.answer import Answer
from afield.data.load import Loaded
from afield.data.special import groups_of, times_of, weights_of
from afield.data.table import NumberColumn, StringColumn
from afield.data.task import infer_task
from afield.problem.cells import canonical_number
from afield.problem.problem import TASKS, Problem, Task
from afield.problem.schema import ColumnSpec, TargetSpec

#: Fewer rows than this cannot be split into rows to learn from and rows to check on.
MIN_ROWS = 5


@dataclass(frozen=True, kw_only=True)
class Stated:
    """The question, stated.

    Parameters
    ----------
    target : TargetSpec
    answer : Answer
        Of the kept rows.
    rows : int64 [n]
        Row numbers of the table, from 0, whose target is there.
    missing : int
        How many rows have no target.
    groups : int64 [n] or None
        Group of each kept row.
    times : float64 [n] or None
        Seconds since 1970 of a datetime, or the number itself; only the order matters.
    weights : float64 [n] or None
    features : tuple of ColumnSpec
        The columns to predict from, in the order of the source.
    findings : tuple of Finding
    """

    target: TargetSpec
    answer: Answer
    rows: NDArray[np.int64]
    missing: int
    groups: NDArray[np.int64] | None
    times: NDArray[np.float64] | None
    weights: NDArray[np.float64] | None
    features: tuple[ColumnSpec, ...]
    findings: tuple[Finding, ...]


def state_target(loaded: Loaded, problem: Problem) -> Stated:
    """Return the question that ``problem`` asks of the table.

    Raises
    ------
    ProblemError
        ``problem.target_not_found``, ``problem.target_missing``, ``problem.too_few_rows``, ``problem.one_class``,
        ``problem.task``, ``problem.option``, ``problem.target_is_feature``, ``problem.no_features``.
    """
    spec = _target_spec(loaded, problem)
    column = loaded.table[problem.target]
    rows = np.flatnonzero(~column.missing).astype(np.int64)
    missing = loaded.table.rows - len(rows)
    _check_rows(len(rows), missing, problem, loaded.info.name)
    kept = column.take(rows)
    task, findings = infer_task(spec, kept, loaded.labels[problem.target], problem.task)
    if problem.task is not None and problem.task not in TASKS:
        raise ProblemError("problem.task", f"{problem.task!r} is not a task.", expected=", ".join(TASKS))
    target, answer = _answer(spec, kept, task, loaded, problem)
    found = [*_missing_finding(missing, column.missing, problem.target), *findings]
    features, notes = _features(loaded, problem)
    _check_not_target(features, loaded, rows, kept, problem)
    groups, group_notes = groups_of(loaded, problem.group, rows)
    times, time_notes = times_of(loaded, problem.time, rows)
    return Stated(
        target=target,
        answer=answer,
        rows=rows,
        missing=missing,
        groups=groups,
        times=times,
        weights=weights_of(loaded, problem.weight, rows),
        features=features,
        findings=(*found, *notes, *group_notes, *time_notes),
    )


def _target_spec(loaded: Loaded, problem: Problem) -> ColumnSpec:
    names = list(loaded.table.columns)
    if problem.target in problem.ignore:
        raise ProblemError("problem.option", f"The target {problem.target!r} is also ignored.", where="--ignore")
    for option in ("group", "time", "weight"):
        if getattr(problem, option) == problem.target:
            raise ProblemError(
                "problem.option", f"The target {problem.target!r} is also the {option}.", where=f"--{option}"
            )
    if problem.target not in loaded.table.columns:
        raise ProblemError(
            "problem.target_not_found",
            f"The data has no column {problem.target!r} to predict.",
            where=loaded.info.name,
            fix=did_you_mean(problem.target, names),
        )
    return loaded.specs[problem.target]


def _check_rows(rows: int, missing: int, problem: Problem, where: str) -> None:
    if rows == 0:
        raise ProblemError(
            "problem.target_missing",
            f"The target {problem.target!r} is missing in all {missing:,} rows.",
            where=f"{where}, column {problem.target!r}",
            fix="name another column, or fill this one",
        )
    if rows < MIN_ROWS:
        without = f" (and {missing:,} without a target)" if missing else ""
        raise ProblemError(
            "problem.too_few_rows",
            f"There are {rows} rows{without}; at least {MIN_ROWS} are needed.",
            where=where,
            got=f"n_samples = {rows}",
            expected=f"{MIN_ROWS} rows with a target, better some hundreds",
            fix="collect more rows",
        )


def _answer(
    spec: ColumnSpec, kept: NumberColumn | StringColumn, task: Task, loaded: Loaded, problem: Problem
) -> tuple[TargetSpec, Answer]:
    if task == "regression":
        assert isinstance(kept, NumberColumn)
        if kept.values.min() == kept.values.max():
            raise _one_value(canonical_number(float(kept.values[0])), problem, loaded.info.name)
        target = TargetSpec(name=problem.target, spec=spec, task=task, label_type="number", unit=spec.unit)
        return target, Answer(task=task, values=kept.values)
    label = loaded.labels[problem.target]
    if isinstance(kept, NumberColumn):
        distinct, codes = np.unique(kept.values, return_inverse=True)
        classes = tuple(canonical_number(float(v)) for v in distinct)
        spec = replace(spec, kind="category", canonical="number", low=None, high=None)
        label = label if label in ("integer", "number") else "number"
    else:
        used, codes = np.unique(kept.codes, return_inverse=True)
        texts = [str(kept.levels[i]) for i in used]
        order = sorted(range(len(texts)), key=_class_order(texts, spec))
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        codes, classes = place[codes], tuple(texts[i] for i in order)
    if len(classes) == 1:
        raise _one_value(classes[0], problem, loaded.info.name)
    if problem.positive is not None and _positive(problem, classes) == 0:
        codes, classes = 1 - codes, classes[::-1]
    spec = replace(spec, levels=())
    target = TargetSpec(name=problem.target, spec=spec, task=task, classes=classes, label_type=label)
    return target, Answer(task=task, values=codes.astype(np.int64), classes=len(classes))


def _class_order(texts: list[str], spec: ColumnSpec) -> Callable[[int], tuple[float, str]]:
    if spec.canonical == "number":
        return lambda i: (float(texts[i]), texts[i])
    return lambda i: (0.0, texts[i])


def _one_value(value: str, problem: Problem, where: str) -> ProblemError:
    return ProblemError(
        "problem.one_class",
        f"The target {problem.target!r} is {value!r} in every row: there is nothing to learn (1 class).",
        where=f"{where}, column {problem.target!r}",
        fix="name another target, or add rows with other values",
    )


def _missing_finding(missing: int, mask: NDArray[np.bool_], name: str) -> list[Finding]:
    if not missing:
        return []
    return [
        Finding(
            code="target.missing",
            severity="note" if missing < 0.2 * len(mask) else "warning",
            what=f"{missing:,} of {len(mask):,} rows have no {name!r} and are left out.",
            column=name,
            rows=tuple(int(r) + 1 for r in np.flatnonzero(mask)[:5]),
        )
    ]


def _positive(problem: Problem, classes: tuple[str, ...]) -> int:
    """Return the place of the positive class of two."""
    if len(classes) != 2 or problem.positive not in classes:
        many = len(classes) != 2
        raise ProblemError(
            "problem.option",
            "--positive is for two classes." if many else f"The target has no class {problem.positive!r}.",
            where="--positive",
            got=f"{len(classes)} classes" if many else repr(problem.positive),
            fix="leave it out" if many else did_you_mean(str(problem.positive), list(classes)),
        )
    return classes.index(problem.positive)


_NOTES: Mapping[str, tuple[str, str]] = {
    "id": ("is different in every row like an id, and is left out", "to use it: --kind {name}={kind}"),
    "constant": ("has one value only, and is left out", ""),
    "empty": ("has no values, and is left out", ""),
}


def _features(loaded: Loaded, problem: Problem) -> tuple[tuple[ColumnSpec, ...], list[Finding]]:
    special = {problem.target, problem.group, problem.time, problem.weight}
    features, notes = [], []
    for name, spec in loaded.specs.items():
        role = loaded.roles[name]
        if name in special:
            continue
        if role == "feature":
            features.append(spec)
            continue
        what, fix = _NOTES[role]
        fix = fix.format(name=name, kind=spec.kind)
        notes.append(Finding(code=f"column.{role}", severity="note", what=f"{name!r} {what}.", column=name, fix=fix))
    if not features:
        raise ProblemError(
            "problem.no_features",
            "No usable column is left to predict from.",
            where=loaded.info.name,
            got="; ".join(n.what for n in notes[:5]),
            fix="add columns that tell something about the target",
        )
    return tuple(features), notes


def _check_not_target(
    features: tuple[ColumnSpec, ...],
    loaded: Loaded,
    rows: NDArray[np.int64],
    kept: NumberColumn | StringColumn,
    problem: Problem,
) -> None:
    for spec in features:
        if spec.name not in problem.kinds and _equal(loaded.table[spec.name].take(rows), kept):
            raise ProblemError(
                "problem.target_is_feature",
                f"The column {spec.name!r} equals the target {problem.target!r} on all {len(rows):,} rows.",
                where=loaded.info.name,
                fix=f"leave it out: --ignore {spec.name}; if it is meant, say so: --kind {spec.name}={spec.kind}",
            )


def _equal(column: NumberColumn | StringColumn, target: NumberColumn | StringColumn) -> bool:
    if isinstance(column, NumberColumn) and isinstance(target, NumberColumn):
        return bool(np.array_equal(column.values, target.values))
    if isinstance(column, StringColumn) and isinstance(target, StringColumn):
        head = slice(0, 100)  # most columns differ early
        return bool((column.feed(head) == target.feed(head)).all()) and bool(
            (column.feed(slice(None)) == target.feed(slice(None))).all()
        )
    return False
