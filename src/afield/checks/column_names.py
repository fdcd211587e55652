"""``column.names``: a column that names people or says how to reach them; its levels would travel in the model file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from afield.checks.context import CheckContext, ignore_options, percent
from afield.core.findings import Finding
from afield.data.table import NumberColumn

#: share of the distinct values that must look so
SHARE = 0.3
#: distinct values that are looked at, and that there must be
LOOK, LEAST = 2_000, 15

TITLES = re.compile(r"\b(mr|mrs|ms|miss|dr|prof|herr|frau|monsieur|madame|mme|señora?|sir|rev)\b\.?\s", re.IGNORECASE)
EMAIL = re.compile(r"[^\s@,;<>]+@[^\s@,;<>]+\.[A-Za-z]{2,}")
PHONE = re.compile(r"(\+\d|\(?0?\d{2,4}\)?[ /.-]\d)[\d ()/.-]{5,}\d")
ADDRESS = re.compile(
    r"(^\d{1,5}[a-z]?\s+.*\b(street|st|road|rd|avenue|ave|lane|ln|drive|dr|boulevard|blvd|court|ct|way|place)\b)|"
    r"(\b[\w-]*(straße|strasse|str\.|weg|gasse|platz)\s+\d{1,4})|(\b(rue|via|calle|rua|avenida)\s+\w+.*\d)",
    re.IGNORECASE,
)
WORD = re.compile(r"[^\W\d_]+")


def find(context: CheckContext) -> Iterator[Finding]:
    """Yield a warning for each feature that looks like names, e-mails, phone numbers or addresses."""
    for name in context.features:
        column, spec = context.table[name], context.specs[name]
        if isinstance(column, NumberColumn) or spec.kind not in ("category", "text"):
            continue
        used = context.counts[name] > 0
        texts = [str(v).strip() for v in column.levels[used][:LOOK] if v]
        if len(texts) < LEAST:
            continue
        kinds = {
            "names of people": sum(map(_person, texts)),
            "e-mail addresses": sum(bool(EMAIL.search(t)) for t in texts),
            "phone numbers": sum(bool(PHONE.fullmatch(t)) for t in texts),
            "postal addresses": sum(bool(ADDRESS.search(t)) for t in texts),
        }
        kind = max(kinds, key=lambda k: kinds[k])
        share = kinds[kind] / len(texts)
        if share < SHARE:
            continue
        yield Finding(
            code="column.names",
            severity="warning",
            column=name,
            what=f"{name!r} looks like {kind}: {percent(share)} of {len(texts):,} different values do.",
            fix=f"Unless the answer truly depends on it: {ignore_options([name])}",
            effect="Words of it can end up in the model file, which is meant to be passed on.",
        )


@cache
def given_names() -> frozenset[str]:
    """Return given names that are common somewhere: one is no proof, a third of a column is."""
    return frozenset((files("afield.checks") / "given_names.txt").read_text(encoding="utf-8").split())


def _person(text: str) -> bool:
    words = WORD.findall(text)
    if not 2 <= len(words) <= 9 or any(c.isdigit() for c in text):
        return bool(TITLES.search(text)) and len(words) <= 12
    capitals = sum(w[0].isupper() for w in words) >= len(words) - 1
    return bool(TITLES.search(text)) or (
        len(words) <= 4 and capitals and any(w.casefold() in given_names() for w in words)
    )
