"""Tensors on their way to JavaScript and back: JSON with little-endian bytes in base64, so that NaN survives."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def to_json(values: NDArray[Any]) -> dict[str, Any]:
    """Return ``{type, dims, data}``; texts go as a list, numbers and booleans as their bytes."""
    if values.dtype == object:
        return {"type": "string", "dims": list(values.shape), "data": values.ravel().tolist()}
    data = base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()
    return {"type": str(values.dtype), "dims": list(values.shape), "data": data}


def from_json(tensor: Mapping[str, Any]) -> NDArray[Any]:
    """Return the array; JavaScript names the types as numpy does."""
    if tensor["type"] == "string":
        return np.array(tensor["data"], dtype=object).reshape(tensor["dims"])
    return np.frombuffer(base64.b64decode(tensor["data"]), tensor["type"]).reshape(tensor["dims"])
