"""Fixed-point arithmetic: how a 32-bit sum becomes an 8-bit result, in one rounding.

A sum ``a`` of products stands for ``a * ratio`` steps of the output. With m = round(ratio * 2**(32 - shift)) the
result is ``zero + floor(((a << shift) * m + 2**31) / 2**32)``, halves rounded up, then cut to the range of the output.
``shift`` is 0 unless a ratio is at least a half, so that one multiplication (SMMLAR on Cortex-M4) does it all. A
multiplier is off by at most 2**(shift - 33), so a sum below 2**24 is off by less than 0.002 of a step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
#: a ratio of this or more has no multiplier
LARGEST_RATIO = 2.0**15
#: sums are kept below this, shift included
SUM_LIMIT = 2**31
#: bits behind the point in additions of two 8-bit values
ADD_BITS = 22


@dataclass(frozen=True)
class Scaling:
    """Multipliers int32 [channels], and the shift before them."""

    multiplier: Array
    shift: int


def scaling(ratio: Array) -> Scaling | None:
    """Return the multipliers for positive ratios, or None where one is too great or too small to have one."""
    if not ratio.size or not np.isfinite(ratio).all() or (ratio < 0).any() or ratio.max() >= LARGEST_RATIO:
        return None
    shift = 0
    while np.rint(ratio.max() * 2.0 ** (32 - shift)) >= 2**31:
        shift += 1
    return Scaling(np.rint(ratio * 2.0 ** (32 - shift)).astype(np.int32), shift)


def requantised(sums: Array, multiplier: Array, shift: int, zero: int, low: int, high: int) -> Array:
    """Return the results for sums, int64; ``multiplier`` broadcasts against the last axis."""
    product = (sums.astype(np.int64) << shift) * multiplier.astype(np.int64) + 2**31
    return np.clip(zero + (product >> 32), low, high)


def requantised_even(sums: Array, multiplier: int, shift: int, zero: int, low: int, high: int) -> Array:
    """Return the results for sums, halves to even: averages over 2, 4, 64... elements often end in a half."""
    product = (sums.astype(np.int64) << shift) * multiplier + 2**31
    whole = product >> 32
    return np.clip(zero + np.where((product & 0xFFFFFFFF) == 0, whole & ~1, whole), low, high)


def quantised(real: Array, scale: float, zero: int, low: int, high: int) -> Array:
    """Return the steps nearest to real numbers, halves to even, cut to a range."""
    return np.clip(np.rint(real / scale) + zero, low, high).astype(np.int64)
