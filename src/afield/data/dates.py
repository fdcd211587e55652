"""How the dates of a text column are written. Day first or month first is never guessed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from afield.problem.datetimes import read_datetime

_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", "T%H:%M", "T%H:%M:%S", " %H:%M:%S%z")
#: Groups of date orders. Within a group at most one can be meant; a column where two fit is not settled.
_GROUPS: tuple[tuple[str, ...], ...] = (
    ("iso",),
    ("%d.%m.%Y",),
    ("%d.%m.%y",),
    ("%d/%m/%Y", "%m/%d/%Y"),
    ("%d/%m/%y", "%m/%d/%y"),
    ("%d-%m-%Y", "%m-%d-%Y"),
    ("%Y/%m/%d",),
    ("%Y.%m.%d",),
    ("%d %b %Y",),
    ("%d-%b-%Y",),
    ("%d-%b-%y",),
    ("%b %d, %Y",),
    ("%b %d %Y",),
    ("%a, %d %b %Y",),
    ("%b %Y",),
    ("%b-%Y",),
    ("%m/%Y",),
)
#: Looks enough like a date to be tried.
_LOOKS = re.compile(r"\s*(?:[A-Za-z]{3,9}[ ,-]|[0-9]{1,4}[-/. ][0-9A-Za-z]{1,9}).*[0-9].*", re.DOTALL)


@dataclass(frozen=True)
class DateReading:
    """The orders that all texts fit: for each, the formats that are needed. More than one: not settled."""

    orders: tuple[tuple[str, ...], ...]

    @property
    def month_first(self) -> tuple[bool, ...]:
        """Tell for each order whether it begins with the month."""
        return tuple(order[0].startswith("%m") for order in self.orders)


def read_dates(texts: Sequence[str]) -> DateReading | None:
    """Return how distinct, stripped, not missing texts are dates; None when they are not."""
    if not texts or not all(_LOOKS.fullmatch(t) for t in texts[:100]):
        return None
    for group in _GROUPS:
        fitting = [formats for order in group if (formats := _formats(texts, order)) is not None]
        if len(fitting) == 2 and _same(texts, fitting[0], fitting[1]):
            fitting = fitting[:1]
        if fitting:
            return DateReading(tuple(fitting))
    return None


def read_compact(texts: Sequence[str], name: str) -> tuple[str, ...] | None:
    """Return ``%Y%m%d`` when whole numbers can hardly be anything else."""
    hinted = re.search(r"date|datum|day|tag|fecha|data", name, re.IGNORECASE)
    if len(texts) < (3 if hinted else 20):
        return None
    ok = all(len(t) == 8 and "1900" <= t[:4] <= "2100" and read_datetime(t, "%Y%m%d") for t in texts)
    return ("%Y%m%d",) if ok else None


def _formats(texts: Sequence[str], order: str) -> tuple[str, ...] | None:
    if order == "iso":
        return ("iso",) if all(read_datetime(t, "iso") for t in texts) else None
    needed: dict[str, None] = {}
    for text in texts:
        for form in (*needed, *_with_times(order)):
            if read_datetime(text, form) is not None:
                needed[form] = None
                break
        else:
            return None
    return tuple(sorted(needed, key=_with_times(order).index))


@cache
def _with_times(order: str) -> tuple[str, ...]:
    return tuple(order + time for time in _TIMES)


def _same(texts: Sequence[str], first: Sequence[str], second: Sequence[str]) -> bool:
    return all(_first(t, first) == _first(t, second) for t in texts)


def _first(text: str, formats: Sequence[str]) -> str | None:
    return next((v for f in formats if (v := read_datetime(text, f)) is not None), None)
