"""The words for events, findings, scores, times and sizes: the same in progress lines, summaries and cards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from afield.core.events import Event

MAIN = "main"  # the split whose trials become the model; the others estimate the honest score
STAGES = {
    "read": "reading the data",
    "check": "checking the data",
    "search": "searching for a good model",
    "check the file": "holding the file to the learners' own libraries",
    "honest score": "estimating the score on rows that no choice sees",
}


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
    """Return a number with four significant digits, ``unknown`` for None, anything else as text."""
    if value is None:
        return "unknown"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}" if abs(value) < 1e5 else f"{value:,.0f}"


def finding_text(data: Mapping[str, Any]) -> str:
    """Return a finding in one line: what was found, in which rows, and what settles it."""
    what, column = str(data.get("what", "")), str(data.get("column") or "")
    rows = ", ".join(str(r) for r in data.get("rows") or ())
    parts = (
        f"{column}:" if column and column not in what else "",
        what,
        f"(such as row{'s' if ',' in rows else ''} {rows})" if rows else "",
        str(data.get("fix") or ""),
    )
    return " ".join(p for p in parts if p)


def stage_text(name: str) -> str:
    """Return a stage in words."""
    return STAGES.get(name, name)


def interval_text(data: Mapping[str, Any]) -> str:
    """Return a value with its interval."""
    text = figure(data.get("value"))
    if data.get("low") is None or data.get("high") is None:
        return text
    level = data.get("level", 0.95)
    return f"{text} ({level:.0%} interval {figure(data['low'])} to {figure(data['high'])})"


def score_text(data: Mapping[str, Any]) -> str:
    """Return a score with its interval and how it was got."""
    text = f"{data.get('metric', '')} {interval_text(data)}".strip()
    return f"{text}, {data['text']}" if data.get("text") else text


def parity_text(data: Mapping[str, Any]) -> str:
    """Return how far the file is from the learners' own libraries."""
    return (
        f"equal to the learners' own libraries within {data.get('tolerance', 0):.0e}: largest difference "
        f"{data.get('largest', 0):.1e} on {data.get('rows', 0):,} training rows "
        f"and {data.get('hostile_rows', 0):,} hostile rows"
    )


def trial_text(data: Mapping[str, Any]) -> str:
    """Return what a trial was and how it ended."""
    recipe = data.get("recipe", "")
    name = recipe.get("name", "") if isinstance(recipe, Mapping) else recipe
    planned = f" of {data['planned']}" if data.get("planned") else ""
    split = "" if data.get("split", MAIN) == MAIN else f", {data['split']}"
    head = f"trial {data.get('done', '')}{planned}{split}: {name or data.get('id', '')}"
    if data.get("status", "ok") != "ok":
        return f"{head} {data['status']}" + (f": {data['reason']}" if data.get("reason") else "")
    return f"{head} {figure(data.get('score'))}"


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
    "ended": lambda d: f"the search ended early: {d.get('why', '')}" if d.get("split") == MAIN else "",
    "written": lambda d: f"written: {d.get('path', '')} ({size(d.get('bytes', 0))})",
    "notice": lambda d: str(d.get("text", "")),
}
