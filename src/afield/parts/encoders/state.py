"""Packs what an encoder learnt into arrays and JSON, so that it can be stored without pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.core.randomness import canonical_json
from afield.parts.protocol import State


def pack(header: Mapping[str, Any], **arrays: NDArray[Any]) -> State:
    """Return the state: ``header`` as JSON text in a 0-d str array under "json", and the arrays.

    Texts live in the header alone: numpy's str arrays drop trailing NUL characters.
    """
    return {"json": np.array(canonical_json(header)), **arrays}


def header_of(state: State) -> dict[str, Any]:
    """Return the header that ``pack`` was given."""
    header: dict[str, Any] = json.loads(str(state["json"]))
    return header
