"""``afield score``: how well a model does on rows whose target is known."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from afield.cli import options as o

if TYPE_CHECKING:
    from afield.api.facts import Mood

EXAMPLES = ("afield score shellfish.onnx last_month.csv",)


def command(model: o.ModelPath, data: o.Data, quiet: o.Quiet = False, as_json: o.AsJson = False) -> None:
    """Score a model on rows whose target is known; rows without a target are left out and counted."""
    from afield.api.facts import fact
    from afield.api.score import score
    from afield.api.wording import figure
    from afield.cli.drawing import draw_facts, write_json

    found = score(model, data)
    if as_json:
        write_json(found)
        return
    metrics = found["metrics"]
    if quiet:
        sys.stdout.write(f"{metrics[found['metric']]!r}\n")
        return
    left_out = f", {found['rows_without_target']:,} without a target left out" if found["rows_without_target"] else ""
    draw_facts(
        [
            fact("rows", f"{found['rows']:,}{left_out}"),
            *(
                fact(name, "unknown" if value is None else figure(value), mood=_mood(name, found["metric"]))
                for name, value in metrics.items()
            ),
        ]
    )


def _mood(name: str, wanted: str) -> Mood:
    return "good" if name == wanted else ""
