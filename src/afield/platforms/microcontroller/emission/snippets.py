"""C bodies that live in real ``.c`` files, and how their parameters are filled in.

A file in ``c/`` holds statements of one function body between ``/* begin */`` and ``/* end */``; what stands before is
a preamble that lets the file compile by itself. Parameters are whole words in capitals; one that stands as
``NAME(a0)`` is an expression over ``a``, which becomes ``a0``. ``ROM`` before a type is where constants lie.
``#if NAME``, ``#else`` and ``#endif`` over a parameter are settled here; other directives stay in the emitted code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "c"
_WORD = re.compile(r"\b[A-Z][A-Z0-9_]*\b")
_CALL = re.compile(r"\b([A-Z][A-Z0-9_]*)\(([\w\[\]]+)\)")
_IF = re.compile(r"^\s*#\s*(if|else|endif)\b\s*(.*?)\s*(?:/\*.*)?$")


@cache
def body(name: str) -> str:
    """Return the part of a snippet between its marks."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    return text.split("/* begin */\n", 1)[1].split("/* end */", 1)[0]


def mentions(name: str, word: str) -> bool:
    """Return whether a snippet has a parameter."""
    return word in _WORD.findall(body(name))


def filled(name: str, parameters: Mapping[str, str | int | bool]) -> list[str]:
    """Return a snippet's lines with its parameters filled in.

    Raises
    ------
    KeyError
        A parameter that the snippet does not mention: a slip of the caller.
    """
    text = body(name)
    unused = set(parameters) - set(_WORD.findall(text))
    if unused:
        raise KeyError(f"{name} has no parameters {sorted(unused)}")
    lines: list[str] = []
    states: list[bool | None] = []  # None: a directive that stays
    for line in text.splitlines():
        directive = _IF.match(line)
        if directive:
            word, condition = directive.groups()
            negated = condition.startswith("!")
            key = condition.lstrip("!")
            if word == "if":
                states.append(bool(parameters[key]) != negated if key in parameters else None)
            settled = states[-1]
            if settled is not None:
                if word == "else":
                    states[-1] = not settled
                elif word == "endif":
                    states.pop()
                continue
            if word == "endif":
                states.pop()
        if all(state is not False for state in states):
            lines.append(_WORD.sub(partial(_word, parameters), _CALL.sub(partial(_call, parameters), line)))
    return lines


def _call(parameters: Mapping[str, str | int | bool], match: re.Match[str]) -> str:
    value = parameters.get(match[1])
    return re.sub(r"\ba\b", match[2], value) if isinstance(value, str) else match[0]


def _word(parameters: Mapping[str, str | int | bool], match: re.Match[str]) -> str:
    value = parameters.get(match[0], match[0])
    return str(int(value)) if isinstance(value, bool) else str(value)
