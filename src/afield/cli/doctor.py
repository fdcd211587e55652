"""``afield doctor``: what is installed, what extras and programs would add, what is broken."""

from __future__ import annotations

import typer

from afield.cli import options as o
from afield.cli.guard import CHECK_FAILED

EXAMPLES = ("afield doctor", "afield doctor --json")


def command(as_json: o.AsJson = False) -> None:
    """Say what is installed and works, what extras and programs would add, and what is broken: then exit code 1."""
    from afield.api.doctor import examine
    from afield.cli.drawing import draw_facts, write_json

    health = examine()
    if as_json:
        write_json(health.to_json())
    else:
        draw_facts(health.facts())
    if health.broken:
        raise typer.Exit(CHECK_FAILED)
