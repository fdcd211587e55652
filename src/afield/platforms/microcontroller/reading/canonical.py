"""The one form that the rest of the compiler sees of each operator, out of the forms that ONNX's versions had.

Operators that have one form only pass as they are. The others are registered in ``windows`` (convolutions and pools),
``axes`` (whatever takes axes, limits or sizes) and ``chains`` (what is made of other operators).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from afield.core.lazy import modules
from afield.platforms.microcontroller.ir import Node
from afield.platforms.microcontroller.reading.stating import Stated

Form = Callable[[Stated], list[Node]]
_FORMS: dict[str, Form] = {}


def form(*names: str) -> Callable[[Form], Form]:
    """Register how these operators are brought into canonical form."""

    def enter(function: Form) -> Form:
        for name in names:
            if name in _FORMS:
                raise ValueError(f"{name} has two forms")
            _FORMS[name] = function
        return function

    return enter


@cache
def known() -> dict[str, Form]:
    """Return all forms."""
    modules("afield.platforms.microcontroller.reading.forms")
    return _FORMS


def forms(stated: Stated) -> list[Node]:
    """Return the canonical nodes of a stated one; raises NotStatic where there are none."""
    make = known().get(stated.op)
    return make(stated) if make else [stated.node()]
