"""Where the work stands, from its events; and progress as plain lines, for notebooks, logs and simple terminals."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from afield.api.wording import MAIN, duration, event_text, figure, trial_text
from afield.core.events import Event

TRIAL_LINES_S = 2.0  # at most one line about trials in this time
ENOUGH_TRIALS = 3  # from here on the time left is guessed


def is_watched() -> bool:
    """Return whether a person sees stderr: a terminal, or a notebook."""
    return sys.stderr.isatty() or "ipykernel" in sys.modules


class Standing:
    """Stage, best score so far and time left, gathered from events.

    Parameters
    ----------
    budget_s : float, optional
        Time that the whole work may take; None: guessed from the trials.
    """

    def __init__(self, budget_s: float | None = None) -> None:
        self.budget_s = budget_s
        self.started = self.search_started = time.monotonic()
        self.stage = ""
        self.metric = ""
        self.best: float | None = None
        self._loss = float("inf")
        self.done = self.planned = 0

    def take(self, event: Event) -> None:
        """Take one event in."""
        data = event.data
        match event.kind:
            case "stage":
                self.stage, self.search_started = str(data.get("name", "")), time.monotonic()
                self.done = self.planned = 0
            case "problem":
                self.metric = str(data.get("metric", ""))
            case "best":
                self.best, self._loss = data.get("score"), -float("inf")
            case "trial" if data.get("split", MAIN) == MAIN:
                self.done, self.planned = int(data.get("done", 0)), int(data.get("planned") or 0)
                loss = data.get("loss")
                if loss is not None and loss < self._loss:
                    self._loss, self.best = loss, data.get("score")

    @property
    def elapsed_s(self) -> float:
        """Seconds since the work began."""
        return time.monotonic() - self.started

    @property
    def left_s(self) -> float | None:
        """Seconds left: of the budget, or guessed from the trials so far; None where nothing is known."""
        if self.budget_s is not None:
            return max(0.0, self.budget_s - self.elapsed_s)
        if self.done < ENOUGH_TRIALS or self.planned <= self.done:
            return None
        return (time.monotonic() - self.search_started) / self.done * (self.planned - self.done)

    @property
    def fraction(self) -> float | None:
        """Share of the work that is done; None where nothing is known."""
        left = self.left_s
        if left is None:
            return None
        if self.budget_s is None:
            return self.done / self.planned
        return min(1.0, self.elapsed_s / self.budget_s)

    def trial_text(self, event: Event) -> str:
        """Return what a trial was and how it ended; an empty text for one that was stopped."""
        if event.data.get("status") == "stopped":
            return ""
        planned = event.data.get("planned") if self.budget_s is None else None  # a cap only, where time decides
        return trial_text({**event.data, "planned": planned})

    def texts(self) -> list[str]:
        """Return the best score so far and the time left, where they are known."""
        found = [] if self.best is None else [f"best {self.metric} {figure(self.best)}".replace("  ", " ")]
        if (left := self.left_s) is not None:
            found.append(f"{'' if self.budget_s is not None else 'about '}{duration(left)} left")
        return found


class Lines:
    """A listener that writes one line an event; lines about trials are thinned out.

    Parameters
    ----------
    stream : text stream, optional
        stderr where it is left out.
    summary : bool
        Also write the lines that a summary after the fit would repeat.
    budget_s : float, optional
        Time that the whole work may take.
    """

    def __init__(self, stream: TextIO | None = None, *, summary: bool = True, budget_s: float | None = None) -> None:
        self.stream = stream
        self.summary = summary
        self.standing = Standing(budget_s)
        self.last_trial = -TRIAL_LINES_S

    def __call__(self, event: Event) -> None:
        """Write the event's line, if it has one."""
        self.standing.take(event)
        text = self.line(event)
        if text:
            stream = self.stream or sys.stderr
            stream.write(f"[{duration(self.standing.elapsed_s):>5}] {text}\n")
            stream.flush()

    def line(self, event: Event) -> str:
        """Return the event's line, or an empty text."""
        data = event.data
        match event.kind:
            case "trial":
                return self.trial(event)
            case "finding" if data.get("severity") == "note":
                return ""
            case "score" | "parity" | "written" if not self.summary:
                return ""
        return event_text(event)

    def trial(self, event: Event) -> str:
        """Return the line of a trial; failed ones are always shown, stopped ones never."""
        status, now = event.data.get("status", "ok"), time.monotonic()
        if status == "stopped" or (status in ("ok", "discarded") and now - self.last_trial < TRIAL_LINES_S):
            return ""
        self.last_trial = now
        return ", ".join([self.standing.trial_text(event), *self.standing.texts()])
