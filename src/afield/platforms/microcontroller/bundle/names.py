"""Names in one C namespace, each given once: members, types, constants of enumerations, macros."""

from __future__ import annotations

import unicodedata

from afield.platforms.microcontroller.emission.names import identifier

#: words that compilers and Arduino define as macros without arguments
_MACROS = frozenset({"linux", "unix", "i386", "arm", "avr", "errno", "stdin", "stdout", "stderr", "interrupts", "nan"})
LONGEST = 48  # characters of the part that comes from a text; C99 tells 63 apart


class Names:
    """Gives out names; a name that is taken gets a number behind it."""

    def __init__(self, *taken: str) -> None:
        self._taken = set(taken)

    def give(self, stem: str) -> str:
        """Return ``stem``, or ``stem_2`` and so on where it is taken."""
        name, count = stem, 1
        while name in self._taken:
            count += 1
            name = f"{stem}_{count}"
        self._taken.add(name)
        return name


def word(text: str) -> str:
    """Return a C identifier in lower case for any text."""
    short = identifier(text)[:LONGEST].rstrip("_")
    return f"{short}_" if short in _MACROS or short != identifier(short) else short


def comment(text: str, limit: int = 120) -> str:
    """Return a text as it may stand inside a C comment: on one line, nothing that ends or bends it."""
    plain = "".join(c if c.isprintable() else " " for c in unicodedata.normalize("NFC", text))
    for part in ("*/", "/*", "\\", "??", "//"):
        plain = plain.replace(part, " ".join(part))
    return plain if len(plain) <= limit else plain[: limit - 3] + "..."


def string(text: str) -> str:
    """Return a C string literal of the text's UTF-8 bytes; octal escapes cannot run into what follows."""
    made = []
    for byte in text.encode():
        plain = 32 <= byte < 127 and chr(byte) not in '"\\?'
        made.append(chr(byte) if plain else f"\\{byte:03o}")
    return f'"{"".join(made)}"'
