"""Conv in one, two or more spatial dimensions, channels last, after ``passes/layout``."""

from __future__ import annotations

import math

import numpy as np

from afield.platforms.microcontroller import activations
from afield.platforms.microcontroller.emission.kernel import Kernel
from afield.platforms.microcontroller.ir import Array, DType
from afield.platforms.microcontroller.leads import window_lead
from afield.platforms.microcontroller.operators import Operator, Site, register, same_types


@register("Conv")
class Conv(Operator):
    """Input [N, spatial..., C], weights [M, C / group, kernel...] constant, output [N, spatial..., M]."""

    def problems(self, at: Site) -> list[str]:
        """Float32; weights and bias constant."""
        found = same_types(at, (DType.FLOAT32,))
        bias = at.given(2)
        if at.input(1).value is None or (bias is not None and bias.value is None):
            found.append("its weights are computed; only constant weights are supported.")
        return found

    def macs(self, at: Site) -> int:
        """Return one for each weight and output pixel."""
        return at.output().size * math.prod(at.input(1).shape[1:])

    def lead_bytes(self, at: Site) -> int:
        """Return the distance: at most two pixels are computed side by side."""
        return window_lead(at, 2)

    def emit(self, at: Site, kernel: Kernel) -> None:
        """Choose among dense, depthwise and general."""
        weights = at.input(1)
        group, depth = at.integer("group", 1), weights.shape[1]
        plain = weights.rank <= 4 and all(d == 1 for d in at.integers("dilations"))
        if plain and group == 1:
            _dense(at, kernel)
        elif plain and depth == 1 and group == weights.shape[0]:
            _depthwise(at, kernel)
        else:
            _general(at, kernel)


def _bias(at: Site, size: int = 0) -> Array:
    outs = at.input(1).shape[0]
    bias = np.zeros(max(size, outs), np.float32)
    given = at.given(2)
    if given is not None and given.value is not None:
        bias[:outs] = given.value
    return bias


def _plane(at: Site) -> dict[str, int]:
    """Return the extents of a 2-D convolution; in 1-D the height is 1."""
    x, y, kernel = at.input().shape, at.output().shape, at.input(1).shape[2:]
    lift = (1,) * (2 - len(kernel))
    in_h, in_w = (*lift, *x[1:-1])
    out_h, out_w = (*lift, *y[1:-1])
    kernel_h, kernel_w = (*lift, *kernel)
    stride_h, stride_w = (*lift, *at.integers("strides"))
    top, left = (*(0,) * len(lift), *at.integers("pads")[: len(kernel)])
    found = {
        "IN_H": in_h, "IN_W": in_w, "OUT_H": out_h, "OUT_W": out_w, "KERNEL_H": kernel_h, "KERNEL_W": kernel_w,
        "STRIDE_H": stride_h, "STRIDE_W": stride_w, "PAD_TOP": top, "PAD_LEFT": left,
    }  # fmt: skip
    if kernel_h == kernel_w == stride_h == stride_w == 1 and not any(at.integers("pads")):
        found |= {"IN_H": 1, "IN_W": x[0] * in_h * in_w, "OUT_H": 1, "OUT_W": x[0] * out_h * out_w}
        return found | {"BATCHED": 0, "BATCH": 1}
    return found | {"BATCHED": int(x[0] > 1), "BATCH": x[0]}


def _dense(at: Site, kernel: Kernel) -> None:
    weights = at.input(1)
    outs, depth = weights.shape[:2]
    plane = _plane(at)
    whole = outs - outs % 4
    packed = np.zeros((whole + (4 if outs % 4 else 0), *weights.shape[1:]), np.float32)
    packed[:outs] = weights.value
    blocks = packed.reshape(-1, 4, depth, plane["KERNEL_H"], plane["KERNEL_W"]).transpose(0, 3, 4, 2, 1)
    point = plane["KERNEL_H"] == plane["KERNEL_W"] == 1
    kernel.title("pointwise" if point else f"conv_{plane['KERNEL_H']}x{plane['KERNEL_W']}")
    kernel.input(0, "x")
    kernel.table(blocks, "weights")
    kernel.table(_bias(at, packed.shape[0]), "bias")
    kernel.output(0, "y")
    kernel.snippet(
        "conv_dense.c", **plane, IN_C=depth, OUT_C=outs, OUT_C_WHOLE=whole, REST=outs % 4,
        PAIRED=plane["OUT_W"] > 1, FINISHED=activations.apply(at.node, "a"),
    )  # fmt: skip


def _depthwise(at: Site, kernel: Kernel) -> None:
    weights, plane = at.input(1), _plane(at)
    value: Array = np.asarray(weights.value)
    taps = value.reshape(-1, plane["KERNEL_H"], plane["KERNEL_W"]).transpose(1, 2, 0)
    kernel.title(f"depthwise_{plane['KERNEL_H']}x{plane['KERNEL_W']}")
    kernel.input(0, "x")
    kernel.table(taps, "weights")
    kernel.table(_bias(at), "bias")
    kernel.output(0, "y")
    kernel.snippet(
        "conv_depthwise.c",
        **plane,
        CHANNELS=weights.shape[0],
        WHOLE=weights.shape[0] // 4 * 4,
        REST=weights.shape[0] % 4,
        FINISHED=activations.apply(at.node, "a"),
    )


def _general(at: Site, kernel: Kernel) -> None:
    """Write groups and dilations in any number of dimensions: plain nested loops with a test at each tap."""
    x, y, weights = at.input(), at.output(), at.input(1)
    group, depth = at.integer("group", 1), weights.shape[1]
    taps = weights.shape[2:]
    each = weights.shape[0] // group
    value: Array = np.asarray(weights.value)
    kernel.title("conv_grouped" if group > 1 else "conv_dilated")
    kernel.input(0, "x")
    kernel.table(np.moveaxis(value, 1, -1), "weights")
    kernel.table(_bias(at), "bias")
    kernel.output(0, "y")
    strides, dilations, pads = at.integers("strides"), at.integers("dilations"), at.integers("pads")

    def outputs(axis: int) -> None:
        if axis < len(taps):
            with kernel.block(f"for (int o{axis} = 0; o{axis} < {y.shape[1 + axis]}; ++o{axis})"):
                outputs(axis + 1)
            return
        with kernel.block(f"for (int m = 0; m < {weights.shape[0]}; ++m)"):
            kernel.line("float a = bias[m];")
            kernel.line(f"const {kernel.rom}float *w = weights + m * {math.prod(taps) * depth};")
            inputs(0, "0")
            kernel.line(f"*y++ = {activations.apply(at.node, 'a')};")

    def inputs(axis: int, row: str) -> None:
        if axis < len(taps):
            with kernel.block(f"for (int k{axis} = 0; k{axis} < {taps[axis]}; ++k{axis})"):
                kernel.line(
                    f"const int i{axis} = o{axis} * {strides[axis]} + k{axis} * {dilations[axis]} - {pads[axis]};"
                )
                skipped = math.prod(taps[axis + 1 :]) * depth
                with kernel.block(f"if (i{axis} < 0 || i{axis} >= {x.shape[1 + axis]})"):
                    kernel.line(f"w += {skipped};")
                    kernel.line("continue;")
                inputs(axis + 1, f"i{axis}" if axis == 0 else f"({row}) * {x.shape[1 + axis]} + i{axis}")
            return
        source = f"x + ({row}) * {x.shape[-1]}"
        offset = f" + m / {each} * {depth}" if group > 1 else ""
        kernel.line(f"const float *p = {source}{offset};")
        with kernel.block(f"for (int c = 0; c < {depth}; ++c)"):
            kernel.line("a += *p++ * *w++;")

    with kernel.loop("n", x.shape[0]) as n:
        outputs(0)
        if n == "n":
            kernel.line(f"x += {math.prod(x.shape[1:])};")
