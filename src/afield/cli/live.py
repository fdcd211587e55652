"""Which listener shows progress: a live line on a terminal, plain lines elsewhere, JSON lines, or nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from afield.api.progress import Lines, Standing
from afield.api.wording import duration, event_text, stage_text
from afield.core.events import Event, Listener, silent

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

#: events that the summary after the work repeats in full
SUMMARISED = {"score", "parity", "written"}


def write_event(event: Event) -> None:
    """Write one event as one JSON line on stdout."""
    sys.stdout.write(json.dumps({"event": event.kind, **event.data}, ensure_ascii=False) + "\n")
    sys.stdout.flush()


@contextmanager
def listening(*, quiet: bool, as_json: bool, budget_s: float | None = None) -> Iterator[Listener]:
    """Give a listener that shows progress as the options and the terminal allow.

    ``budget_s``: time that the whole work may take, where that is known.
    """
    if as_json:
        yield write_event
    elif quiet:
        yield silent
    elif sys.stderr.isatty():
        yield from _live(budget_s)
    else:
        yield Lines(summary=False, budget_s=budget_s)


def _live(budget_s: float | None) -> Iterator[Listener]:
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True, highlight=False)
    status = Status(console, budget_s)
    with Live(status, console=console, transient=True, refresh_per_second=4):
        yield status


class Status:
    """The line that moves: stage, trials, best score so far, time left. Other events scroll above it."""

    def __init__(self, console: Console, budget_s: float | None = None) -> None:
        self.console = console
        self.standing = Standing(budget_s)
        self.trial = ""

    def __call__(self, event: Event) -> None:
        """Take the event in."""
        from rich.text import Text

        from afield.cli.drawing import STYLES

        self.standing.take(event)
        severity = str(event.data.get("severity", ""))
        if event.kind == "stage":
            self.trial = ""
        elif event.kind == "trial":
            self.trial = self.standing.trial_text(event) or self.trial
        elif event.kind not in SUMMARISED and severity != "note" and (text := event_text(event)):
            self.console.print(Text(text, style=STYLES.get(severity, "")))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the two lines."""
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        fraction = self.standing.fraction
        stage = stage_text(self.standing.stage) or "starting"  # last, since a narrow terminal cuts there
        head = [duration(self.standing.elapsed_s), *reversed(self.standing.texts()), stage]
        bar = ProgressBar(total=1.0, completed=fraction or 0.0, width=16, pulse=fraction is None)
        grid = Table.grid(padding=(0, 2))
        grid.add_row(bar, Text(" · ".join(head), overflow="ellipsis", no_wrap=True))
        yield grid
        if self.trial:
            yield Text(self.trial, style="dim", overflow="ellipsis", no_wrap=True)
