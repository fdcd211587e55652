"""Checks the settings of a part against its declared space, once for all parts, so that a typo is never ignored."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from afield.core.errors import ProblemError, did_you_mean
from afield.parts.protocol import Setting, Settings


def settle(space: Mapping[str, Setting], settings: Settings) -> dict[str, Any]:
    """Return all settings of a part in the order of its space: the given ones, checked, and defaults for the rest.

    Whole numbers may be given as floats (``5.0``) for an integer; an integer given for a number becomes a float, so
    that equal settings give equal bytes.

    Parameters
    ----------
    space : mapping of str to Setting
        The part's declared space.
    settings : mapping of str to JSON value

    Raises
    ------
    ProblemError
        ``parts.settings``: an unknown name, a wrong type or a value out of range.
    """
    for name in settings:
        if name not in space:
            raise ProblemError(
                "parts.settings", f"There is no setting {name!r}.", where=str(name), fix=did_you_mean(name, list(space))
            )
    return {name: _checked(name, s, settings[name]) if name in settings else s.default for name, s in space.items()}


def _checked(name: str, setting: Setting, value: Any) -> Any:
    if setting.kind == "choice":
        for choice in setting.choices:
            if type(choice) is type(value) and choice == value:
                return value
    elif setting.kind == "boolean":
        if isinstance(value, bool):
            return value
    elif isinstance(value, int | float) and not isinstance(value, bool) and _fits(setting, value):
        return int(value) if setting.kind == "integer" else float(value)
    raise ProblemError(
        "parts.settings",
        f"The setting {name!r} cannot have this value.",
        where=name,
        got=repr(value),
        expected=describe(setting),
        fix=f"leave it out for {setting.default!r}, or give {describe(setting)}",
    )


def _fits(setting: Setting, value: float) -> bool:
    whole = setting.kind == "number" or (math.isfinite(value) and float(value).is_integer())
    return whole and setting.low <= value <= setting.high  # NaN compares false


def describe(setting: Setting) -> str:
    """Return in words what a setting may be."""
    if setting.kind == "choice":
        return "one of " + ", ".join(repr(c) for c in setting.choices)
    if setting.kind == "boolean":
        return "true or false"
    noun = "a whole number" if setting.kind == "integer" else "a number"
    return f"{noun} from {setting.low:g} to {setting.high:g}"
