"""Which characters a text encoder tells apart, and what each of them counts as.

Case and accents are folded by a table inside the graph, so that no locale and no library version takes part in a
prediction. Latin, Greek and Cyrillic are always in the table; of all other scripts and symbols those characters that
stand in at least five texts are added. Characters outside the table share one entry.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afield.graph.builder import Builder, Value

BLANK, UNKNOWN = 0, 1  # rows of the table

#: A folded character is its code point, plus this for letters and digits: what words are made of.
WORD = 1 << 21
BLANK_CODE = 1  # not 0, so that a blank counts in a hash
_UNKNOWN_CODE = WORD + 0xFFFD

#: Columns of ``Alphabet.traits``.
TRAITS = ("visible", "upper", "digit", "punctuation")

_ALWAYS = [
    *range(0x01, 0x250), *range(0x370, 0x530), 0x1680, *range(0x1E00, 0x1F00), *range(0x2000, 0x2070), 0x3000
]  # fmt: skip
_MOST = 4_096  # characters added from the data
_MIN_TEXTS = 5


@dataclass(frozen=True)
class Alphabet:
    """The character table; row 0 is a blank, row 1 every character that is not in the table.

    Parameters
    ----------
    points : int64 [A]
        Code points, ascending, of the characters in rows 2 to A + 1.
    """

    points: NDArray[np.int64]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Alphabet:
        """Return the table for these training texts."""
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(set(text))
        often = sorted((c for c, n in counts.items() if n >= _MIN_TEXTS), key=lambda c: (-counts[c], c))
        always = {chr(p) for p in _ALWAYS}
        added = [c for c in often if c not in always and c != "\0"][:_MOST]
        cased = {v for c in added for v in (c.lower(), c.upper()) if len(v) == 1}
        points = sorted(ord(c) for c in always | set(added) | cased)
        return cls(np.asarray(points, dtype=np.int64))

    @property
    def codes(self) -> NDArray[np.int64]:
        """int64 [A + 2]: what each row hashes as; from ``WORD`` on it belongs to words."""
        return np.asarray([BLANK_CODE, _UNKNOWN_CODE, *(_code(chr(p)) for p in self.points)], dtype=np.int64)

    @property
    def traits(self) -> NDArray[np.float32]:
        """float32 [A + 2, 4]: one for each of ``TRAITS`` that a row counts as."""
        rows = [(0, 0, 0, 0), (1, 0, 0, 0), *(_traits(chr(p)) for p in self.points)]
        return np.asarray(rows, dtype=np.float32)

    def lower(self, builder: Builder, characters: Value) -> Value:
        """Look up characters: string to int64 rows of the table, any shape; ``""`` is a blank."""
        keys = ["", *(chr(p) for p in self.points)]
        rows = [BLANK, *range(2, len(self.points) + 2)]
        return builder.op(
            "LabelEncoder", characters, dtype="int64", keys_strings=keys, values_int64s=rows, default_int64=UNKNOWN
        )


def _is_blank(char: str) -> bool:
    return char.isspace() or unicodedata.category(char) in ("Cc", "Zs", "Zl", "Zp")


def _code(char: str) -> int:
    if _is_blank(char):
        return BLANK_CODE
    base = next((c for c in unicodedata.normalize("NFKD", char) if not unicodedata.combining(c)), char)
    folded = base.casefold()[:1] or base
    folded = next((c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c)), folded)
    return ord(folded) + (WORD if unicodedata.category(folded)[0] in "LMN" else 0)


def _traits(char: str) -> tuple[int, int, int, int]:
    if _is_blank(char):
        return (0, 0, 0, 0)
    kind = unicodedata.category(char)
    return (1, int(char.isupper()), int(kind == "Nd"), int(kind[0] in "PS"))
