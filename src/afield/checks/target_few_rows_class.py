"""``target.few_rows_class``: a class with so few rows that no split can both teach and test it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from afield.checks.context import CheckContext, listed
from afield.core.findings import Finding

#: rows under which a class is named
LEAST = 10


def find(context: CheckContext) -> Iterator[Finding]:
    """Yield one finding that names all small classes."""
    if context.answer.task == "regression":
        return
    counts = np.bincount(context.answer.values, minlength=context.answer.classes)
    small = [int(k) for k in np.argsort(counts, kind="stable") if 0 < counts[k] < LEAST]
    if not small:
        return
    names = context.target.classes
    shown = ", ".join(f"{names[k]} ({counts[k]})" for k in small[:8]) + (" ..." if len(small) > 8 else "")
    one = len(small) == 1
    yield Finding(
        code="target.few_rows_class",
        severity="warning",
        column=context.target.name,
        what=f"{len(small)} class{'' if one else 'es'} of {context.target.name!r} {'has' if one else 'have'} fewer "
        f"than {LEAST} rows: {shown}.",
        rows=context.evidence(np.flatnonzero(np.isin(context.answer.values, small)).tolist()),
        fix=f"Collect more rows of {listed([names[k] for k in small], 3)}, or merge such classes before training.",
        effect="Answers for these classes are guesses, and the score hardly notices.",
    )
