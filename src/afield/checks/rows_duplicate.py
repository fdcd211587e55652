"""``rows.duplicate``: the same row more than once, so test rows were seen in training."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from afield.checks.context import CheckContext, percent
from afield.checks.row_hashes import Hashes, pair_chance, row_hashes
from afield.core.findings import Finding

#: share of rows that repeat an earlier one from which it is a warning
SHARE = 0.01


def find(context: CheckContext) -> Iterator[Finding]:
    """Yield a finding when rows repeat more often than few and coarse columns explain."""
    names = [*context.features, context.target.name]
    hashes = row_hashes(context.table, names)
    _, first, inverse, counts = np.unique(hashes, return_index=True, return_inverse=True, return_counts=True)
    again = np.flatnonzero(first[inverse] != np.arange(context.rows))
    if not len(again):
        return
    pairs = float(np.sum(counts.astype(np.float64) * (counts - 1)) / 2)
    expected = pair_chance(context.table, names) * context.rows * (context.rows - 1) / 2
    share = len(again) / context.rows
    natural = expected * 20 >= pairs or len(first) < context.rows / 2  # coarse columns: equal rows are no copies
    if natural:
        return
    across = _across(context, hashes)
    word = "row repeats" if len(again) == 1 else "rows repeat"
    yield Finding(
        code="rows.duplicate",
        severity="warning" if share >= SHARE or across else "note",
        what=f"{len(again):,} {word} an earlier one in every column, the target too ({percent(share)} of the rows)"
        + (f"; {across:,} of them under another group" if across else "")
        + ".",
        rows=context.evidence(again.tolist()),
        fix="If they are copies, remove them; if they are repeats of one thing measured, name it with --group.",
        effect="Copies on both sides of a split make the score too good." if share >= SHARE else "",
    )


def _across(context: CheckContext, hashes: Hashes) -> int:
    """Return how many rows have an equal row in another group."""
    if context.groups is None:
        return 0
    order = np.lexsort((context.groups, hashes))
    same = hashes[order][1:] == hashes[order][:-1]
    other = context.groups[order][1:] != context.groups[order][:-1]
    return int(np.sum(same & other))
