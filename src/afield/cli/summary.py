"""What a fit says in the end: question, doubts first, honest score, what is inside, and what to do next."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from afield.api.facts import Fact, fact
from afield.api.show import decision, members, other_findings, quality, question, serious
from afield.api.wording import duration, size
from afield.cli.drawing import draw_facts, write_json

if TYPE_CHECKING:
    from afield.api.fit import FitResult


def show_result(result: FitResult, *, quiet: bool, as_json: bool) -> None:
    """Print the result of a fit: facts; the path alone (``quiet``); or one JSON object."""
    if as_json:
        write_json(
            {
                "event": "result",
                "study": result.study,
                "path": None if result.path is None else str(result.path),
                "bytes": len(result.model.bytes),
                "wall_s": round(result.wall_s, 3),
                "card": result.model.card.to_json(),
            }
        )
    elif quiet:
        sys.stdout.write(f"{result.path or result.study}\n")
    else:
        draw_facts(summary(result))


def summary(result: FitResult) -> list[Fact]:
    """Return the facts of a finished fit."""
    card = result.model.card
    place = result.path or Path("model.onnx")
    plain = card.decision is None or card.decision.rule == "argmax"
    told = [f for f in decision(card, result.model.schema.target.classes) if not (plain and f.label == "decision")]
    return [
        *question(card),
        *serious(result.findings),
        *quality(card),
        *members(card),
        *told,
        *other_findings(result.findings),
        fact("file", f"{place}, {size(len(result.model.bytes))}, needs {card.needs}", mood="title"),
        fact("study", f"{result.study}, {duration(result.wall_s)}"),
        *next_steps(place, result.study),
    ]


def next_steps(path: Path, study: str) -> list[Fact]:
    """Return the commands that come next."""
    model = shlex.quote(str(path))
    commands = (
        f"afield predict {model} NEW_ROWS.csv --out answers.csv",
        f"afield show {model}",
        f"afield report {study} {shlex.quote(str(path.with_suffix('.html')))}",
    )
    return [fact("next", *commands)]
