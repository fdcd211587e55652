"""``column.id_like``: a column that names the row instead of describing it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from afield.checks.context import CheckContext, ignore_options
from afield.core.findings import Finding
from afield.data.table import NumberColumn

#: distinct values for each filled row from which strings are an id
UNIQUE = 0.95
#: rows under which nothing is said
LEAST = 50
#: words of a column's name that say id
ID_WORDS = re.compile(r"(^|[\W_])(id|ids|uid|uuid|guid|key|index|idx|nbr|nr|serial|code|udi)$", re.IGNORECASE)
CAMEL_ID = re.compile(r"[a-z](ID|Id)$")


def names_an_id(name: str) -> bool:
    """Return whether a column's name ends like ``patient_id``, ``customerID`` or ``nbr``."""
    return bool(ID_WORDS.search(name.strip()) or CAMEL_ID.search(name.strip()))


def find(context: CheckContext) -> Iterator[Finding]:
    """Yield a warning for each feature that is an id."""
    for name in context.features:
        column, spec = context.table[name], context.specs[name]
        filled = context.rows - int(column.missing.sum())
        if filled < LEAST:
            continue
        if isinstance(column, NumberColumn):
            reason = _number_reason(column, name, context.rows)
        elif spec.kind in ("category", "text"):
            counts = context.counts[name]
            distinct = int(np.sum(counts > 0)) - int(filled < context.rows)
            texts = [str(v) for v in column.levels[:500] if v]
            prose = sum(len(t.split()) >= 3 for t in texts) > 0.5 * len(texts)  # text to be read, not an id
            reason = f"{distinct:,} values on {filled:,} rows" if distinct >= UNIQUE * filled and not prose else ""
        else:
            continue
        if reason:
            yield Finding(
                code="column.id_like",
                severity="warning",
                column=name,
                what=f"{name!r} looks like an id: {reason}.",
                fix=f"{ignore_options([name])} (what it says besides, such as a time, belongs in a column of its own)",
                effect="A model can learn the rows by heart from it, and new rows bring values never seen.",
            )


def _number_reason(column: NumberColumn, name: str, rows: int) -> str:
    values = column.values
    if np.isnan(values).any() or np.any(values[:1_000] != np.floor(values[:1_000])):
        return ""
    if np.any(values != np.floor(values)) or len(np.unique(values)) < rows:
        return ""
    low, high = float(values.min()), float(values.max())
    if high - low < rows:
        return f"it counts the rows, {low:.0f} to {high:.0f}, each once"
    return f"{rows:,} different whole numbers on {rows:,} rows" if names_an_id(name) else ""
