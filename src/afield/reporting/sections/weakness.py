"""Where the model does worse than elsewhere, and what it looks at."""

from __future__ import annotations

from afield.reporting.charts import bar_strip, dot_strip
from afield.reporting.facts import ReportFacts
from afield.reporting.figures import number, plural
from afield.reporting.markup import Child, Markup, clip, tag
from afield.reporting.sections.frame import details, section

#: columns of the importance chart before the rest is folded away
SHOWN = 15


def slices(facts: ReportFacts) -> Markup | None:
    """Return the groups of rows where it fails worst."""
    if not facts.slices:
        if facts.score is None:
            return None
        return section("slices", "Where it fails worst", "No group of rows does clearly worse than the others.")
    high = max(max(s.high, s.overall) for s in facts.slices) * 1.04
    lines = (
        tag(
            "li",
            tag("span", s.text, tag("small", f" {plural(s.rows, 'row')}"), klass="name"),
            dot_strip(s.score, s.low, s.high, (0.0, high), mark=s.overall),
            tag("span", number(s.score), tag("small", f" others {number(s.overall)}"), klass="value"),
        )
        for s in facts.slices
    )
    lead = (
        "Groups of rows with more error than the other rows, beyond chance. "
        "Before you rely on the model there, look at these rows or collect more of them."
    )
    chart = tag("ul", *lines, klass="strips worse")
    return section(
        "slices",
        "Where it fails worst",
        lead,
        _wide(f"{facts.loss[:1].upper()}{facts.loss[1:]}: further right is worse, the tick is all other rows", chart),
    )


def importance(facts: ReportFacts) -> Markup | None:
    """Return how much each column matters."""
    if not facts.importance:
        return None
    ranked = sorted(facts.importance, key=lambda i: (-i.drop, i.column))
    high = max(max(i.high, i.drop) for i in ranked) * 1.02 or 1.0
    low = min(0.0, *(min(i.low, i.drop) for i in ranked))
    lines: list[Child] = [
        tag(
            "li",
            tag("span", clip(i.column, 60), klass="name"),
            bar_strip(i.drop, i.low, i.high, (low, high)),
            tag("span", number(i.drop), klass="value"),
        )
        for i in ranked
    ]
    lead = (
        "Each column was shuffled in turn, and the exported file asked again: the longer the bar, the more the answers "
        "suffer. Columns that say the same share their importance."
    )
    chart = _wide(f"Growth of {facts.loss} when the column is shuffled", tag("ul", *lines[:SHOWN], klass="strips"))
    rest = details(plural(len(lines) - SHOWN, "further column"), tag("ul", *lines[SHOWN:], klass="strips"))
    return section("importance", "What it looks at", lead, chart, rest if len(lines) > SHOWN else None)


def _wide(caption: str, chart: Markup) -> Markup:
    return tag("figure", tag("figcaption", caption), chart, klass="wide")
