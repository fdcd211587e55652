"""Words for "no value": which are taken for missing, and where."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from afield.problem.cells import fold
from afield.problem.schema import DEFAULT_MISSING

#: Besides DEFAULT_MISSING, these are no values where all other cells of a column are numbers or dates.
BESIDE_VALUES: frozenset[str] = frozenset(
    "? - -- --- . * / x n.a. n.a n.d. n.d nd k.a. k.a nil void unknown unk missing undefined #value! #div/0! #ref! "
    "#num! #name? #null! inf -inf +inf infinity -infinity \u2013 \u2014 \u2026 ... not_available not_applicable".split()
) | {"not available", "not applicable", "no data", "no value", "(null)", "(blank)", "#n/a n/a"}

#: Numbers that some programs write for "no value".
SENTINELS = (-999.0, -9999.0, -99999.0, -999.9, -9999.9, -99.0)
_COUNTRY = re.compile(r"[A-Z]{2}")


def category_missing(levels: Iterable[str]) -> tuple[str, ...]:
    """Return the missing tokens of a column of words.

    ``none`` is a level there ("no such thing"), ``NA`` one among two-letter codes (Namibia); ``?`` alone is missing.
    """
    levels = list(levels)
    tokens = [t for t in DEFAULT_MISSING if t != "none"]
    codes = [t for t in levels if _COUNTRY.fullmatch(t)]
    others = [t for t in levels if fold(t) not in DEFAULT_MISSING and t != "?"]
    if "NA" in levels and len(others) >= 5 and len(codes) > 0.9 * len(others):
        tokens.remove("na")
    if "?" in levels:
        tokens.append("?")
    return tuple(tokens)


def sentinel(counts: Mapping[float, int]) -> float | None:
    """Return the number that clearly stands for "no value".

    It is on the list, occurs twice or more, and is ten times larger than any of at least ten other values.
    """
    for candidate in SENTINELS:
        if counts.get(candidate, 0) >= 2:
            others = [abs(v) for v in counts if v != candidate]
            if len(others) >= 10 and abs(candidate) > 10 * max(others):
                return candidate
    return None
