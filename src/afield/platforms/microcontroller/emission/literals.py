"""Numbers as C text: shortest digits that give the same bits back."""

from __future__ import annotations

import numpy as np

from afield.platforms.microcontroller.ir import Array, DType


def literal(value: float, dtype: DType = DType.FLOAT32) -> str:
    """Return a C literal of ``dtype``. NaN and infinities come from math.h."""
    if dtype.is_float:
        return _real(float(np.float32(value)) if dtype is DType.FLOAT32 else float(value), dtype)
    whole = int(value)
    bits = 8 * dtype.size_bytes
    if dtype in (DType.INT32, DType.INT64) and whole == -(2 ** (bits - 1)):
        return f"INT{bits}_MIN"  # its digits do not fit before the sign is applied
    if bits < 32 or abs(whole) < 2**15:
        return str(whole) + ("u" if dtype in (DType.UINT32, DType.UINT64) else "")
    return f"{'U' if dtype in (DType.UINT32, DType.UINT64) else ''}INT{bits}_C({whole})"


def _real(value: float, dtype: DType) -> str:
    cast = "" if dtype is DType.FLOAT32 else "(double)"
    if np.isnan(value):
        return f"{cast}NAN"
    if np.isinf(value):
        return f"{cast}INFINITY" if value > 0 else f"-{cast}INFINITY"
    return _pointed(str(np.float32(value))) + "f" if dtype is DType.FLOAT32 else _pointed(repr(value))


def _pointed(text: str) -> str:
    return text if any(c in text for c in ".en") else text + ".0"


def table(array: Array, dtype: DType, width: int = 112) -> list[str]:
    """Return the elements of an array as lines of comma-separated literals."""
    lines, line = [], "   "
    for value in array.ravel().tolist() if dtype is not DType.FLOAT32 else array.ravel():
        word = f" {literal(value, dtype)},"
        if len(line) + len(word) > width:
            lines.append(line)
            line = "   "
        line += word
    return [*lines, line] if line.strip() else lines
