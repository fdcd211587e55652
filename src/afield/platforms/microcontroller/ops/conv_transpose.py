"""ConvTranspose in any number of dimensions, channels last, after ``passes/layout``."""

from __future__ import annotations

import math

import numpy as np

from afield.platforms.microcontroller import activations
from afield.platforms.microcontroller.emission.kernel import Kernel
from afield.platforms.microcontroller.ir import Array, DType
from afield.platforms.microcontroller.operators import Operator, Site, register, same_types


@register("ConvTranspose")
class ConvTranspose(Operator):
    """Input [N, spatial..., C], constant weights [C, M / group, kernel...], output [N, spatial..., M]."""

    def problems(self, at: Site) -> list[str]:
        """Float32; weights and bias constant."""
        found = same_types(at, (DType.FLOAT32,))
        bias = at.given(2)
        if at.input(1).value is None or (bias is not None and bias.value is None):
            found.append("its weights are computed; only constant weights are supported.")
        return found

    def macs(self, at: Site) -> int:
        """Return one for each weight and input pixel."""
        return at.input().size * math.prod(at.input(1).shape[1:])

    def emit(self, at: Site, kernel: Kernel) -> None:
        """Gather for each output the inputs that reach it: every output is written once, in order."""
        x, y, weights = at.input(), at.output(), at.input(1)
        group, taps = at.integer("group", 1), weights.shape[2:]
        depth, each = weights.shape[0] // group, weights.shape[1]
        outs = each * group
        value: Array = np.asarray(weights.value)
        packed = value.reshape(group, depth, each, *taps)  # to [group, each, taps..., depth]
        packed = np.moveaxis(packed, 1, -1)
        bias = np.zeros(outs, np.float32)
        given = at.given(2)
        if given is not None and given.value is not None:
            bias[:] = given.value
        kernel.input(0, "x")
        kernel.table(packed, "weights")
        kernel.table(bias, "bias")
        kernel.output(0, "y")
        strides, dilations, pads = at.integers("strides"), at.integers("dilations"), at.integers("pads")

        def outputs(axis: int) -> None:
            if axis < len(taps):
                with kernel.block(f"for (int o{axis} = 0; o{axis} < {y.shape[1 + axis]}; ++o{axis})"):
                    outputs(axis + 1)
                return
            with kernel.block(f"for (int m = 0; m < {outs}; ++m)"):
                kernel.line("float a = bias[m];")
                inputs(0, "0", f"m * {math.prod(taps)}")
                kernel.line(f"*y++ = {activations.apply(at.node, 'a')};")

        def inputs(axis: int, row: str, tap: str) -> None:
            if axis < len(taps):
                extent, step = x.shape[1 + axis], strides[axis]
                with kernel.block(f"for (int k{axis} = 0; k{axis} < {taps[axis]}; ++k{axis})"):
                    kernel.line(f"const int r{axis} = o{axis} + {pads[axis]} - k{axis} * {dilations[axis]};")
                    divides = f" || r{axis} % {step} != 0" if step > 1 else ""
                    kernel.line(f"if (r{axis} < 0{divides} || r{axis} / {step} >= {extent})")
                    kernel.line("    continue;")
                    inner = math.prod(taps[axis + 1 :])
                    here = f"r{axis} / {step}"
                    inputs(
                        axis + 1,
                        here if axis == 0 else f"({row}) * {extent} + {here}",
                        f"{tap} + k{axis}" + (f" * {inner}" if inner > 1 else ""),
                    )
                return
            source = f" + m / {each} * {depth}" if group > 1 else ""
            kernel.line(f"const float *p = x + ({row}) * {x.shape[-1]}{source};")
            kernel.line(f"const {kernel.rom}float *w = weights + ({tap}) * {depth};")
            with kernel.block(f"for (int c = 0; c < {depth}; ++c)"):
                kernel.line("a += *p++ * *w++;")

        with kernel.loop("n", x.shape[0]) as n:
            outputs(0)
            if n == "n":
                kernel.line(f"x += {math.prod(x.shape[1:])};")
