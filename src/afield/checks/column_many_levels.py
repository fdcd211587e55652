"""``column.many_levels``: a category with so many levels that most of them have a handful of rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from afield.checks.column_id_like import UNIQUE
from afield.checks.context import CheckContext, ignore_options, percent
from afield.core.findings import Finding

#: levels from which it is said
LEVELS = 1_000


def find(context: CheckContext) -> Iterator[Finding]:
    """Yield a note for each category of a thousand levels that is not an id."""
    for name, counts in context.counts.items():
        if context.specs[name].kind != "category":
            continue
        used = counts[(counts > 0) & (context.table[name].levels != "")]  # type: ignore[union-attr]
        if len(used) < LEVELS or len(used) >= UNIQUE * used.sum():
            continue
        rare = int(np.sum(used < 5))
        yield Finding(
            code="column.many_levels",
            severity="note",
            column=name,
            what=f"{name!r} has {len(used):,} levels; {rare:,} of them ({percent(rare / len(used))}) have under "
            "5 rows.",
            fix=f"A coarser column serves new levels better. To leave it out: {ignore_options([name])}",
        )
