"""``levels.rare``: levels of a handful of rows stay out of the model file, because they can point at a person."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from afield.checks.column_id_like import UNIQUE
from afield.checks.context import CheckContext, listed
from afield.core.findings import Finding
from afield.data.table import NumberColumn

#: rows that a level needs to be put into the file
LEAST = 5


def find(context: CheckContext) -> Iterator[Finding]:
    """Yield one note with the count over all categories."""
    rare: dict[str, int] = {}
    hit = np.zeros(context.rows, dtype=bool)
    for name, counts in context.counts.items():
        column = context.table[name]
        if context.specs[name].kind != "category" or isinstance(column, NumberColumn):
            continue
        few = (counts > 0) & (counts < LEAST) & (column.levels != "")
        distinct = int(np.sum((counts > 0) & (column.levels != "")))
        if few.any() and not (context.rows >= 50 and distinct >= UNIQUE * (~column.missing).sum()):  # an id is told so
            rare[name] = int(few.sum())
            hit |= few[column.codes]
    if not rare:
        return
    total, rows = sum(rare.values()), int(hit.sum())
    one = total == 1
    names = sorted(rare, key=lambda n: -rare[n])
    yield Finding(
        code="levels.rare",
        severity="note",
        column=names[0] if len(names) == 1 else "",
        what=f"{total:,} level{'' if one else 's'} of {listed(names)} {'has' if one else 'have'} under {LEAST} rows "
        f"({rows:,} in all): {'it stays' if one else 'they stay'} out of the model file, as if never seen.",
        rows=context.evidence(np.flatnonzero(hit).tolist()),
        fix="Nothing needs to be done. Merging rare levels into broader ones keeps what they say.",
    )
