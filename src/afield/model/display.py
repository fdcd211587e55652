"""How a model shows itself at a prompt and in a notebook: a few lines, no script, everything escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from afield.model.card import HOWS, Card, Score

_BOX = "border:1px solid #8884;border-radius:6px;padding:.6em .9em;max-width:36em;font:14px/1.5 system-ui,sans-serif"


def score_text(score: Score) -> str:
    """Return such as ``auc 0.912 (0.90 to 0.93)``."""
    if score.value is None:
        return f"{score.metric} unknown"
    interval = "" if score.low is None or score.high is None else f" ({score.low:.4g} to {score.high:.4g})"
    return f"{score.metric} {score.value:.4g}{interval}"


def facts(card: Card, columns: Sequence[str], classes: Sequence[object], size_bytes: int) -> list[tuple[str, str]]:
    """Return (name, text) of what a user wants to know first."""
    target = f"{card.target} ({card.unit})" if card.unit else card.target
    found = [("predicts", f"{target}, {card.task}")]
    if classes:
        found.append(("classes", _listed(classes, 6)))
    found += [("from", _listed(columns, 8)), ("learnt on", f"{card.rows_used} rows")]
    if card.score is not None:
        found.append(("score", f"{score_text(card.score)}, {HOWS.get(card.score.how, '')}"))
    found += [("size", f"{size_bytes / 1e6:.2f} MB"), ("needs", card.needs)]
    return found


def plain_text(title: str, rows: Sequence[tuple[str, str]]) -> str:
    """Return the ``repr``."""
    return "\n".join([f"afield model: {title}", *(f"  {name:<10}{text}" for name, text in rows)])


def html_text(title: str, rows: Sequence[tuple[str, str]]) -> str:
    """Return a small HTML fragment with inline style that inherits the notebook's colours."""
    body = "".join(
        f'<tr><td style="padding-right:1em;opacity:.7;text-align:left;vertical-align:top">{escape(name)}</td>'
        f'<td style="text-align:left">{escape(text)}</td></tr>'
        for name, text in rows
    )
    return (
        f'<div style="{_BOX}"><strong>{escape(title)}</strong>'
        f'<table style="border:0;margin-top:.3em">{body}</table></div>'
    )


def _listed(items: Sequence[object], most: int) -> str:
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(map(str, items[:most])) + more
