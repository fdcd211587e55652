"""The file itself: cost, proof, and where it comes from."""

from __future__ import annotations

from afield.reporting.facts import ReportFacts
from afield.reporting.figures import micros, number, plural, seconds, size
from afield.reporting.markup import Child, Markup, tag
from afield.reporting.sections.frame import named, section


def render(facts: ReportFacts) -> Markup | None:
    """Return the section."""
    blocks: list[Child] = []
    if (cost := facts.cost) is not None:
        pairs: list[tuple[str, Child]] = [
            ("size", size(cost.bytes) if cost.bytes else None),
            ("operators in the graph", f"{cost.nodes:,}" if cost.nodes else None),
            ("trees", f"{cost.trees:,}" if cost.trees else None),
            ("one row, measured here", micros(cost.latency_us) if cost.latency_us is not None else None),
            ("loading, measured here", f"{cost.load_ms:.0f} ms" if cost.load_ms is not None else None),
        ]
        blocks.append(_block("Cost", named(pairs)))
    if (parity := facts.parity) is not None:
        fine = parity.largest <= parity.tolerance and not parity.labels_different
        verdict = "agrees" if fine else "does not agree"
        pairs = [
            ("against the learners' own libraries", tag("b", verdict, klass="good" if fine else "bad")),
            ("compared", f"{parity.rows:,} training rows, {parity.hostile_rows:,} hostile rows"),
            ("largest difference", f"{number(parity.largest, 2)} (allowed {number(parity.tolerance, 2)})"),
            ("labels that differ", f"{parity.labels_different:,}"),
            ("ties too near to call", f"{parity.near_ties:,}" if parity.near_ties else None),
        ]
        blocks.append(_block("Proof", named(pairs)))
    if facts.provenance:
        blocks.append(_block("Where it comes from", named(facts.provenance.items())))
    asked = facts.asked
    options: list[tuple[str, Child]] = [
        ("data", asked.data), ("target", asked.target), ("task", asked.task), ("metric", asked.metric),
        ("effort", asked.effort), *asked.options.items(),
    ]  # fmt: skip
    blocks.append(_block("What was asked", named(options)))
    if facts.timing:
        total = sum(s.seconds for s in facts.timing)
        stages: list[tuple[str, Child]] = [(s.stage, seconds(s.seconds)) for s in facts.timing]
        blocks.append(_block(f"Time: {seconds(total)}", named(stages)))
    lead = (
        f"One ONNX file: {plural(len([c for c in facts.columns if c.role == 'feature']), 'raw column')} in, answer out."
    )
    return section("file", "The file", lead if facts.columns else None, tag("div", *blocks, klass="blocks"))


def _block(title: str, content: Markup) -> Markup:
    return tag("div", tag("h3", title), content, klass="block")
