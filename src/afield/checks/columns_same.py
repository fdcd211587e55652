"""``columns.same``: two columns that hold the same values."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np

from afield.checks.context import CheckContext, ignore_options, listed
from afield.core.findings import Finding
from afield.data.table import Column, NumberColumn


def find(context: CheckContext) -> Iterator[Finding]:
    """Yield one note for each set of equal columns."""
    seen: dict[bytes, list[str]] = {}
    for name in context.features:
        key = _digest(context.table[name])
        if key:
            seen.setdefault(key, []).append(name)
    for names in seen.values():
        if len(names) > 1:
            yield Finding(
                code="columns.same",
                severity="note",
                column=names[1],
                what=f"{listed(names)} are the same on every row, or differ only in how their levels are named.",
                fix=f"One is enough: {ignore_options(names[1:6])}",
                effect="None on the score; importance is shared between them.",
            )


def _digest(column: Column) -> bytes:
    """Return the same bytes for columns that carry the same information; empty for a constant."""
    if isinstance(column, NumberColumn):
        values = column.values + 0.0  # -0 and 0 are one number
        if not len(values) or np.all(values == values[0]) or np.all(np.isnan(values)):
            return b""
        values = np.where(np.isnan(values), np.nan, values)
        return hashlib.sha256(values.tobytes()).digest()
    first, inverse = np.unique(column.codes, return_index=True, return_inverse=True)[1:]
    if len(first) < 2:
        return b""
    rank = np.argsort(np.argsort(first, kind="stable"), kind="stable")  # levels renamed by first appearance
    empty = np.flatnonzero(column.missing)[:1].astype(np.int64)
    return hashlib.sha256(rank[inverse].astype(np.int32).tobytes() + b"|" + empty.tobytes()).digest()
