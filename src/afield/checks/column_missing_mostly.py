"""``column.missing_mostly``: a column that is empty on almost every row."""

from __future__ import annotations

from collections.abc import Iterator

from afield.checks.context import CheckContext, listed, percent
from afield.core.findings import Finding

#: missing share from which it is said
SHARE = 0.95


def find(context: CheckContext) -> Iterator[Finding]:
    """Yield one note for all such columns."""
    shares = {name: float(context.table[name].missing.mean()) for name in context.features}
    names = [name for name, share in shares.items() if share > SHARE]
    if not names:
        return
    low = min(shares[n] for n in names)
    yield Finding(
        code="column.missing_mostly",
        severity="note",
        column=names[0] if len(names) == 1 else "",
        what=f"{listed(names)} {'is' if len(names) == 1 else 'are'} missing on "
        f"{'' if len(names) == 1 else 'at least '}{percent(low)} of the rows.",
        fix="Check that the file was read as meant. That a cell is there at all can itself be information.",
    )
