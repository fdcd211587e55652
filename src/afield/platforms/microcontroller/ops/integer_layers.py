"""Integer convolutions and dense layers, channels last: kernels by shape, weights packed as they read them."""

from __future__ import annotations

import math

import numpy as np

from afield.platforms.microcontroller.emission.kernel import Kernel
from afield.platforms.microcontroller.integer.geometry import depthwise, dilated, extents, padded
from afield.platforms.microcontroller.integer.quantised import limits
from afield.platforms.microcontroller.ir import Array, DType
from afield.platforms.microcontroller.leads import window_lead
from afield.platforms.microcontroller.operators import Operator, Site, register

_FOUR, _VECTOR = 4, 16
#: channels of one turn of the inner loop, the first that fits: a turn less costs flash and saves instructions
BLOCKS = (16, 8)


@register("IntegerConv")
class IntegerConv(Operator):
    """Inputs: bytes [N, spatial..., C], weights int8 [M, C / group, kernel...], bias int32 [M], multiplier int32."""

    def macs(self, at: Site) -> int:
        """Return one for each weight and output pixel."""
        return at.output().size * math.prod(at.input(1).shape[1:])

    def scratch_bytes(self, at: Site) -> int:
        """Return two windows, where there is a border."""
        return 0 if depthwise(at) or not padded(at) else 2 * math.prod(at.input(1).shape[1:])

    def lead_bytes(self, at: Site) -> int:
        """Return the distance: two pixels are computed side by side, of depthwise layers one."""
        return window_lead(at, 1 if depthwise(at) else 2)

    def emit(self, at: Site, kernel: Kernel) -> None:
        """Choose between depthwise and dense."""
        if depthwise(at):
            _emit_depthwise(at, kernel)
        else:
            _emit_conv(at, kernel)


@register("IntegerDense")
class IntegerDense(Operator):
    """Inputs: bytes [N, K], weights int8 [M, K], bias int32 [M], multiplier int32 [M] or [1]."""

    def macs(self, at: Site) -> int:
        """Return rows times columns times depth."""
        return at.output().size * at.input(1).shape[1]

    def emit(self, at: Site, kernel: Kernel) -> None:
        """Four outputs at a time."""
        outs, ins = at.input(1).shape
        whole, fours = outs // _FOUR * _FOUR, ins // _FOUR * _FOUR
        w = _weights(at)
        blocks = w[:whole].reshape(whole // _FOUR, _FOUR, ins)
        body = blocks[:, :, :fours].reshape(len(blocks), _FOUR, fours // _FOUR, _FOUR).transpose(0, 2, 1, 3)
        tail = blocks[:, :, fours:].transpose(0, 2, 1)
        count = (len(blocks), _FOUR * fours), (len(blocks), _FOUR * (ins - fours))
        packed = np.concatenate([body.reshape(count[0]), tail.reshape(count[1])], axis=1)
        table = np.concatenate([packed.ravel(), w[whole:].ravel()])
        kernel.title("integer_dense")
        _operands(at, kernel, table, _folded(at, outs))
        kernel.snippet(
            "integer_dense.c", **_scalars(at, kernel), **_widening(at, kernel), ROWS=at.output().shape[0],
            MANY=at.output().shape[0] > 1, **_wide(at, kernel, fours), INS=ins, FOURS=fours,
            INS_REST=ins % _FOUR, OUTS=outs, OUTS_WHOLE=whole, OUTS_REST=outs % _FOUR,
        )  # fmt: skip


def _weights(at: Site) -> Array:
    return np.asarray(at.input(1).value)


def _folded(at: Site, size: int) -> Array:
    """Return the bias less the zero point times the weights' sums, with zeros up to ``size``."""
    w = _weights(at).astype(np.int64)
    bias = np.zeros(size, np.int64)
    bias[: len(w)] = np.asarray(at.input(2).value) - at.integer("x_zero") * w.reshape(len(w), -1).sum(axis=1)
    return bias.astype(np.int32)


def _operands(at: Site, kernel: Kernel, weights: Array, bias: Array) -> None:
    kernel.input(0, "x")
    kernel.table(weights.astype(np.int8), "weights")
    kernel.table(bias.astype(np.int32), "bias")
    kernel.table(np.asarray(at.input(3).value), "multiplier")
    kernel.output(0, "y")


def _scalars(at: Site, kernel: Kernel) -> dict[str, str | int | bool]:
    """Return what every kernel wants to know of types, multipliers and ranges."""
    low, high, dtype = at.integer("low"), at.integer("high"), at.output().dtype
    finished = f"({dtype.c})(a < {low} ? {low} : a > {high} ? {high} : a)"
    if (low, high) == limits(dtype):
        finished = f"({dtype.c}){kernel.helper('saturate_int8.c' if low else 'saturate_uint8.c')}(a)"
    kernel.apart = True
    return {
        "T": at.input().dtype.c,
        "EACH": at.input(3).size > 1,
        "FACTOR": 1 << at.integer("shift"),
        "Y_ZERO": at.integer("y_zero"),
        "FINISHED": finished,
        "REQUANTISE": kernel.helper("requantise.c"),
    }


def _widening(at: Site, kernel: Kernel) -> dict[str, str]:
    """Return the names of the helpers that dual multiplications want."""
    x = "sxtb16" if at.input().dtype is DType.INT8 else "uxtb16"
    return {
        "EVEN": f"{kernel.helper(f'{x}.c')}(a)",
        "UNEVEN": f"{kernel.helper(f'{x}_odd.c')}(a)",
        "SIGNED_EVEN": f"{kernel.helper('sxtb16.c')}(a)",
        "SIGNED_UNEVEN": f"{kernel.helper('sxtb16_odd.c')}(a)",
        "SMLAD": kernel.helper("smlad.c"),
    }


def _wide(at: Site, kernel: Kernel, run: int) -> dict[str, str | int | bool]:
    """Return how much of a run of channels vectors of sixteen take, where the kernel has a form for them."""
    whole = run // _VECTOR * _VECTOR if _signed(at) else 0
    return {"WIDE": whole > 0, "SIXTEENS": whole, "BYTES": kernel.helper("mve_bytes.c") if whole else ""}


def _signed(at: Site) -> bool:
    return at.input().dtype is DType.INT8 is at.output().dtype


def _emit_conv(at: Site, kernel: Kernel) -> None:
    w, plane = _weights(at), extents(at)
    outs, depth = w.shape[:2]
    height, width = plane["KERNEL_H"], plane["KERNEL_W"]
    run = width * depth
    fours = run // _FOUR * _FOUR
    pairs = np.zeros((outs + outs % 2, height, run), np.int8)
    pairs[:outs] = w.reshape(outs, depth, height, width).transpose(0, 2, 3, 1).reshape(outs, height, run)
    pairs = pairs.reshape(len(pairs) // 2, 2, height, run).transpose(0, 2, 1, 3)  # [pair, height, 2, run]
    body = pairs[..., :fours].reshape(len(pairs), height, 2, fours // _FOUR, _FOUR).transpose(0, 1, 3, 2, 4)
    tail = pairs[..., fours:].transpose(0, 1, 3, 2)
    count = (len(pairs), height, 2 * fours), (len(pairs), height, 2 * (run - fours))
    table = np.concatenate([body.reshape(count[0]), tail.reshape(count[1])], axis=2)
    dilations = (*(1,) * (2 - (w.ndim - 2)), *at.integers("dilations"))
    kernel.title("integer_pointwise" if height == width == 1 else f"integer_conv_{height}x{width}")
    _operands(at, kernel, table, _folded(at, outs + outs % 2))
    parameters: dict[str, str | int | bool] = {**plane, **_scalars(at, kernel), **_widening(at, kernel)}
    if padded(at):
        kernel.scratch(at.input().dtype.c, "patch")
    pixels = at.output().size // outs
    flat = height == width == 1 < pixels and not padded(at) and at.input().size == pixels * depth
    aligned = fours if run % 2 == 0 else 0  # words of the weights lie at multiples of four
    block = next((size for size in BLOCKS if fours % size == 0), _FOUR)
    kernel.snippet(
        "integer_conv.c", **parameters, FLAT=flat, PIXELS=pixels, ODD_PIXELS=pixels % 2, BLOCK=block,
        UNROLL=block // _FOUR, SECOND=f"p + {depth}" if flat else "q", IN_C=depth, OUT_C=outs, ODD=outs % 2,
        TALL=height > 1, **_wide(at, kernel, aligned), RUN=run, FOURS=fours, REST=run % _FOUR,
        PADDED=padded(at), DILATED=dilated(at), DILATION_H=dilations[0], DILATION_W=dilations[1],
        X_ZERO=at.integer("x_zero"), OUT_T=at.output().dtype.c,
    )  # fmt: skip


def _emit_depthwise(at: Site, kernel: Kernel) -> None:
    w, plane = _weights(at), extents(at)
    taps = w.reshape(-1, plane["KERNEL_H"], plane["KERNEL_W"]).transpose(1, 2, 0)
    zero, channels = at.integer("x_zero"), len(w)
    half = -zero & 0xFFFF
    add = "sxtab16" if at.input().dtype is DType.INT8 else "uxtab16"
    wide = channels >= _FOUR and _signed(at)
    if wide:
        kernel.helper("mve_bytes.c")  # it brings the intrinsics
    kernel.title(f"integer_depthwise_{plane['KERNEL_H']}x{plane['KERNEL_W']}")
    _operands(at, kernel, taps, np.asarray(at.input(2).value))
    kernel.snippet(
        "integer_depthwise.c", **plane, **_scalars(at, kernel), CHANNELS=channels, WHOLE=channels // _FOUR * _FOUR,
        REST=channels % _FOUR, WIDE=wide, LOW=at.integer("low"), HIGH=at.integer("high"), X_ZERO=zero,
        OFFSETS=f"UINT32_C({half << 16 | half})",
        ADD_EVEN=kernel.helper(f"{add}.c"), ADD_UNEVEN=kernel.helper(f"{add}_odd.c"),
        SIGNED_EVEN=f"{kernel.helper('sxtb16.c')}(a)", SIGNED_UNEVEN=f"{kernel.helper('sxtb16_odd.c')}(a)",
        SMLABB=kernel.helper("smlabb.c"), SMLATT=kernel.helper("smlatt.c"),
    )  # fmt: skip
