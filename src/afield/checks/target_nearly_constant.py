"""``target.nearly_constant``: almost every row has the same answer, so plain accuracy says little."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from afield.checks.context import CheckContext, percent
from afield.core.findings import Finding

#: share of the commonest answer from which it is said
SHARE = 0.99


def find(context: CheckContext) -> Iterator[Finding]:
    """Yield one finding when 99 % of the rows have one answer."""
    values, counts = np.unique(context.answer.values, return_counts=True)
    top = int(np.argmax(counts))
    share = float(counts[top] / context.rows)
    if share < SHARE or len(values) < 2:
        return
    rest = context.rows - int(counts[top])
    value = values[top]
    text = f"{value:.6g}" if context.answer.task == "regression" else context.target.classes[int(value)]
    yield Finding(
        code="target.nearly_constant",
        severity="warning",
        column=context.target.name,
        what=f"{context.target.name!r} is {text!r} on {percent(share)} of the rows; only {rest:,} of {context.rows:,} "
        "rows have another answer.",
        rows=context.evidence(np.flatnonzero(context.answer.values != value).tolist()),
        fix="Read the score against the baseline, not by itself; more of the rare rows help more than anything else.",
        effect=f"Always answering {text!r} is right on {percent(share)} of the rows.",
    )
