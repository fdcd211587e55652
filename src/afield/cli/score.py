"""``afield score``: how well a model does on rows whose target is known."""

from __future__ import annotations

import sys

from afield.cli import options as o

EXAMPLES = ("afield score shellfish.onnx last_month.csv",)


def command(model: o.ModelPath, data: o.Data, quiet: o.Quiet = False, as_json: o.AsJson = False) -> None:
    """Score a model on rows whose target is known; rows without a target are left out and counted."""
    from afield.api.facts import fact
    from afield.api.score import score
    from afield.api.wording import figure, interval_text
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
            fact(found["metric"], interval_text(found), mood="good"),
            *(fact(name, figure(value)) for name, value in metrics.items() if name != found["metric"]),
        ]
    )
