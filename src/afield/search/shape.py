"""What a table looks like from afar: all that the choice of recipes may depend on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from afield.problem.problem import Task
from afield.problem.schema import ColumnSpec


@dataclass(frozen=True)
class Shape:
    """The task, the size and the kinds: never a name, never a clock.

    ``missing`` is the share of missing cells; ``classes`` is 0 for a regression.
    """

    task: Task
    rows: int
    classes: int
    specs: tuple[ColumnSpec, ...]
    missing: float = 0.0

    @property
    def kinds(self) -> set[str]:
        """The column kinds that the table has."""
        return {s.kind for s in self.specs}

    def share(self, kind: str) -> float:
        """Return the share of the columns that are of this kind."""
        return sum(s.kind == kind for s in self.specs) / max(1, len(self.specs))

    def traits(self) -> Mapping[str, float]:
        """Return figures by which tables are near each other, on scales where a step of 1 is a long way."""
        return {
            "rows": math.log10(max(self.rows, 10)),
            "columns": math.log10(max(len(self.specs), 1)),
            "categories": 2 * self.share("category"),
            "texts": 2 * self.share("text"),
            "missing": 2 * math.sqrt(self.missing),
            "regression": float(self.task == "regression"),
            "classes": math.log2(max(self.classes, 2)) / 2,
        }
