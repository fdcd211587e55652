"""Turns a table into what the report says about its columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from afield.data.table import Column, NumberColumn, StringColumn, Table
from afield.problem.schema import ColumnSpec
from afield.reporting.facts import ColumnFacts
from afield.reporting.figures import datum

#: bins of a small histogram, and the levels that are named
BINS, LEVELS = 24, 4
#: rows that a level needs to be named: rarer ones can point at a person
LEAST_ROWS = 5


def describe(table: Table, specs: Mapping[str, ColumnSpec], roles: Mapping[str, str]) -> tuple[ColumnFacts, ...]:
    """Return the facts of all columns that have a role, in the order of the table."""
    return tuple(
        _number(n, c, specs[n], roles[n]) if isinstance(c, NumberColumn) else _strings(n, c, specs[n], roles[n])
        for n, c in table.columns.items()
        if n in roles and n in specs
    )


def _missing(column: Column) -> float:
    return float(column.missing.mean()) if len(column) else 0.0


def _number(name: str, column: NumberColumn, spec: ColumnSpec, role: str) -> ColumnFacts:
    values = column.values[np.isfinite(column.values)]
    base = ColumnFacts(name=name, kind=spec.kind, role=role, unit=spec.unit, missing=_missing(column))
    if not len(values):
        return base
    low, middle, high = float(values.min()), float(np.median(values)), float(values.max())
    counts = np.histogram(values, bins=BINS, range=(low, high))[0] if high > low else np.asarray([len(values)])
    return replace(
        base,
        distinct=len(np.unique(values)),
        low=datum(low),
        middle=datum(middle),
        high=datum(high),
        histogram=tuple(int(c) for c in counts),
    )


def _strings(name: str, column: StringColumn, spec: ColumnSpec, role: str) -> ColumnFacts:
    counts = np.bincount(column.codes, minlength=len(column.levels))
    used = np.flatnonzero((counts > 0) & (column.levels != ""))
    distinct = len(used)
    base = ColumnFacts(
        name=name, kind=spec.kind, role=role, unit=spec.unit, missing=_missing(column), distinct=distinct
    )
    if spec.kind == "datetime" and distinct:
        texts = np.asarray([str(v) for v in column.levels[used]])
        order = np.argsort(texts, kind="stable")
        days = texts.astype("datetime64[s]").astype(np.int64)
        span = (int(days.min()), int(days.max()))
        bars = np.histogram(days, bins=BINS, range=span, weights=counts[used])[0] if span[1] > span[0] else np.zeros(0)
        ends = [str(texts[order[i]]).removesuffix("T00:00:00").replace("T", " ") for i in (0, distinct // 2, -1)]
        shape = tuple(int(c) for c in bars)
        return replace(base, low=ends[0], middle=ends[1], high=ends[2], histogram=shape)
    top = used[np.argsort(-counts[used], kind="stable")][:LEVELS] if spec.kind == "category" else used[:0]
    levels = tuple((str(column.levels[i]), int(counts[i])) for i in top if counts[i] >= LEAST_ROWS)
    return replace(base, levels=levels)
