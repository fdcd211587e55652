"""All checks by code, and the one function that runs them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from afield.checks import (
    column_constant_nearly,
    column_id_like,
    column_many_levels,
    column_missing_mostly,
    column_names,
    columns_same,
    group_hint,
    levels_rare,
    rows_contradict,
    rows_duplicate,
    rows_few,
    target_disguise,
    target_few_rows_class,
    target_nearly_constant,
    target_nearly_given,
    target_skew,
    time_hint,
)
from afield.checks.context import CheckContext
from afield.core.findings import Finding

#: most rows, and most cells, that a check with reach "sample" sees
SAMPLE_ROWS, SAMPLE_CELLS = 50_000, 20_000_000

ORDER = {"serious": 0, "warning": 1, "note": 2}


class Check(NamedTuple):
    """One check: its function, and whether it needs every row (counts) or a sample (shapes)."""

    find: Callable[[CheckContext], Iterable[Finding]]
    reach: Literal["all", "sample"]


CHECKS: dict[str, Check] = {
    "target.disguise": Check(target_disguise.find, "sample"),
    "target.nearly_given": Check(target_nearly_given.find, "sample"),
    "target.nearly_constant": Check(target_nearly_constant.find, "all"),
    "target.few_rows_class": Check(target_few_rows_class.find, "all"),
    "target.skew": Check(target_skew.find, "sample"),
    "rows.duplicate": Check(rows_duplicate.find, "all"),
    "rows.contradict": Check(rows_contradict.find, "all"),
    "rows.few": Check(rows_few.find, "all"),
    "column.names": Check(column_names.find, "sample"),
    "column.id_like": Check(column_id_like.find, "all"),
    "column.many_levels": Check(column_many_levels.find, "all"),
    "column.missing_mostly": Check(column_missing_mostly.find, "all"),
    "column.constant_nearly": Check(column_constant_nearly.find, "sample"),
    "columns.same": Check(columns_same.find, "sample"),
    "levels.rare": Check(levels_rare.find, "all"),
    "group.hint": Check(group_hint.find, "all"),
    "time.hint": Check(time_hint.find, "all"),
}


def run_checks(context: CheckContext) -> list[Finding]:
    """Run every check; serious findings first, then in the order of ``CHECKS``.

    Work is capped by rows and cells, never by time, so equal data gives equal findings.
    """
    limit = min(SAMPLE_ROWS, max(2_000, SAMPLE_CELLS // max(1, len(context.table.columns))))
    sample = context.sampled(limit)
    found = [f for check in CHECKS.values() for f in check.find(sample if check.reach == "sample" else context)]
    return sorted(found, key=lambda f: ORDER[f.severity])
