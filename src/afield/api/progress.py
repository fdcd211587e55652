"""Progress as plain lines, for terminals that cannot draw, log files and notebooks; and the words for every event."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from afield.core.events import Event

TRIAL_LINES_S = 2.0  # at most one line about trials in this time
STAGES = {
    "read": "reading the data",
    "check": "checking the data",
    "search": "searching for a good model",
    "check the file": "holding the file to the learners' own libraries",
    "honest score": "estimating the score on rows that no choice sees",
}


def is_watched() -> bool:
    """Return whether a person sees stderr: a terminal, or a notebook."""
    return sys.stderr.isatty() or "ipykernel" in sys.modules


def duration(seconds: float) -> str:
    """Return a span of time for people: ``8 s``, ``3 min 20 s``, ``1 h 5 min``."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def size(count: float) -> str:
    """Return a number of bytes for people, in powers of 1000."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError("the loop returns")


def figure(value: object) -> str:
    """Return a number with four significant digits, anything else as text."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}" if abs(value) < 1e5 else f"{value:,.0f}"


def finding_text(data: Mapping[str, Any]) -> str:
    """Return a finding in one line: where, what, and what settles it."""
    rows = ", ".join(str(r) for r in data.get("rows") or ())
    place = ", ".join(p for p in (str(data.get("column") or ""), f"rows {rows}" if rows else "") if p)
    parts = (f"{place}:" if place else "", str(data.get("what", "")), str(data.get("fix") or ""))
    return " ".join(p for p in parts if p)


def stage_text(name: str) -> str:
    """Return a stage in words."""
    return STAGES.get(name, name)


def score_text(data: Mapping[str, Any]) -> str:
    """Return a score with its interval, its rows and how it was got."""
    text = f"{data.get('metric', '')} {figure(data.get('value'))}".strip()
    if data.get("low") is not None and data.get("high") is not None:
        text += f" (95 % interval {figure(data['low'])} to {figure(data['high'])})"
    return f"{text}, {data['text']}" if data.get("text") else text


def parity_text(data: Mapping[str, Any]) -> str:
    """Return how far the file is from the learners' own libraries."""
    return (
        f"equal to the learners' own libraries within {data.get('tolerance', 0):.0e}: largest difference "
        f"{data.get('largest', 0):.1e} on {data.get('rows', 0):,} training rows "
        f"and {data.get('hostile_rows', 0):,} hostile rows"
    )


class Lines:
    """A listener that writes one line an event; lines about trials are thinned out.

    Parameters
    ----------
    stream : text stream, optional
        stderr where it is left out.
    summary : bool
        Also write the lines that a summary after the fit would repeat.
    """

    def __init__(self, stream: TextIO | None = None, *, summary: bool = True) -> None:
        self.stream = stream
        self.summary = summary
        self.started = time.monotonic()
        self.last_trial = -TRIAL_LINES_S
        self.best = ""
        self.left = ""

    def __call__(self, event: Event) -> None:
        """Write the event's line, if it has one."""
        text = self.line(event)
        if text:
            stream = self.stream or sys.stderr
            stream.write(f"[{duration(time.monotonic() - self.started):>5}] {text}\n")
            stream.flush()

    def line(self, event: Event) -> str:
        """Return the event's line, or an empty text."""
        data = event.data
        match event.kind:
            case "best":
                self.best = f", best {data.get('metric', '')} {figure(data.get('score'))}"
            case "progress":
                left = data.get("left_s")
                self.left = "" if left is None else f", {duration(left)} left"
            case "trial":
                return self.trial(data)
            case "finding" if data.get("severity") == "note":
                return ""
            case "score" | "parity" | "written" if not self.summary:
                return ""
            case _:
                return event_text(event)
        return ""

    def trial(self, data: Mapping[str, Any]) -> str:
        """Return the line of a trial; failed ones are always shown."""
        now = time.monotonic()
        failed = data.get("status") not in ("ok", None)
        if not failed and now - self.last_trial < TRIAL_LINES_S:
            return ""
        self.last_trial = now
        return trial_text(data) + self.best + self.left


def trial_text(data: Mapping[str, Any]) -> str:
    """Return what a trial was and how it ended."""
    planned = f" of {data['planned']}" if data.get("planned") else ""
    count = f"trial {data.get('done', '')}{planned}: {data.get('recipe', data.get('id', ''))}"
    if data.get("status") not in ("ok", None):
        return f"{count} {data['status']}: {data.get('reason', '')}"
    return f"{count} {figure(data.get('score'))}"


def event_text(event: Event) -> str:
    """Return the words of an event that stands for itself; an empty text for the others."""
    words = WORDS.get(event.kind)
    return words(event.data) if words else ""


WORDS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "stage": lambda d: stage_text(str(d.get("name", ""))),
    "table": lambda d: f"{d.get('rows', 0):,} rows, {d.get('columns', 0):,} columns from {d.get('source', '')}",
    "problem": lambda d: f"predict {d.get('target', '')}: {d.get('task', '')}, measured by {d.get('metric', '')}",
    "finding": lambda d: f"{d.get('severity', 'note')}: {finding_text(d)}",
    "score": lambda d: f"score: {score_text(d)}",
    "parity": lambda d: f"parity: {parity_text(d)}",
    "written": lambda d: f"written: {d.get('path', '')} ({size(d.get('bytes', 0))})",
    "notice": lambda d: str(d.get("text", "")),
}
