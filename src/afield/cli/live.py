"""Which listener shows progress: a live line on a terminal, plain lines elsewhere, JSON lines, or nothing."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from afield.api.progress import duration, event_text, figure, stage_text, trial_text
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
def listening(*, quiet: bool, as_json: bool) -> Iterator[Listener]:
    """Give a listener that shows progress as the options and the terminal allow."""
    if as_json:
        yield write_event
    elif quiet:
        yield silent
    elif sys.stderr.isatty():
        yield from _live()
    else:
        from afield.api.progress import Lines

        yield Lines(summary=False)


def _live() -> Iterator[Listener]:
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True, highlight=False)
    status = Status(console)
    with Live(status, console=console, transient=True, refresh_per_second=4):
        yield status


class Status:
    """The line that moves: stage, trials, best score so far, time left. Other events scroll above it."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.started = time.monotonic()
        self.stage = "starting"
        self.trial = ""
        self.best = ""
        self.fraction: float | None = None
        self.ends_at: float | None = None

    def __call__(self, event: Event) -> None:
        """Take the event in."""
        from rich.text import Text

        from afield.cli.drawing import STYLES

        data = event.data
        match event.kind:
            case "stage":
                self.stage, self.trial = stage_text(str(data.get("name", ""))), ""
            case "trial":
                self.trial = trial_text(data)
            case "best":
                self.best = f"best {data.get('metric', '')} {figure(data.get('score'))}"
            case "progress":
                self.fraction = data.get("fraction")
                left = data.get("left_s")
                self.ends_at = None if left is None else time.monotonic() + float(left)
            case "finding" if data.get("severity") == "note":
                return
            case kind if kind not in SUMMARISED:
                self.console.print(Text(event_text(event), style=STYLES.get(str(data.get("severity", "")), "")))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the two lines."""
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        now = time.monotonic()
        head = [self.stage, duration(now - self.started)]
        if self.ends_at is not None:
            head.append(f"{duration(self.ends_at - now)} left")
        if self.best:
            head.append(self.best)
        bar = ProgressBar(total=1.0, completed=self.fraction or 0.0, width=24, pulse=self.fraction is None)
        grid = Table.grid(padding=(0, 2))
        grid.add_row(bar, Text(" · ".join(head), overflow="ellipsis", no_wrap=True))
        yield grid
        if self.trial:
            yield Text(self.trial, style="dim", overflow="ellipsis", no_wrap=True)
