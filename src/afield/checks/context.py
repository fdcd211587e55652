"""What a check sees: the table as read, the question, and the rows' roles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from afield.core.randomness import derive_seed
from afield.data.answer import Answer
from afield.data.table import NumberColumn, Table
from afield.problem.problem import Problem
from afield.problem.schema import ColumnSpec, TargetSpec

#: most evidence rows that a finding names
EVIDENCE = 5


@dataclass(frozen=True, kw_only=True)
class CheckContext:
    """Everything that checks may look at. Only rows with a target are in it.

    Parameters
    ----------
    table : Table
        All columns, the target and ignored ones too.
    specs : mapping of str to ColumnSpec
    features : tuple of str
        The columns that the model is to predict from.
    target : TargetSpec
    answer : Answer
    groups : int64 [N] or None
    times : float64 [N] or None
    folds : int64 [N] or None
        The outer fold of each row.
    problem : Problem
    numbers : int64 [N] or None
        The number of each row in the source, from 1; None: 1..N.
    """

    table: Table
    specs: Mapping[str, ColumnSpec]
    features: tuple[str, ...]
    target: TargetSpec
    answer: Answer
    problem: Problem
    groups: NDArray[np.int64] | None = None
    times: NDArray[np.float64] | None = None
    folds: NDArray[np.int64] | None = None
    numbers: NDArray[np.int64] | None = None

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.table.rows

    def take(self, rows: NDArray[np.int64]) -> CheckContext:
        """Return the context with these rows only."""
        numbers = self.numbers if self.numbers is not None else np.arange(1, self.rows + 1, dtype=np.int64)
        return replace(
            self,
            table=self.table.take(rows),
            answer=self.answer.take(rows),
            groups=None if self.groups is None else self.groups[rows],
            times=None if self.times is None else self.times[rows],
            folds=None if self.folds is None else self.folds[rows],
            numbers=numbers[rows],
        )

    def sampled(self, limit: int) -> CheckContext:
        """Return at most ``limit`` rows, drawn by the row count alone, in the order of the source."""
        if self.rows <= limit:
            return self
        chooser = np.random.default_rng(derive_seed("checks", self.rows, limit))
        return self.take(np.sort(chooser.choice(self.rows, size=limit, replace=False)).astype(np.int64))

    def evidence(self, rows: Iterable[int]) -> tuple[int, ...]:
        """Return source numbers of the first few of these row indexes."""
        first = [int(r) for _, r in zip(range(EVIDENCE), rows, strict=False)]
        return tuple(r + 1 if self.numbers is None else int(self.numbers[r]) for r in first)

    @cached_property
    def counts(self) -> Mapping[str, NDArray[np.int64]]:
        """Rows of each level, for every feature of strings: int64 [levels]."""
        return {
            name: np.bincount(column.codes, minlength=len(column.levels)).astype(np.int64)
            for name in self.features
            if not isinstance(column := self.table[name], NumberColumn)
        }


def listed(names: Iterable[str], most: int = 5) -> str:
    """Return ``'a', 'b' and 7 more``."""
    every = list(names)
    shown = [repr(n) for n in every[:most]]
    if len(every) > most:
        return f"{', '.join(shown)} and {len(every) - most:,} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def percent(share: float) -> str:
    """Return a share as text that never rounds up to ``100 %`` or down to ``0 %``."""
    if share in (0.0, 1.0):
        return f"{share:.0%}".replace("%", " %")
    for digits in (1, 2, 3):
        text = f"{100 * share:.{digits}f}"
        if 0.0 < float(text) < 100.0:
            return f"{text} %"
    return "under 0.001 %" if share < 0.5 else "over 99.999 %"


def ignore_options(names: Iterable[str]) -> str:
    """Return ``--ignore a --ignore 'b c'``."""
    import shlex

    return " ".join(f"--ignore {shlex.quote(n)}" for n in names)
