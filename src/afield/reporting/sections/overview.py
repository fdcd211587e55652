"""The data as it was read: one line for each column."""

from __future__ import annotations

from afield.reporting.charts import spark
from afield.reporting.facts import ColumnFacts, ReportFacts
from afield.reporting.figures import NONE, plural, share
from afield.reporting.markup import Child, Markup, clip, join, tag
from afield.reporting.sections.frame import details, section, table

#: columns that are shown before the rest is folded away, and at all
SHOWN, MOST = 25, 400


def _values(column: ColumnFacts) -> Child:
    if column.histogram:
        ends = tag("span", tag("span", column.low), tag("span", column.high), klass="ends")
        return join([spark(column.histogram, f"from {column.low} to {column.high}"), ends])
    if column.levels:
        shown = [f"{clip(text, 22)} {count:,}" for text, count in column.levels[:4]]
        more = f", {column.distinct - len(shown):,} more" if column.distinct > len(shown) else ""
        return tag("span", ", ".join(shown) + more, klass="levels")
    return tag("span", f"{plural(column.distinct, 'value')}", klass="levels")


def render(facts: ReportFacts) -> Markup | None:
    """Return the section."""
    if not facts.columns:
        return None
    ranked = sorted(facts.columns, key=lambda c: c.role != "target")  # the target first, else the order of the file
    heads = [("column", ""), ("missing", "number"), ("values", "values")]

    def line(c: ColumnFacts) -> list[Child]:
        role = tag("em", f"{c.role}, ") if c.role != "feature" else None
        kind = tag("small", role, c.kind, f", {clip(c.unit, 20)}" if c.unit else None, klass="kind")
        return [join([tag("span", clip(c.name, 60)), kind]), share(c.missing) if c.missing else NONE, _values(c)]

    first = table("Columns of the data", heads, (line(c) for c in ranked[:SHOWN]), "columns")
    rest: Child = None
    if len(ranked) > SHOWN:
        shown = ranked[SHOWN:MOST]
        left = len(ranked) - SHOWN - len(shown)
        note = tag("p", f"{plural(left, 'column')} not shown.", klass="intro") if left else None
        more = table("Further columns", heads, (line(c) for c in shown), "columns")
        rest = details(plural(len(ranked) - SHOWN, "further column"), more, note)
    lead = f"{plural(facts.rows, 'row')}, {plural(len(facts.columns), 'column')}, as they were read."
    return section("data", "The data", lead, first, rest)
