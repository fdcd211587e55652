"""A fact: a label with lines beside it. Use cases say what they found in facts; CLI and notebooks draw them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Mood = Literal["", "good", "note", "warning", "serious", "title"]


@dataclass(frozen=True)
class Fact:
    """One thing said about a model, a study or an installation.

    Parameters
    ----------
    label : str
    lines : tuple of str
        At least one.
    mood : {"", "good", "note", "warning", "serious", "title"}
        How it is to be seen.
    """

    label: str
    lines: tuple[str, ...]
    mood: Mood = ""


def fact(label: str, *lines: str, mood: Mood = "") -> Fact:
    """Return the fact with these lines."""
    return Fact(label, lines, mood)
