"""Amounts with a unit, as people write them: bytes of a file, microseconds of a row.

A bare number is refused where its unit would have to be guessed: 200 bytes and 200 kB are both plausible limits.
"""

from __future__ import annotations

import math
import re

from afield.core.errors import ProblemError

BYTES = {"b": 1} | {
    unit: base**power
    for power, letter in enumerate("kmgt", start=1)
    for unit, base in ((letter, 1000), (f"{letter}b", 1000), (f"{letter}ib", 1024))
}
#: µ is two characters: the micro sign, and the Greek letter that keyboards give
MICROSECONDS = {"ns": 1e-3, "us": 1.0, "\u00b5s": 1.0, "\u03bcs": 1.0, "ms": 1e3, "s": 1e6}
_AMOUNT = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([^\W\d_]*)\s*")


def parse_size(name: str, text: object, where: str = "") -> int:
    """Return the bytes that ``200KB``, ``1.5 MiB`` or ``900B`` means; kB, MB, GB are powers of 1000.

    Raises
    ------
    ProblemError
        ``problem.option``.
    """
    return int(_parse(name, text, BYTES, "200KB, 1.5MB or 64KiB", "KB", where))


def parse_latency(name: str, text: object, where: str = "") -> float:
    """Return the microseconds that ``50us``, ``0.2 ms`` or ``80 µs`` means.

    Raises
    ------
    ProblemError
        ``problem.option``.
    """
    return _parse(name, text, MICROSECONDS, "50us or 0.2ms", "us", where)


def _parse(name: str, text: object, units: dict[str, float] | dict[str, int], shown: str, unit: str, at: str) -> float:
    place = f"{at}, {name}" if at else f"option {name}"
    match = _AMOUNT.fullmatch(str(text).casefold())
    bare = match is not None and not match[2]
    if match is None or bare or match[2] not in units:
        raise ProblemError(
            "problem.option",
            f"{name}: a number without a unit could mean many things." if bare else f"{name}: this cannot be read.",
            where=place,
            got=repr(text),
            expected=f"such as {shown}",
            fix=f'write "{str(text).strip()}{unit}", or another unit' if bare else "",
        )
    value = float(match[1]) * units[match[2]]
    if not (math.isfinite(value) and value > 0):
        raise ProblemError("problem.option", f"{name}: it must be above 0.", where=place, got=repr(text))
    return value
