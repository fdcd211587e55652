"""Valid and distinct C identifiers for whatever people call their columns and values."""

from __future__ import annotations

import re
import unicodedata

KEYWORDS = frozenset(
    """alignas alignof and and_eq asm auto bitand bitor bool break case catch char class compl concept const const_cast
    consteval constexpr constinit continue decltype default delete do double dynamic_cast else enum explicit export
    extern false float for friend goto if inline int long mutable namespace new noexcept not not_eq nullptr operator or
    or_eq private protected public register reinterpret_cast requires restrict return short signed sizeof static
    static_assert static_cast struct switch template this thread_local throw true try typedef typeid typename union
    unsigned using virtual void volatile wchar_t while xor xor_eq""".split()
)


def identifier(text: str) -> str:
    """Return ``text`` as a C identifier in lower case: other characters become ``_``, accents are dropped."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    word = re.sub(r"[^0-9a-z]+", "_", plain.lower()).strip("_") or "value"
    word = f"n{word}" if word[0].isdigit() else word
    return f"{word}_" if word in KEYWORDS else word


def identifiers(texts: list[str]) -> dict[str, str]:
    """Return an identifier for each text, no two alike."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for text in texts:
        word, count = identifier(text), 1
        while (name := word if count == 1 else f"{word}_{count}") in taken:
            count += 1
        taken.add(name)
        found[text] = name
    return found
