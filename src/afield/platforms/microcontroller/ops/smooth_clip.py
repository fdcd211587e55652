"""SmoothClip: x / sqrt(1 + (x / limit) ** 2), between -limit and limit."""

from __future__ import annotations

from afield.platforms.microcontroller.emission.kernel import Kernel
from afield.platforms.microcontroller.ir import DType
from afield.platforms.microcontroller.operators import Operator, Site, register, same_types


@register("SmoothClip")
class SmoothClip(Operator):
    """One input; the output may lie over it."""

    def problems(self, at: Site) -> list[str]:
        """Floats only."""
        return same_types(at, (DType.FLOAT32, DType.FLOAT64))

    def overwrites(self, at: Site) -> tuple[int, ...]:
        """Return the input: each element is read before it is written."""
        del at
        return (0,)

    def emit(self, at: Site, kernel: Kernel) -> None:
        """Far out, where a square would overflow, the result is the limit itself."""
        kind, f = at.output().dtype, "f" if at.output().dtype is DType.FLOAT32 else ""
        limit = at.attribute("limit", 1.0)
        c = kernel.literal(float(limit) if isinstance(limit, int | float) else 1.0, kind)
        far, one = kernel.literal(1e9, kind), kernel.literal(1.0, kind)
        kernel.input(0, "x")
        kernel.output(0, "y")
        with kernel.loop("i", at.output().size) as i:
            kernel.line(f"const {kind.c} u = x[{i}] / {c};")
            near = f"x[{i}] / sqrt{f}({one} + u * u)"
            kernel.line(f"y[{i}] = fabs{f}(u) > {far} ? (u > 0 ? {c} : -{c}) : {near};")
