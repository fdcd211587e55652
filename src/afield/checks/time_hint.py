"""``time.hint``: the rows have a time, and the split does not know of it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from afield.checks.context import CheckContext, listed
from afield.core.findings import Finding


def find(context: CheckContext) -> Iterator[Finding]:
    """Yield a note when there are datetime columns and no ``--time``."""
    if context.problem.time is not None:
        return
    names = [
        n for n, counts in context.counts.items() if context.specs[n].kind == "datetime" and (counts > 0).sum() > 2
    ]
    if not names:
        return
    yield Finding(
        code="time.hint",
        severity="note",
        column=names[0],
        what=f"{listed(names)} hold{'s' if len(names) == 1 else ''} times, and rows are split at random: each test row "
        "has neighbours in time among the training rows.",
        fix=f"If the model is to answer for the future: --time {shlex.quote(names[0])}",
        effect="For answers about the future the score is too good.",
    )
