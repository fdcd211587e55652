"""HTML and SVG that cannot be broken by what is shown: every text is escaped unless it was made here.

Column names and levels come from strangers' files. ``tag`` escapes each child and each attribute value; only a
``Markup``, which nothing but this module and the templates make, passes as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

VOID = frozenset({"br", "hr", "meta", "col"})
#: characters that HTML forbids, or that turn the reading direction of the rest of the page
_UNSEEN = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 127, *range(8234, 8239), *range(8294, 8298)], "�")


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Child = Markup | str | int | None


def text(value: object) -> Markup:
    """Return a value as escaped text."""
    return value if isinstance(value, Markup) else Markup(escape(str(value).translate(_UNSEEN), quote=True))


def join(children: Iterable[Child]) -> Markup:
    """Return children one after the other; None is nothing."""
    return Markup("".join(text(c) for c in children if c is not None))


def tag(name: str, /, *children: Child, **attributes: str | float | None) -> Markup:
    """Return ``<name attributes>children</name>``.

    ``klass`` is class, ``_`` in an attribute's name is ``-``; None leaves an attribute out, numbers are shortened.
    """
    parts = [name]
    for key, value in attributes.items():
        if value is None:
            continue
        shown = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
        plain = "class" if key == "klass" else key.rstrip("_").replace("_", "-")
        parts.append(f'{plain}="{text(shown)}"')
    opened = Markup(f"<{' '.join(parts)}>")
    return opened if name in VOID else Markup(f"{opened}{join(children)}</{name}>")


def clip(value: str, most: int) -> str:
    """Return at most ``most`` characters, with an ellipsis where something was cut."""
    return value if len(value) <= most else value[: most - 1] + "…"
