"""What a model file says about itself, as facts in the order in which people ask for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from afield.api.facts import Fact, fact
from afield.api.wording import figure, finding_text, interval_text, parity_text, size
from afield.model.card import HOWS

if TYPE_CHECKING:
    from pathlib import Path

    from afield.core.findings import Finding
    from afield.model.card import Card
    from afield.model.model import Model

SHOWN_COLUMNS = 40
SHOWN_NOTES = 5


def show(path: Path) -> list[Fact]:
    """Return the facts of a model file.

    Raises
    ------
    ModelFileError
        ``model.not_found``, ``model.damaged``, ``model.foreign``, ``model.version``.
    """
    from afield.model.model import Model

    return describe(Model.load(path))


def show_json(path: Path) -> dict[str, Any]:
    """Return schema, card and provenance of a model file as one JSON object; raises as ``show``."""
    from afield.model.model import Model

    model = Model.load(path)
    return {
        "card": model.card.to_json(),
        "schema": model.schema.to_json(),
        "provenance": model.provenance.to_json(),
        "bytes": len(model.bytes),
    }


def describe(model: Model) -> list[Fact]:
    """Return the facts of an open model."""
    card = model.card
    return [
        fact("model", card.title, mood="title"),
        *question(card),
        *serious(card.findings),
        *_answer(model),
        *quality(card),
        *_inputs(model),
        *_inside(model),
        *other_findings(card.findings),
        *_origin(model),
    ]


def question(card: Card) -> Iterator[Fact]:
    """Yield what is predicted, and from how many rows it was learned."""
    unit = f" ({card.unit})" if card.unit else ""
    yield fact(
        "predicts", f"{card.target}{unit}: {card.task}" + (f", measured by {card.metric}" if card.metric else "")
    )
    left_out = f"; {card.rows_without_target:,} without a target left out" if card.rows_without_target else ""
    yield fact("learned from", f"{card.rows_used:,} rows, {len(card.columns):,} columns{left_out}")


def quality(card: Card) -> Iterator[Fact]:
    """Yield the honest score, the baselines it has to beat, and the parity."""
    score = card.score
    if score is not None:
        head = f"{score.metric} {interval_text(vars(score))}"
        how = score.text or f"{HOWS.get(score.how, score.how)}; {score.rows:,} rows"
        others = ", ".join(f"{n} {figure(v)}" for n, v in score.others.items() if v is not None and n != score.metric)
        more = [f"also {others}"] if others else []
        yield fact("score", head, how, *more, mood="warning" if score.how == "out_of_fold" else "good")
    if card.baselines:
        yield fact("baselines", *(f"{b.name}: {figure(b.value)}" for b in card.baselines))
    if card.parity is not None:
        p = card.parity
        data = {"rows": p.rows, "hostile_rows": p.hostile_rows, "largest": p.largest, "tolerance": p.tolerance}
        ties = f"{p.labels_different:,} labels differ, {p.near_ties:,} rows are near ties" if p.near_ties else ""
        yield fact("parity", parity_text(data), *([ties] if ties else []))


def serious(findings: Sequence[Finding]) -> Iterator[Fact]:
    """Yield the findings that make the score doubtful."""
    lines = [finding_text(f.to_json()) for f in findings if f.severity == "serious"]
    if lines:
        yield fact("serious", *lines, mood="serious")


def other_findings(findings: Sequence[Finding]) -> Iterator[Fact]:
    """Yield warnings, and the first notes."""
    lines = [finding_text(f.to_json()) for f in findings if f.severity == "warning"]
    if lines:
        yield fact("warnings", *lines, mood="warning")
    notes = [finding_text(f.to_json()) for f in findings if f.severity == "note"]
    if notes:
        more = [f"and {len(notes) - SHOWN_NOTES} more"] if len(notes) > SHOWN_NOTES else []
        yield fact("notes", *notes[:SHOWN_NOTES], *more, mood="note")


def members(card: Card) -> Iterator[Fact]:
    """Yield the recipes inside and their weights."""
    if card.members:
        yield fact("members", *(f"{m.weight:.2f}  {m.recipe or m.learner}{_trees(m.trees)}" for m in card.members))


def _trees(count: int) -> str:
    return f", {count:,} trees" if count else ""


def _answer(model: Model) -> Iterator[Fact]:
    card = model.card
    if model.classes:
        shown = ", ".join(repr(c) if isinstance(c, str) else str(c) for c in model.classes[:12])
        yield fact("classes", shown + (f" and {len(model.classes) - 12} more" if len(model.classes) > 12 else ""))
    yield from decision(card, model.schema.target.classes)


def decision(card: Card, classes: Sequence[str]) -> Iterator[Fact]:
    """Yield what is done to the members' answers, and how they become a label."""
    if card.calibration is not None:
        yield fact("calibration", card.calibration.text())
    if card.decision is not None:
        lines = [card.decision.text(classes)]
        if card.decision.costs:
            lines += [
                f"{row!r} true: " + ", ".join(f"{c!r} {figure(v)}" for c, v in zip(classes, cells, strict=True))
                for row, cells in list(zip(classes, card.decision.costs, strict=True))[:SHOWN_NOTES]
            ]
        yield fact("decision", *lines)


def _inputs(model: Model) -> Iterator[Fact]:
    notes = {c.name: c for c in model.card.columns}
    lines = []
    for spec in model.schema.columns[:SHOWN_COLUMNS]:
        note = notes.get(spec.name)
        parts = [spec.kind + (f" in {spec.unit}" if spec.unit else "")]
        if spec.kind == "number" and spec.low is not None and spec.high is not None:
            parts.append(f"{figure(spec.low)} to {figure(spec.high)}")
        if spec.levels:
            parts.append(", ".join(spec.levels[:5]) + (", ..." if len(spec.levels) > 5 else ""))
        if note is not None and note.share_missing:
            parts.append(f"{note.share_missing:.1%} missing")
        lines.append(f"{spec.name}: {'; '.join(parts)}")
    rest = len(model.schema.columns) - SHOWN_COLUMNS
    yield fact("columns", *lines, *([f"and {rest} more"] if rest > 0 else []))


def _inside(model: Model) -> Iterator[Fact]:
    card = model.card
    yield from members(card)
    test = model.selftest
    rows = "real training rows" if test.real else "made-up rows, no real ones"
    yield fact("file", f"{size(len(model.bytes))}; needs {card.needs}", f"self-test of {test.rows} {rows}")
    if card.parts:
        yield fact("licences", *(f"{p.name}: {p.licence}" for p in card.parts))
    if card.notes:
        yield fact("remarks", *card.notes)


def _origin(model: Model) -> Iterator[Fact]:
    p = model.provenance
    limit = f"{figure(p.minutes)} minutes" if p.minutes is not None else f"effort {p.effort}"
    libraries = ", ".join(f"{name} {version}" for name, version in p.libraries.items())
    data = " ".join(t for t in (p.data_name, f"(digest {p.data[:16]})" if p.data else "") if t)
    lines = [f"afield {p.afield}, {limit}, seed {p.seed}", f"data {data}" if data else "", libraries]
    yield fact("made by", *(line for line in lines if line))
