"""``afield show``: the card inside a model file."""

from __future__ import annotations

from afield.cli import options as o

EXAMPLES = ("afield show shellfish.onnx", "afield show shellfish.onnx --json")


def command(model: o.ModelPath, as_json: o.AsJson = False) -> None:
    """Show what a model predicts, from what, how well, how honest that is, its size and where it comes from."""
    from afield.api.show import show, show_json
    from afield.cli.drawing import draw_facts, write_json

    if as_json:
        write_json(show_json(model))
    else:
        draw_facts(show(model))
