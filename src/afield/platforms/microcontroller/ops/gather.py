"""Gather along an axis; indices may count from the end, and those out of range are taken to its ends."""

from __future__ import annotations

import math

from afield.platforms.microcontroller.emission.kernel import Kernel
from afield.platforms.microcontroller.ir import DType
from afield.platforms.microcontroller.operators import Operator, Site, register


@register("Gather")
class Gather(Operator):
    """y[i, j, k] = x[i, index[j], k]."""

    def problems(self, at: Site) -> list[str]:
        """Demand indices of 32 or 64 bits."""
        wrong = at.input(1).dtype not in (DType.INT32, DType.INT64)
        return ["its indices must be int32 or int64."] if wrong else []

    def macs(self, at: Site) -> int:
        """Return nothing: no arithmetic."""
        del at
        return 0

    def emit(self, at: Site, kernel: Kernel) -> None:
        """Copy one run for each index."""
        x, axis = at.input(), at.integer("axis")
        outer, extent, run = math.prod(x.shape[:axis]), x.shape[axis], math.prod(x.shape[axis + 1 :])
        kernel.input(0, "x")
        kernel.input(1, "index")
        kernel.output(0, "y")
        with kernel.loop("i", outer) as i, kernel.block(f"for (int j = 0; j < {at.input(1).size}; ++j)"):
            kernel.line(f"const {at.input(1).dtype.c} stated = index[j];")
            kernel.line(f"const int from_end = (int)(stated < 0 ? stated + {extent} : stated);")
            kernel.line(f"const int k = from_end < 0 ? 0 : from_end >= {extent} ? {extent - 1} : from_end;")
            base = f"i * {extent * run} + " if i == "i" else ""
            with kernel.loop("n", run) as n:
                inner = " + n" if n == "n" else ""
                kernel.line(f"*y++ = x[{base}k{f' * {run}' if run != 1 else ''}{inner}];")
