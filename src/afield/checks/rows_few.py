"""``rows.few``: so few rows that the score is uncertain whatever the model is."""

from __future__ import annotations

from collections.abc import Iterator

from afield.checks.context import CheckContext
from afield.core.findings import Finding

#: rows under which it is said
LEAST = 200


def find(context: CheckContext) -> Iterator[Finding]:
    """Yield a note for small tables."""
    if context.rows >= LEAST:
        return
    wide = len(context.features) > context.rows / 5
    yield Finding(
        code="rows.few",
        severity="note",
        what=f"There are {context.rows} rows"
        + (f" for {len(context.features)} columns" if wide else "")
        + ": the score is uncertain, look at its interval.",
        fix="More rows narrow the interval more than a longer search does.",
    )
