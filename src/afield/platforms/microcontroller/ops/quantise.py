"""QuantizeLinear and DequantizeLinear by themselves: the ends of an integer network that speaks floats outside."""

from __future__ import annotations

from afield.platforms.microcontroller.emission.kernel import Kernel
from afield.platforms.microcontroller.ir import DType
from afield.platforms.microcontroller.operators import Operator, Site, register

_RANGES = {DType.INT8: (-128, 127), DType.UINT8: (0, 255), DType.INT16: (-32768, 32767), DType.UINT16: (0, 65535)}


@register("QuantizeLinear", "DequantizeLinear")
class Quantise(Operator):
    """Float32 on one side; one scale, one for each channel, or one for each block along an axis."""

    def problems(self, at: Site) -> list[str]:
        """Float32, and integers of 8 or 16 bits; int32 is read too."""
        found = []
        real = at.input() if at.node.op == "QuantizeLinear" else at.output()
        whole = at.output() if at.node.op == "QuantizeLinear" else at.input()
        if real.dtype is not DType.FLOAT32 or whole.dtype not in (*_RANGES, DType.INT32):
            found.append(f"{real.dtype.label} and {whole.dtype.label} are not supported here.")
        if at.node.op == "QuantizeLinear" and whole.dtype is DType.INT32:
            found.append("int32 is not supported as a result.")
        return found

    def emit(self, at: Site, kernel: Kernel) -> None:
        """Round halves to even and cut, or subtract and multiply."""
        x, scale, zero = at.input(), at.input(1), at.given(2)
        axis = at.integer("axis", 1)
        inner = 1
        for extent in x.shape[axis + 1 :]:
            inner *= extent
        kernel.input(0, "x")
        kernel.input(1, "scale")
        if zero is not None:
            kernel.input(2, "zero")
        kernel.output(0, "y")
        with kernel.loop("i", at.output().size) as i:
            channel = "0" if scale.size == 1 else f"{i} / {inner} % {x.shape[axis]}"
            if at.integer("block_size"):
                outer = f"{i} / {inner * x.shape[axis]} * {inner * scale.shape[axis]}"
                channel = f"{outer} + {channel} / {at.integer('block_size')} * {inner} + {i} % {inner}"
            if at.node.op == "QuantizeLinear":
                low, high = _RANGES[at.output().dtype]
                added = "" if zero is None else f" + (float)zero[{channel}]"
                kernel.line(f"const float v = rintf(x[{i}] / scale[{channel}]){added};")
                kernel.line(f"y[{i}] = ({at.output().dtype.c})(!(v > {low}.0f) ? {low}.0f : v > {high}.0f ? "
                            f"{high}.0f : v);")  # fmt: skip
            elif zero is None:
                kernel.line(f"y[{i}] = (float)x[{i}] * scale[{channel}];")
            else:
                kernel.line(f"y[{i}] = (float)(x[{i}] - zero[{channel}]) * scale[{channel}];")
