"""A problem as a TOML file, so that a question can be kept, edited and asked again."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from afield.core.errors import ProblemError
from afield.problem.problem import Problem
from afield.problem.wishes import state_problem

BARE = re.compile(r"[A-Za-z0-9_-]+")
ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}

#: field -> what can stand there, for the fields that a written file leaves to afield
HINTS = {
    "data": '"table.csv"',
    "test": '"kept_apart.csv"  # its score replaces the estimated one',
    "task": '"regression"  # or "binary", "multiclass"',
    "metric": '"rmse"',
    "costs": "{sick = {sick = 0, well = 20}, well = {sick = 1, well = 0}}  # true class = {answered = cost}, or a file",
    "group": '"COLUMN"  # its rows stay on one side of every split',
    "time": '"COLUMN"  # split by time',
    "weight": '"COLUMN"',
    "ignore": '["COLUMN"]',
    "decimal": '"comma"',
    "positive": '"CLASS"',
    "minutes": "5  # wall time; in place of effort",
    "effort": '"quick"  # or "standard", "thorough"',
    "jobs": "2  # worker processes; 0: one a processor",
    "memory_bytes": '"4GB"',
    "max_size_bytes": '"200KB"  # the largest file',
    "max_latency_us": '"50us"  # the longest that one row may take',
    "seed": "0",
    "real_samples": "true  # put real rows into the file's self-test",
}


def read_toml(text: str, *, where: str = "problem.toml") -> Problem:
    """Return the problem that a TOML text states.

    Raises
    ------
    ProblemError
        ``problem.file`` where the text is not TOML, ``problem.option`` where a key or value cannot be used.
    """
    try:
        wishes = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProblemError(
            "problem.file",
            f"The problem file is not TOML: {error}.",
            where=where,
            fix="afield problem DATA --target COLUMN > problem.toml writes one to start from",
        ) from error
    return state_problem(wishes, where=where)


def write_toml(
    problem: Problem,
    *,
    notes: Mapping[str, Sequence[str]] | None = None,
    complete: bool = False,
) -> str:
    """Return the problem as TOML, one key a line, that ``read_toml`` reads back as it was.

    Parameters
    ----------
    problem : Problem
    notes : mapping of str to lines, optional
        Comments that stand above a field (``task``), beside a column (``kinds.length``) or at the top (``""``).
    complete : bool
        Add the fields that are left to afield, as comments to fill in.
    """
    notes = notes or {}
    blank = Problem(target=problem.target).to_json()
    lines = [_comment(n) for n in notes.get("", ())]
    if lines:
        lines.append("")
    for name, value in problem.to_json().items():
        if name in ("kinds", "dates") or (name == "costs" and value):
            continue
        lines += [_comment(n) for n in notes.get(name, ())]
        if value != blank[name] or name == "target":
            lines.append(f"{name} = {_literal(value)}")
        elif complete and not (name == "effort" and problem.minutes is not None):
            lines.append(f"# {name} = {HINTS[name]}")
    if problem.costs:
        lines += ["", "# true class = {answered class = cost}", "[costs]"]
        lines += [f"{_key(row)} = {_literal(cells)}" for row, cells in problem.costs.items()]
    for name in ("kinds", "dates"):
        pairs: Mapping[str, str] = getattr(problem, name)
        about = notes.get(name, ())
        if not pairs and not about:
            continue
        lines += ["", *(_comment(n) for n in about), f"[{name}]"]
        for column, value in pairs.items():
            beside = "; ".join(notes.get(f"{name}.{column}", ()))
            lines.append(f"{_key(column)} = {_literal(value)}" + (f"  {_comment(beside)}" if beside else ""))
    return "\n".join(lines) + "\n"


def _comment(text: str) -> str:
    """Return one comment line; control characters, which TOML forbids in comments, become blanks."""
    return "# " + "".join(c if c.isprintable() or c == " " else " " for c in text)


def _quote(text: str) -> str:
    return '"' + "".join(ESCAPES.get(c, c if c >= " " and c != "\x7f" else f"\\u{ord(c):04x}") for c in text) + '"'


def _key(text: str) -> str:
    return text if BARE.fullmatch(text) else _quote(text)


def _literal(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str() | PurePath():
            return _quote(str(value))
        case list() | tuple():
            return "[" + ", ".join(_literal(v) for v in value) + "]"
        case Mapping():
            return "{" + ", ".join(f"{_key(k)} = {_literal(v)}" for k, v in value.items()) + "}"
    raise TypeError(f"no TOML for {type(value).__name__}")
