"""Integer convolutions of any grouping and averages of windows, channels last: rarer, so written out plainly."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from afield.platforms.microcontroller.emission.kernel import Kernel
from afield.platforms.microcontroller.ir import DType
from afield.platforms.microcontroller.operators import Operator, Site, register


def _cut(at: Site, text: str) -> str:
    low, high = at.integer("low"), at.integer("high")
    return f"({at.output().dtype.c})({text} < {low} ? {low} : {text} > {high} ? {high} : {text})"


def _scaled(at: Site) -> str:
    return f"sum * {1 << at.integer('shift')}" if at.integer("shift") else "sum"


def _pixels(at: Site, kernel: Kernel, body: Callable[[], None]) -> None:
    """Walk the pixels of the output; the image moves on between batches."""
    x, y = at.input(), at.output()

    def walk(axis: int) -> None:
        if axis == x.rank - 2:
            body()
            return
        with kernel.block(f"for (int o{axis} = 0; o{axis} < {y.shape[1 + axis]}; ++o{axis})"):
            walk(axis + 1)

    with kernel.loop("n", x.shape[0]) as n:
        walk(0)
        if n == "n":
            kernel.line(f"x += {math.prod(x.shape[1:])};")


def _taps(at: Site, kernel: Kernel, window: tuple[int, ...], body: Callable[[str, str], None]) -> None:
    """Walk the taps of a window that lie in the image; ``body`` gets the pixel and the tap as C."""
    x = at.input()
    strides, dilations, pads = at.integers("strides"), at.integers("dilations"), at.integers("pads")

    def walk(axis: int, pixel: str, tap: str) -> None:
        if axis == len(window):
            body(pixel, tap)
            return
        extent = x.shape[1 + axis]
        with kernel.block(f"for (int k{axis} = 0; k{axis} < {window[axis]}; ++k{axis})"):
            place = f"o{axis} * {strides[axis]} + k{axis} * {dilations[axis]} - {pads[axis]}"
            kernel.line(f"const int i{axis} = {place};")
            kernel.line(f"if (i{axis} < 0 || i{axis} >= {extent})")
            kernel.line("    continue;")
            walk(
                axis + 1,
                f"i{axis}" if not axis else f"({pixel}) * {extent} + i{axis}",
                f"k{axis}" if not axis else f"({tap}) * {window[axis]} + k{axis}",
            )

    walk(0, "0", "0")


@register("IntegerGroupedConv")
class IntegerGroupedConv(Operator):
    """Inputs as ``IntegerConv``; any number of groups, dilations and spatial dimensions."""

    def macs(self, at: Site) -> int:
        """Return one for each weight and output pixel."""
        return at.output().size * math.prod(at.input(1).shape[1:])

    def emit(self, at: Site, kernel: Kernel) -> None:
        """Sum up one output at a time."""
        weights, window = np.asarray(at.input(1).value), at.input(1).shape[2:]
        outs, depth = weights.shape[:2]
        channels, each, taps = at.input().shape[-1], outs // at.integer("group", 1), math.prod(window)
        kernel.title("integer_grouped_conv")
        kernel.input(0, "x")
        kernel.table(np.moveaxis(weights, 1, -1).astype(np.int8), "weights")
        kernel.table(np.asarray(at.input(2).value), "bias")
        kernel.table(np.asarray(at.input(3).value), "multiplier")
        kernel.output(0, "y")
        helper = kernel.helper("requantise.c")
        factor = "multiplier[m]" if at.input(3).size > 1 else "multiplier[0]"

        def outputs() -> None:
            with kernel.block(f"for (int m = 0; m < {outs}; ++m)"):
                kernel.line("int32_t sum = bias[m];")
                _taps(at, kernel, window, products)
                kernel.line(f"const int32_t v = {helper}({_scaled(at)}, {factor}, {at.integer('y_zero')});")
                kernel.line(f"*y++ = {_cut(at, 'v')};")

        def products(pixel: str, tap: str) -> None:
            kernel.line(f"const {at.input().dtype.c} *const p = x + ({pixel}) * {channels} + m / {each} * {depth};")
            kernel.line(f"const int w = (m * {taps} + {tap}) * {depth};")
            with kernel.block(f"for (int c = 0; c < {depth}; ++c)"):
                kernel.line(f"sum += (p[c] - ({at.integer('x_zero')})) * weights[w + c];")

        _pixels(at, kernel, outputs)


@register("IntegerAveragePool")
class IntegerAveragePool(Operator):
    """y = zero + (sum of the window, less zero points) * multiplier, halves to even; all windows count alike."""

    def macs(self, at: Site) -> int:
        """Return one for each element of each window."""
        return at.output().size * math.prod(at.integers("kernel_shape"))

    def emit(self, at: Site, kernel: Kernel) -> None:
        """Sum up one channel of one window at a time."""
        channels = at.input().shape[-1]
        kernel.title("integer_average_pool")
        kernel.input(0, "x")
        kernel.output(0, "y")
        helper = kernel.helper("requantise_even.c")
        factor = kernel.literal(at.integer("multiplier"), DType.INT32)

        def outputs() -> None:
            with kernel.block(f"for (int c = 0; c < {channels}; ++c)"):
                kernel.line("int32_t sum = 0;")
                _taps(at, kernel, at.integers("kernel_shape"), lambda pixel, tap: kernel.line(
                    f"sum += x[({pixel}) * {channels} + c] - ({at.integer('x_zero')});"))  # fmt: skip
                kernel.line(f"const int32_t v = {helper}({_scaled(at)}, {factor}, {at.integer('y_zero')});")
                kernel.line(f"*y++ = {_cut(at, 'v')};")

        _pixels(at, kernel, outputs)
