"""Findings as cards, serious ones first, notes folded when there are many."""

from __future__ import annotations

from afield.core.findings import Finding
from afield.reporting.facts import ReportFacts
from afield.reporting.figures import plural
from afield.reporting.markup import Child, Markup, tag
from afield.reporting.sections.frame import details, section

ORDER = ("serious", "warning", "note")
#: more notes than this are folded away
NOTES_SHOWN = 3


def card(finding: Finding) -> Markup:
    """Return one finding."""
    rows = f"For example row {', '.join(f'{r:,}' for r in finding.rows)}." if finding.rows else None
    more: list[Child] = [
        tag("p", finding.what, klass="what"),
        tag("p", finding.effect, klass="effect") if finding.effect else None,
        tag("p", tag("span", "What to do: ", klass="todo"), finding.fix, klass="fix") if finding.fix else None,
        tag("p", rows, klass="rows") if rows else None,
    ]
    head = tag("h3", tag("span", finding.severity, klass="badge"), tag("code", finding.code))
    return tag("article", head, *more, klass=f"finding {finding.severity}")


def render(facts: ReportFacts) -> Markup | None:
    """Return the section; also says when nothing was found."""
    if not facts.findings and not facts.columns:
        return None
    if not facts.findings:
        return section("findings", "Findings", "The checks found nothing to object to in the data.")
    shown = sorted(facts.findings, key=lambda f: ORDER.index(f.severity))
    loud = [f for f in shown if f.severity != "note"]
    notes = [card(f) for f in shown if f.severity == "note"]
    few = len(notes) <= NOTES_SHOWN
    quiet: Child = tag("div", *notes, klass="cards") if few else None
    if notes and not few:
        quiet = details(plural(len(notes), "note"), tag("div", *notes, klass="cards"))
    cards = tag("div", *(card(f) for f in loud), klass="cards") if loud else None
    return section("findings", "Findings", "What the checks saw in the data, the gravest first.", cards, quiet)
