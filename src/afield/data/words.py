"""Telling running text and names from categories, and units in headers."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from afield.data.raw import CodedCells

_UNIT = re.compile(r".*\S\s*(?:\(([^()\[\]]{1,20})\)|\[([^()\[\]]{1,20})\])\s*", re.DOTALL)


def split_unit(header: str) -> str:
    """Return the unit of a header such as ``length (mm)`` or ``weight [g]``, else an empty text."""
    match = _UNIT.fullmatch(header)
    return (match.group(1) or match.group(2)).strip() if match else ""


def looks_like_text(texts: Sequence[str], cells: CodedCells) -> bool:
    """Tell running text, or codes worth reading letter by letter, from categories.

    ``texts`` are the distinct values. Text: long on average; or several words and mostly distinct; or over a hundred
    values of which most occur once.
    """
    if len(texts) < 20:
        return False
    counts = np.bincount(cells.codes, minlength=len(cells.levels))
    rows = max(1, int(counts[[bool(str(t).strip()) for t in cells.levels]].sum()))
    sample = texts[:5000]
    words = float(np.mean([t.count(" ") + 1 for t in sample]))
    length = float(np.mean([len(t) for t in sample]))
    fresh = len(texts) / rows
    return bool(
        (length > 50 and fresh > 0.05)
        or (words >= 3 and fresh > 0.3)
        or (words >= 5 and fresh > 0.1)
        or (len(texts) > 100 and fresh > 0.5)
    )
