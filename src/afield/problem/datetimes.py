r"""Dates and times in text, read the same way on every platform: no locale, no guess.

A format is ``iso`` or a strptime-like pattern of these directives; anything else in a pattern is not accepted:

=====  ==============================================================================================
%Y     four digits
%y     two digits; 69 to 99 are 1969 to 1999, 00 to 68 are 2000 to 2068
%m %d  month, day: one or two digits
%H %I  hour 0 to 23; hour 1 to 12 with %p: one or two digits
%M %S  minute, second: one or two digits, at most 59
%f     fraction of a second, one to nine digits, cut off
%p     AM or PM, in any case
%b %B  English month name, in full or its first three letters (also Sept), in any case
%a %A  English weekday name in full or its first three letters, in any case; not compared with the date
%z     ``Z``, ``+HH``, ``+HHMM`` or ``+HH:MM``; ``-`` for west
%%     a percent sign
=====  ==============================================================================================

A run of blanks in the pattern matches one or more blanks; other characters match themselves. ``iso`` is
``YYYY-MM-DD``, or ``YYYY-MM`` (the first of the month), or a date, then ``T`` or blanks, then ``HH:MM`` or ``HH:MM:SS``
with an optional fraction after ``.`` or ``,``, then optionally blanks and an offset as %z.
The date must exist, years are 1 to 9999, also after the turn to UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTH = {name: i for i, full in enumerate(_MONTHS, 1) for name in (full, full[:3])} | {"sept": 9}
_B = "[\t\n\v\f\r \u00a0\u2007\u2009\u202f\ufeff]"
_OFFSET = r"(?P<z>[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)"
_DIRECTIVES = {
    "Y": "(?P<Y>[0-9]{4})",
    "y": "(?P<y>[0-9]{2})",
    "m": "(?P<m>[0-9]{1,2})",
    "d": "(?P<d>[0-9]{1,2})",
    "H": "(?P<H>[0-9]{1,2})",
    "I": "(?P<I>[0-9]{1,2})",
    "M": "(?P<M>[0-9]{1,2})",
    "S": "(?P<S>[0-9]{1,2})",
    "f": "(?:[0-9]{1,9})",
    "p": "(?P<p>[AaPp][Mm])",
    "b": f"(?P<b>(?i:{'|'.join(sorted(_MONTH, key=len, reverse=True))}))",
    "a": f"(?i:{'|'.join((*_DAYS, *(d[:3] for d in _DAYS)))})",
    "z": _OFFSET,
    "%": "%",
}
_ISO = (
    r"(?P<Y>[0-9]{4})-(?P<m>[0-9]{2})(?:-(?P<d>[0-9]{2})"
    rf"(?:(?:[Tt]|{_B}+)(?P<H>[0-9]{{2}}):(?P<M>[0-9]{{2}})(?::(?P<S>[0-9]{{2}})(?:[.,][0-9]+)?)?(?:{_B}*{_OFFSET})?)?)?"
)


@lru_cache(maxsize=512)
def pattern_of(form: str) -> re.Pattern[str]:
    """Return the regular expression of a format.

    Raises
    ------
    ValueError
        The format uses a directive that is not listed above, one twice, or does not settle year and month.
    """
    if form == "iso":
        return re.compile(_ISO)
    parts = []
    for token in re.findall(rf"%.|{_B}+|[^%]|%$", form, re.DOTALL):
        if token[0] == "%":
            name = {"B": "b", "A": "a"}.get(token[1:], token[1:])
            if name not in _DIRECTIVES:
                raise ValueError(f"{token!r} is not a directive that afield reads")
            parts.append(_DIRECTIVES[name])
        else:
            parts.append(f"{_B}+" if re.fullmatch(f"{_B}+", token) else re.escape(token))
    try:
        compiled = re.compile("".join(parts))
    except re.error as error:
        raise ValueError(f"the format {form!r} names one thing twice") from error
    names = compiled.groupindex
    if not ({"Y", "y"} & names.keys() and ({"m", "b"} & names.keys() or not {"d"} & names.keys())):
        raise ValueError(
            f"the format {form!r} does not settle the date: it needs a year, and a month where it has a day"
        )
    if ("I" in names) != ("p" in names):
        raise ValueError(f"the format {form!r} must have %I and %p together")
    return compiled


def read_datetime(text: str, form: str) -> str | None:
    """Return the canonical text of a date that has this format, else None."""
    match = pattern_of(form).fullmatch(text)
    if match is None:
        return None
    part = match.groupdict()
    year = int(part["Y"]) if part.get("Y") else _century(int(part["y"]))
    month = _MONTH[part["b"].lower()] if part.get("b") else int(part.get("m") or 1)
    hour = int(part.get("H") or 0)
    if part.get("p"):
        twelve = int(part["I"])
        if not 1 <= twelve <= 12:
            return None
        hour = twelve % 12 + (12 if part["p"].lower() == "pm" else 0)
    try:
        when = datetime(year, month, int(part.get("d") or 1), hour, int(part.get("M") or 0), int(part.get("S") or 0))
        offset = _offset(part.get("z") or "Z")
        return None if offset is None else canonical_datetime(when - offset)
    except (ValueError, OverflowError):
        return None


def canonical_datetime(when: date) -> str:
    """Return ``YYYY-MM-DDTHH:MM:SS``, in UTC where ``when`` knows its offset; a date is midnight.

    Raises
    ------
    ValueError
        The year leaves 1 to 9999.
    """
    if not isinstance(when, datetime):
        return f"{when.year:04d}-{when.month:02d}-{when.day:02d}T00:00:00"
    if when.tzinfo is not None and when.utcoffset() is not None:
        try:
            when = when.astimezone(UTC)
        except OverflowError as error:
            raise ValueError("outside the years 1 to 9999") from error
    return f"{when.year:04d}-{when.month:02d}-{when.day:02d}T{when.hour:02d}:{when.minute:02d}:{when.second:02d}"


def _century(two: int) -> int:
    return two + (1900 if two >= 69 else 2000)


def _offset(text: str) -> timedelta | None:
    if text in "Zz":
        return timedelta(0)
    hours, minutes = int(text[1:3]), int(text[3:].lstrip(":") or 0)
    if hours > 23 or minutes > 59:
        return None
    return (-1 if text[0] == "-" else 1) * timedelta(hours=hours, minutes=minutes)
