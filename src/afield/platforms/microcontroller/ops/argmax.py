"""ArgMax and ArgMin along an axis."""

from __future__ import annotations

import math

from afield.platforms.microcontroller.emission.kernel import Kernel
from afield.platforms.microcontroller.operators import Operator, Site, register


@register("ArgMax", "ArgMin")
class ArgMax(Operator):
    """The first or the last of equals; the output is int64."""

    def macs(self, at: Site) -> int:
        """Return one comparison for each element read."""
        return at.input().size

    def emit(self, at: Site, kernel: Kernel) -> None:
        """One walk along the axis for every other index."""
        x, axis = at.input(), at.integer("axis")
        outer, count, inner = math.prod(x.shape[:axis]), x.shape[axis], math.prod(x.shape[axis + 1 :])
        sign = (">" if at.node.op == "ArgMax" else "<") + ("=" if at.integer("select_last_index") else "")
        step = "" if inner == 1 else f" * {inner}"
        kernel.input(0, "x")
        kernel.output(0, "y")
        with kernel.loop("i", outer) as i, kernel.loop("j", inner) as j:
            base = (
                " + ".join(filter(None, [f"i * {count * inner}" if i == "i" else "", "j" if j == "j" else ""])) or "0"
            )
            kernel.line(f"const {x.dtype.c} *const p = x + {base};")
            kernel.line("int best = 0;")
            with kernel.block(f"for (int k = 1; k < {count}; ++k)"):
                kernel.line(f"best = p[k{step}] {sign} p[best{step}] ? k : best;")
            kernel.line("*y++ = best;")
