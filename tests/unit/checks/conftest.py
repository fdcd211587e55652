from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from afield.checks.context import CheckContext
from afield.data.answer import Answer
from afield.data.table import Column, NumberColumn, StringColumn, Table
from afield.problem.problem import Problem
from afield.problem.schema import ColumnSpec, TargetSpec

Make = Callable[..., CheckContext]


@pytest.fixture
def make() -> Make:
    """Return a maker of contexts: columns as sequences, the target's values, kinds where they are not obvious."""

    def made(
        columns: Mapping[str, Sequence[Any]],
        target: Sequence[Any],
        *,
        kinds: Mapping[str, str] | None = None,
        groups: Sequence[int] | None = None,
        **problem: Any,
    ) -> CheckContext:
        table: dict[str, Column] = {}
        specs: dict[str, ColumnSpec] = {}
        for name, values in columns.items():
            array = np.asarray(values)
            number = array.dtype.kind in "iufb"
            table[name] = NumberColumn(array.astype(float)) if number else StringColumn.of(array.astype(object))
            kind: Any = (kinds or {}).get(name, "number" if number else "category")
            specs[name] = ColumnSpec(name=name, kind=kind)
        wanted = np.asarray(target)
        if wanted.dtype.kind == "f":
            table["y"] = NumberColumn(wanted)
            specs["y"] = ColumnSpec(name="y", kind="number")
            answer, classes = Answer(task="regression", values=wanted), ()
        else:
            names, codes = np.unique(wanted.astype(str), return_inverse=True)
            classes = tuple(str(n) for n in names)
            table["y"] = StringColumn.of(wanted.astype(str).astype(object))
            specs["y"] = ColumnSpec(name="y", kind="category")
            task: Any = "binary" if len(classes) == 2 else "multiclass"
            answer = Answer(task=task, values=codes.astype(np.int64), classes=len(classes))
        return CheckContext(
            table=Table(table, len(wanted)),
            specs=specs,
            features=tuple(columns),
            target=TargetSpec(name="y", spec=specs["y"], task=answer.task, classes=classes),
            answer=answer,
            problem=Problem(target="y", **problem),
            groups=None if groups is None else np.asarray(groups, dtype=np.int64),
        )

    return made


@pytest.fixture
def chance() -> np.random.Generator:
    return np.random.default_rng(7)
