"""How far before its input an operator's output must begin so that it may be written over what has been read.

Kernels that walk the pixels of their output in order, channels last, read a window for each and never come back to
earlier ones. So the output may trail behind the reading through the same memory: a depthwise layer needs two rows and a
bit of memory beside its input instead of as much again.
"""

from __future__ import annotations

import math

import numpy as np

from afield.platforms.microcontroller.emission.indexing import strides
from afield.platforms.microcontroller.operators import Site


def window_lead(at: Site, pixels: int) -> int:
    """Return the bytes for a walk over windows, channels last.

    Parameters
    ----------
    at : Site
        Input and output [N, spatial..., C], attributes ``strides`` and ``pads``.
    pixels : int
        How many pixels of the output are written, at most, while their windows are still read.
    """
    x, y = at.input(), at.output()
    if not x.size * y.size:
        return 0
    spatial = x.shape[1:-1]
    pixel_bytes = x.shape[-1] * x.dtype.size_bytes
    moves, pads = at.integers("strides"), at.integers("pads")
    first = np.arange(x.shape[0])[:, None] * math.prod(spatial)
    for axis, (extent, out) in enumerate(zip(spatial, y.shape[1:-1], strict=True)):
        start = np.clip(np.arange(out) * moves[axis] - pads[axis], 0, extent) * strides(spatial)[axis]
        first = (first[..., None] + start).reshape(x.shape[0], -1)
    reads = np.minimum.accumulate(first.ravel()[::-1])[::-1] * pixel_bytes  # the first byte that is still wanted
    written = np.minimum(np.arange(y.size // y.shape[-1]) + pixels, y.size // y.shape[-1])
    return int((written * y.shape[-1] * y.dtype.size_bytes - reads).max())
