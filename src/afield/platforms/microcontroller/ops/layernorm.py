"""LayerNormalization over the last axes."""

from __future__ import annotations

import math

from afield.platforms.microcontroller.emission.indexing import address, broadcast, collapsed, strides
from afield.platforms.microcontroller.emission.kernel import Kernel
from afield.platforms.microcontroller.ir import DType
from afield.platforms.microcontroller.operators import Operator, Site, register, same_types


@register("LayerNormalization")
class LayerNormalization(Operator):
    """Inputs: values, scale, and an offset or none; outputs: result, and mean and 1 / deviation where they are read."""

    def problems(self, at: Site) -> list[str]:
        """Float32."""
        return same_types(at, (DType.FLOAT32,))

    def macs(self, at: Site) -> int:
        """Return three walks over the input."""
        return 3 * at.input().size

    def emit(self, at: Site, kernel: Kernel) -> None:
        """Mean, deviation and result of each row, in that order, so that no digits are lost to a large mean."""
        x, axis = at.input(), at.integer("axis")
        shape = x.shape[axis:]
        rows, count = math.prod(x.shape[:axis]), math.prod(shape)
        operands = [n for i, n in ((1, "scale"), (2, "offset")) if at.given(i) is not None]
        kernel.input(0, "x")
        for index, name in enumerate(operands, 1):
            kernel.input(index, name)
        extras = [
            (kernel.output(i, n), v) for i, n, v in ((1, "means", "mean"), (2, "inverses", "factor")) if at.wants(i)
        ]
        if at.wants(0):
            kernel.output(0, "y")
        walks = [broadcast(at.input(i).shape, x.shape)[axis:] for i in range(1, len(operands) + 1)]
        extents, (to, *of) = collapsed(shape, strides(shape), *walks)
        with kernel.loop("i", rows) as row:
            kernel.line(f"const float *const p = x + {address((row,), (count,))};")
            kernel.line("float mean = 0, square = 0;")
            with kernel.block(f"for (int k = 0; k < {count}; ++k)"):
                kernel.line("mean += p[k];")
            kernel.line(f"mean /= {kernel.literal(count)};")
            with kernel.block(f"for (int k = 0; k < {count}; ++k)"):
                kernel.line("square += (p[k] - mean) * (p[k] - mean);")
            epsilon = kernel.literal(at.number("epsilon", 1e-5))
            kernel.line(f"const float factor = 1.0f / sqrtf(square / {kernel.literal(count)} + {epsilon});")
            for name, value in extras:
                kernel.line(f"{name}[{row}] = {value};")

            def nest(indices: tuple[str, ...]) -> None:
                if len(indices) < len(extents):
                    with kernel.loop("klmnpq"[len(indices)], extents[len(indices)]) as index:
                        nest((*indices, index))
                    return
                at_row = address(indices, to)
                text = f"(p[{at_row}] - mean) * factor"
                for name, sign, steps in zip(operands, "*+", of, strict=False):
                    text += f" {sign} {name}[{address(indices, steps)}]"
                kernel.line(f"y[{address((row, *indices), (count, *to))}] = {text};")

            if at.wants(0):
                nest(())
