"""Tables and facts on a terminal; the same as plain text where there is none. rich is imported only to draw."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from afield.api.facts import Fact

STYLES = {"serious": "bold red", "warning": "yellow", "note": "", "good": "green", "title": "bold", "": ""}


def write_json(value: Any) -> None:
    """Print one JSON object on one line."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n")
    sys.stdout.flush()


def console(*, stderr: bool = False) -> Console | None:
    """Return a console to draw on, or None where plain text is wanted: no terminal."""
    stream = sys.stderr if stderr else sys.stdout
    if not stream.isatty():
        return None
    from rich.console import Console

    return Console(stderr=stderr, highlight=False)


def draw_facts(facts: Sequence[Fact]) -> None:
    """Print labels with their values beside them; a value may have many lines."""
    target = console()
    if target is None:
        width = max((len(f.label) for f in facts), default=0)
        for fact in facts:
            for n, line in enumerate(fact.lines):
                sys.stdout.write(f"{fact.label if n == 0 else '':<{width}}  {line}".rstrip() + "\n")
        return
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for fact in facts:
        grid.add_row(Text(fact.label), Text("\n".join(fact.lines), style=STYLES[fact.mood]))
    target.print(grid)


def draw_grid(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; columns whose cells are all numbers stand to the right."""
    numeric = [all(_is_number(row[n]) for row in rows) for n in range(len(header))]
    target = console()
    if target is None:
        widths = [max(len(r[n]) for r in [header, *rows]) for n in range(len(header))]
        for row in [header, *rows]:
            cells = (f"{c:>{w}}" if right else f"{c:<{w}}" for c, w, right in zip(row, widths, numeric, strict=True))
            sys.stdout.write("  ".join(cells).rstrip() + "\n")
        return
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD)
    for name, right in zip(header, numeric, strict=True):
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(c) for c in row))
    target.print(table)


def _is_number(text: str) -> bool:
    return text.strip() == "" or text.lstrip("-").replace(",", "").replace(".", "").split(" ")[0].isdigit()
