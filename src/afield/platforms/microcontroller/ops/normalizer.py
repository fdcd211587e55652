"""Normalizer: each row divided by its largest value, its sum of magnitudes, or its length."""

from __future__ import annotations

from afield.platforms.microcontroller.emission.kernel import Kernel
from afield.platforms.microcontroller.ir import DType
from afield.platforms.microcontroller.operators import Operator, Site, register, same_types

_NORMS = {
    "MAX": ("-INFINITY", "total = a > total ? a : total;", "b / total"),
    "L1": ("0.0f", "total += fabsf(a);", "b / total"),
    "L2": ("0.0f", "total += a * a;", "(b < 0 ? -sqrtf(b * b / total) : sqrtf(b * b / total))"),
}


@register("Normalizer")
class Normalizer(Operator):
    """One input; rows are along the last axis. ``norm``: MAX, L1 or L2."""

    def problems(self, at: Site) -> list[str]:
        """Demand a norm that is known."""
        unknown = [] if at.text("norm") in _NORMS else [f"there is no norm {at.text('norm')}."]
        return [*same_types(at, (DType.FLOAT32,)), *unknown]

    def overwrites(self, at: Site) -> tuple[int, ...]:
        """Return the input: a row is summed before it is written."""
        del at
        return (0,)

    def emit(self, at: Site, kernel: Kernel) -> None:
        """Sum up each row, then divide; a row whose norm is 0 stays as it is."""
        width = at.output().shape[-1] if at.output().rank else 1
        first, step, result = _NORMS[at.text("norm")]
        kernel.input(0, "x")
        kernel.output(0, "y")
        with kernel.loop("i", at.output().size // max(1, width)) as i:
            base = f"{i} * {width} + " if i == "i" else ""
            kernel.line(f"float total = {first};")
            with kernel.loop("j", width) as j:
                kernel.line(f"const float a = x[{base}{j}];")
                kernel.line(step)
            with kernel.loop("k", width) as k:
                kernel.line(f"const float b = x[{base}{k}];")
                kernel.line(f"y[{base}{k}] = total != 0 ? {result} : b;")
