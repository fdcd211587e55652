"""``rows.contradict``: rows that are equal in every column but the target, so no model can be right on all of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from afield.checks.context import CheckContext, percent
from afield.checks.row_hashes import row_hashes
from afield.core.findings import Finding

#: share of rows that no model can get right from which it is said
SHARE = 0.01


def find(context: CheckContext) -> Iterator[Finding]:
    """Yield a finding with the bound that contradictions put on every model."""
    hashes = row_hashes(context.table, context.features)
    _, inverse, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    if not np.any(counts > 1):
        return
    values = np.asarray(context.answer.values)
    if context.answer.task == "regression":
        sums = np.bincount(inverse, weights=values)
        inside = values - (sums / counts)[inverse]
        lost = float(np.sum(inside**2) / max(np.sum((values - values.mean()) ** 2), 1e-300))
        bad = np.flatnonzero(np.abs(inside) > 1e-9 * max(1.0, float(np.std(values))))
        bound = f"they hold {percent(lost)} of the target's variance, which no model can explain"
        weighty = lost >= SHARE
    else:
        table, pairs = np.unique(inverse * np.int64(context.answer.classes) + values, return_counts=True)
        best = np.zeros(len(counts), dtype=np.int64)
        np.maximum.at(best, table // context.answer.classes, pairs)
        bad = np.flatnonzero((best < counts)[inverse])
        lost = 1.0 - float(best.sum()) / context.rows
        bound = f"no model that sees these columns can be right on more than {percent(1 - lost)} of the rows"
        weighty = lost >= SHARE
    if not weighty:
        return
    coarse = len(counts) < context.rows / 2
    yield Finding(
        code="rows.contradict",
        severity="note" if coarse else "warning",
        column=context.target.name,
        what=f"{len(bad):,} rows ({percent(len(bad) / context.rows)}) equal another row in every column, yet have "
        f"another {context.target.name!r}: {bound}.",
        rows=context.evidence(bad[np.argsort(inverse[bad], kind="stable")].tolist()),
        fix="A column that tells these rows apart would help."
        if coarse
        else "Look at these rows side by side: a wrong label, or a column that tells them apart was left out.",
    )
