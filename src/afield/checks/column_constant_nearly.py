"""``column.constant_nearly``: a column that says the same on almost every row."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from afield.checks.context import CheckContext, ignore_options, listed, percent
from afield.core.findings import Finding
from afield.data.table import NumberColumn

#: share of one value from which it is said
SHARE = 0.995


def find(context: CheckContext) -> Iterator[Finding]:
    """Yield one note for all such columns."""
    found: list[tuple[str, float]] = []
    for name in context.features:
        column = context.table[name]
        if isinstance(column, NumberColumn):
            probe = column.values[: 2_000 if context.rows > 2_000 else None]
            if len(np.unique(probe)) > max(3, len(probe) // 20):  # cheap no: most columns end here
                continue
            count = int(np.unique(column.values, return_counts=True, equal_nan=True)[1].max(initial=0))
        else:
            count = int(context.counts[name].max(initial=0))
        if count >= SHARE * context.rows and context.rows >= 100 and not column.missing.mean() > 0.95:
            found.append((name, count / context.rows))
    if not found:
        return
    names = [n for n, _ in found]
    low = min(s for _, s in found)
    yield Finding(
        code="column.constant_nearly",
        severity="note",
        column=names[0] if len(names) == 1 else "",
        what=f"{listed(names)} {'has' if len(names) == 1 else 'have'} one value on "
        f"{'' if len(names) == 1 else 'at least '}{percent(low)} of the rows.",
        fix=f"They do no harm; to keep the model smaller: {ignore_options(names[:5])}"
        if len(names) > 1
        else f"It does no harm; to keep the model smaller: {ignore_options(names)}",
    )
