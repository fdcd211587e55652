"""The report: one HTML file that opens offline, on any screen, in print, and runs nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from importlib.resources import files
from string import Template

from afield.reporting.facts import ReportFacts
from afield.reporting.markup import Markup, join, tag, text
from afield.reporting.sections import answer, findings, front, overview, product, quality, search, weakness

SECTIONS: tuple[tuple[str, str, Callable[[ReportFacts], Markup | None]], ...] = (
    ("findings", "Findings", findings.render),
    ("quality", "How good", quality.render),
    ("slices", "Where it fails", weakness.slices),
    ("importance", "What it looks at", weakness.importance),
    ("data", "Data", overview.render),
    ("search", "Search", search.render),
    ("front", "Smaller models", front.render),
    ("file", "File", product.render),
)


def _resource(name: str) -> str:
    return (files("afield.reporting") / name).read_text(encoding="utf-8")


def render(facts: ReportFacts) -> str:
    """Return the whole page.

    The policy in its head forbids every request and every script; the one style sheet is named by its hash.
    """
    style = _resource("style.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    blocks = [(name, short, block) for name, short, make in SECTIONS if (block := make(facts)) is not None]
    links = join(tag("li", tag("a", short, href=f"#{name}")) for name, short, _ in blocks)
    return Template(_resource("report.html")).substitute(
        policy=text(policy),
        style=style,
        title=text(facts.title),
        stopped=tag("p", "The search was stopped early; this is the best model so far.", klass="stopped")
        if facts.state == "stopped"
        else "",
        lead=answer.lead(facts),
        tiles=answer.tiles(facts),
        links=links,
        sections=join(block for _, _, block in blocks),
    )
