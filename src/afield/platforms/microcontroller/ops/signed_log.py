"""SignedLog: sign(x) * log(1 + |x|), where a mask says so; a double goes in and a float may come out."""

from __future__ import annotations

import numpy as np

from afield.platforms.microcontroller.emission.kernel import Kernel
from afield.platforms.microcontroller.ir import DType
from afield.platforms.microcontroller.operators import Operator, Site, register, same_types


@register("SignedLog")
class SignedLog(Operator):
    """One input. ``mask``: for each element whether it is bent, or None for all."""

    def problems(self, at: Site) -> list[str]:
        """Floats only."""
        return same_types(at, (DType.FLOAT32, DType.FLOAT64))

    def emit(self, at: Site, kernel: Kernel) -> None:
        """Of a double beyond float32 the exponent's share is added to the logarithm of what is left."""
        of, to, mask = at.input().dtype, at.output().dtype, at.attribute("mask")
        kernel.input(0, "x")
        kernel.output(0, "y")
        if isinstance(mask, np.ndarray):
            kernel.table(mask.astype(np.uint8), "bent")
        f = "f" if of is DType.FLOAT32 else ""
        with kernel.loop("i", at.output().size) as i:
            kernel.line(f"const {of.c} a = fabs{f}(x[{i}]) + {kernel.literal(1.0, of)};")
            if of is to:
                kernel.line(f"const {to.c} size = log{f}(a);")
            else:
                kernel.line("int power = 0;")
                kernel.line("const float part = (float)(2.0 * frexp(a, &power));")
                split = "logf(part) + (float)(power - 1) * 0.693147182f"
                kernel.line(f"const {to.c} size = a < (double)INFINITY ? {split} : (float)a;")
            bent = f"x[{i}] < 0 ? -size : size"
            plain = f"({to.c})x[{i}]" if of is not to else f"x[{i}]"
            kernel.line(f"y[{i}] = bent[{i}] ? ({bent}) : {plain};" if isinstance(mask, np.ndarray)
                        else f"y[{i}] = {bent};")  # fmt: skip
