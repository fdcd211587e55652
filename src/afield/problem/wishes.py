"""From loosely typed wishes (keywords, TOML, options) to a Problem, or an error that names the wish at fault."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from afield.core.errors import ProblemError, did_you_mean
from afield.problem.amounts import parse_latency, parse_size
from afield.problem.costs import read_costs
from afield.problem.problem import EFFORTS, TASKS, Problem
from afield.problem.schema import KINDS

TEXTS = ("target", "data", "test")
OPTIONAL_TEXTS = ("metric", "group", "time", "weight", "positive")
CHOICES: dict[str, tuple[str, ...]] = {"task": TASKS, "effort": EFFORTS, "decimal": ("", "point", "comma")}
#: what people write -> the field, whose name bears the unit
WITH_UNIT = {"max_size": "max_size_bytes", "max_latency": "max_latency_us"}
UNITS = {"": 1, "b": 1} | {
    unit: base**power
    for power, letter in enumerate("kmgt", start=1)
    for unit, base in ((letter, 1000), (f"{letter}b", 1000), (f"{letter}ib", 1024))
}


def state_problem(wishes: Mapping[str, Any], *, base: Problem | None = None, where: str = "") -> Problem:
    """Return the problem that these wishes state.

    Parameters
    ----------
    wishes : mapping
        Names and values of ``Problem`` fields. Values may be loose: a path for a text, one column for a list of
        columns, ``"4GB"`` for bytes.
    base : Problem, optional
        The problem that the wishes change.
    where : str
        The file that they come from, for messages.

    Raises
    ------
    ProblemError
        ``problem.option``: an unknown name, a value that cannot be used, or two that exclude each other.
    """
    values = {WITH_UNIT.get(name, name): _value(name, value, where) for name, value in wishes.items()}
    if values.get("minutes") is not None and "effort" in values:
        raise _refused("effort", "minutes limit the time, effort counts work: only one can be the limit.", where)
    if base is not None:
        if "effort" in values:
            values["minutes"] = None
        elif values.get("minutes") is not None:
            values["effort"] = "quick"
        return replace(base, **values)
    if not values.get("target"):
        raise ProblemError(
            "problem.option",
            "No target is given: which column is to be predicted?",
            where=where,
            fix="afield fit DATA --target COLUMN, or afield.fit(data, target=column)",
        )
    return Problem(**values)


def parse_bytes(text: str) -> int:
    """Return the bytes that ``4GB``, ``512 MiB`` or ``2000000`` means; kB, MB, GB are powers of 1000.

    Raises
    ------
    ProblemError
        ``problem.option``.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", text.casefold())
    if match is None or match[2] not in UNITS:
        raise ProblemError(
            "problem.option", "An amount of memory cannot be read.", got=repr(text), expected="such as 4GB or 512MiB"
        )
    return int(float(match[1]) * UNITS[match[2]])


def _refused(name: str, what: str, where: str, got: Any = None, expected: str = "") -> ProblemError:
    place = f"{where}, {name}" if where else f"option {name}"
    shown = "" if got is None else repr(got)
    return ProblemError("problem.option", f"{name}: {what}", where=place, got=shown, expected=expected)


def _value(name: str, value: Any, where: str) -> Any:
    """Return ``value`` in the form that the field ``name`` has."""
    if name in WITH_UNIT:  # a number alone has no unit here, so it is read as a text, and refused
        return None if value is None else _LIMITS[WITH_UNIT[name]](name, value, where)
    if name not in Problem.field_names():
        raise ProblemError(
            "problem.option",
            f"There is no option {name!r}.",
            where=where,
            fix=did_you_mean(name, Problem.field_names()),
        )
    return _READERS[name](name, value, where)


def _text(name: str, value: Any, where: str) -> str | None:
    if value is None and (name in OPTIONAL_TEXTS or name == "task"):
        return None
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if name == "positive" and isinstance(value, bool | int | float):  # a label of the user's own type
        value = str(value).lower() if isinstance(value, bool) else str(value)
    if not isinstance(value, str) or (name in OPTIONAL_TEXTS and not value):
        raise _refused(name, "a text is needed.", where, value)
    choices = CHOICES.get(name)
    if choices is not None and value not in choices:
        raise _refused(name, "not one of its values.", where, value, did_you_mean(value, [c for c in choices if c]))
    return value


def _names(name: str, value: Any, where: str) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(n, str) and n for n in names):
        raise _refused(name, "column names are needed.", where, value)
    return tuple(dict.fromkeys(names))


def _mapping(name: str, value: Any, where: str) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(k, str) and isinstance(v, str) for k, v in value.items()):
        raise _refused(name, "column names with their values are needed.", where, value)
    if name == "kinds":
        for column, kind in value.items():
            if kind not in KINDS:
                raise _refused(name, f"{column!r} has an unknown kind.", where, kind, did_you_mean(kind, list(KINDS)))
    else:
        for column, pattern in value.items():
            if pattern != "iso" and "%" not in pattern:
                raise _refused(name, f"{column!r} has no date format.", where, pattern, "such as %d.%m.%Y, or iso")
    return dict(value)


def _minutes(name: str, value: Any, where: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not (math.isfinite(value) and value > 0):
        raise _refused(name, "a number above 0 is needed.", where, value)
    return float(value)


def _flag(name: str, value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise _refused(name, "this is true or false.", where, value)
    return value


def _bytes(name: str, value: Any, where: str) -> int:
    return parse_bytes(value) if isinstance(value, str) else _count(name, value, where)


def _limit(name: str, value: Any, where: str) -> Any:
    if value is None:
        return None
    if isinstance(value, str):
        return _LIMITS[name](name, value, where)
    amount = _minutes(name, value, where)
    return amount if amount is None or name == "max_latency_us" else int(amount)


def _count(name: str, value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _refused(name, "a whole number from 0 up is needed.", where, value)
    return value


_LIMITS: dict[str, Callable[[str, Any, str], Any]] = {"max_size_bytes": parse_size, "max_latency_us": parse_latency}
_READERS: dict[str, Callable[[str, Any, str], Any]] = {
    **dict.fromkeys((*TEXTS, *OPTIONAL_TEXTS, *CHOICES), _text),
    "costs": lambda name, value, where: read_costs(value, where),
    "ignore": _names,
    "kinds": _mapping,
    "dates": _mapping,
    "minutes": _minutes,
    "jobs": _count,
    "memory_bytes": _bytes,
    "max_size_bytes": _limit,
    "max_latency_us": _limit,
    "seed": _count,
    "real_samples": _flag,
}
