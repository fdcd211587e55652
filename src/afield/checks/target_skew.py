"""``target.skew``: a few huge answers carry most of the squared error."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from afield.checks.context import CheckContext, percent
from afield.core.findings import Finding

#: the top 1 % of rows holding this share of the squared deviation is said
SHARE = 0.5


def find(context: CheckContext) -> Iterator[Finding]:
    """Yield a note when one row in a hundred holds half of the spread."""
    if context.answer.task != "regression" or context.rows < 100:
        return
    values = np.asarray(context.answer.values, dtype=np.float64)
    squares = (values - np.median(values)) ** 2
    order = np.argsort(-squares, kind="stable")
    top = order[: max(1, context.rows // 100)]
    total = float(squares.sum())
    if total <= 0 or (share := float(squares[top].sum()) / total) < SHARE:
        return
    middle = float(np.median(values))
    extremes = values[top]
    far = float(extremes[np.argmax(np.abs(extremes - middle))])
    yield Finding(
        code="target.skew",
        severity="note",
        column=context.target.name,
        what=f"1 % of the rows hold {percent(share)} of the spread of {context.target.name!r}: half of all values are "
        f"below {middle:.4g}, the farthest is {far:.4g}.",
        rows=context.evidence(top.tolist()),
        fix="Check these rows for slips of the pen. If typical rows matter more than extreme ones: --metric mae",
        effect="A squared-error score is decided by these rows.",
    )
