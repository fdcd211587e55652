"""``group.hint``: rows come in groups (one patient, several visits), and the split does not know of it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import numpy as np

from afield.checks.column_id_like import UNIQUE, names_an_id
from afield.checks.context import CheckContext
from afield.core.findings import Finding
from afield.data.table import NumberColumn

#: distinct values that a group column has at least
LEAST = 30
ENTITY = re.compile(
    r"(^|[\W_])(patient|subject|person|participant|customer|client|user|member|animal|household|family|speaker|"
    r"device|machine|station|plot|farm|batch)([\W_]|$)",
    re.IGNORECASE,
)


def find(context: CheckContext) -> Iterator[Finding]:
    """Yield a note for each column of repeated ids, when there is no ``--group``."""
    if context.problem.group is not None:
        return
    for name in context.features:
        column, spec = context.table[name], context.specs[name]
        if spec.kind not in ("number", "category") or not (names_an_id(name) or ENTITY.search(name)):
            continue
        if isinstance(column, NumberColumn):
            if np.any(column.values[:1_000] != np.floor(column.values[:1_000])):  # also drops missing values
                continue
            counts = np.unique(column.values, return_counts=True)[1]
        else:
            counts = context.counts[name][np.asarray(column.levels != "")]
            counts = counts[counts > 0]
        if len(counts) < LEAST or len(counts) >= UNIQUE * counts.sum():
            continue
        several = int(np.sum(counts > 1))
        yield Finding(
            code="group.hint",
            severity="note",
            column=name,
            what=f"{name!r} has {len(counts):,} values on {context.rows:,} rows; {several:,} of them come more than "
            f"once, up to {int(counts.max()):,} times.",
            fix=f"If new rows come from new ones of these: --group {shlex.quote(name)}",
            effect="Rows of one group on both sides of a split make the score too good.",
        )
