"""How a model shows itself at a prompt and in a notebook: a few lines, no script, everything escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from afield.model.card import HOWS, Score

if TYPE_CHECKING:
    from afield.model.model import Model

_BOX = "border:1px solid #8884;border-radius:6px;padding:.6em .9em;max-width:36em;font:14px/1.5 system-ui,sans-serif"


def score_text(score: Score) -> str:
    """Return such as ``auc 0.912 (0.90 to 0.93)``."""
    if score.value is None:
        return f"{score.metric} unknown"
    interval = "" if score.low is None or score.high is None else f" ({score.low:.4g} to {score.high:.4g})"
    return f"{score.metric} {score.value:.4g}{interval}"


def facts(model: Model) -> list[tuple[str, str]]:
    """Return (name, text) of what a user wants to know first."""
    card = model.card
    target = f"{card.target} ({card.unit})" if card.unit else card.target
    found = [("predicts", f"{target}, {card.task}")]
    if model.classes:
        shown = ", ".join(str(c) for c in model.classes[:6])
        found.append(("classes", shown + (f" and {len(model.classes) - 6} more" if len(model.classes) > 6 else "")))
    names = ", ".join(c.name for c in model.schema.columns[:8])
    more = f" and {len(model.schema.columns) - 8} more" if len(model.schema.columns) > 8 else ""
    found += [("from", names + more), ("learnt on", f"{card.rows_used} rows")]
    if card.score is not None:
        found.append(("score", f"{score_text(card.score)}, {HOWS.get(card.score.how, '')}"))
    found += [("size", f"{len(model.bytes) / 1e6:.2f} MB"), ("needs", card.needs)]
    return found


def plain_text(model: Model) -> str:
    """Return the ``repr``."""
    lines = [f"afield model: {model.card.title}"]
    return "\n".join(lines + [f"  {name:<10}{text}" for name, text in facts(model)])


def html_text(model: Model) -> str:
    """Return a small HTML fragment with inline style that inherits the notebook's colours."""
    rows = "".join(
        f'<tr><td style="padding-right:1em;opacity:.7;text-align:left;vertical-align:top">{escape(name)}</td>'
        f'<td style="text-align:left">{escape(text)}</td></tr>'
        for name, text in facts(model)
    )
    return (
        f'<div style="{_BOX}"><strong>{escape(str(model.card.title))}</strong>'
        f'<table style="border:0;margin-top:.3em">{rows}</table></div>'
    )
