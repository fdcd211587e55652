"""Products of two tensors of bytes, with broadcasting: a gate of each channel, an attention of each element."""

from __future__ import annotations

from afield.platforms.microcontroller.emission.indexing import address, broadcast, collapsed, strides
from afield.platforms.microcontroller.emission.kernel import Kernel
from afield.platforms.microcontroller.ir import DType
from afield.platforms.microcontroller.operators import Operator, Site, register


@register("IntegerMul")
class IntegerMul(Operator):
    """y = zero + (a - a_zero) * (b - b_zero) * multiplier / 2 ** 32, rounded once and cut."""

    def overwrites(self, at: Site) -> tuple[int, ...]:
        """Return the inputs of the output's shape."""
        return tuple(i for i in (0, 1) if at.input(i).shape == at.output().shape)

    def emit(self, at: Site, kernel: Kernel) -> None:
        """Walk the output once."""
        y = at.output()
        walks = [broadcast(at.input(i).shape, y.shape) for i in (0, 1)]
        extents, steps = collapsed(y.shape, strides(y.shape), *walks)
        kernel.input(0, "a")
        kernel.input(1, "b")
        kernel.output(0, "y")
        helper = kernel.helper("requantise.c")
        factor = kernel.literal(at.integer("multiplier"), DType.INT32)
        shift = f" * {1 << at.integer('shift')}" if at.integer("shift") else ""
        low, high = at.integer("low"), at.integer("high")

        def walk(indices: tuple[str, ...]) -> None:
            if len(indices) < len(extents):
                with kernel.loop("ijklmnpq"[len(indices)], extents[len(indices)]) as index:
                    walk((*indices, index))
                return
            a, b = (f"({name}[{address(indices, step)}] - ({at.integer(f'{name}_zero')}))"
                    for name, step in zip("ab", steps[1:], strict=True))  # fmt: skip
            kernel.line(f"const int32_t v = {helper}({a} * {b}{shift}, {factor}, {at.integer('y_zero')});")
            kernel.line(
                f"y[{address(indices, steps[0])}] = ({y.dtype.c})(v < {low} ? {low} : v > {high} ? {high} : v);"
            )

        walk(())
