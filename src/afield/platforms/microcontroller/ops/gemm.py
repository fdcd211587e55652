"""Gemm, and MatMul by a constant matrix: dense layers, four outputs at a time."""

from __future__ import annotations

import numpy as np

from afield.platforms.microcontroller import activations
from afield.platforms.microcontroller.emission.indexing import address, broadcast
from afield.platforms.microcontroller.emission.kernel import Kernel
from afield.platforms.microcontroller.ir import Array, DType
from afield.platforms.microcontroller.operators import Operator, Site, register, same_types

_TYPES = (DType.FLOAT32, DType.FLOAT64, DType.INT32, DType.UINT32, DType.INT64, DType.UINT64)


@register("Gemm")
class Gemm(Operator):
    """y = alpha * A' B' + beta * C, where ' may transpose."""

    def problems(self, at: Site) -> list[str]:
        """Numbers of four or eight bytes."""
        return same_types(at, _TYPES)

    def macs(self, at: Site) -> int:
        """Return rows times columns times depth."""
        return at.output().size * _depth(at)

    def emit(self, at: Site, kernel: Kernel) -> None:
        """Packed where the matrix is constant, otherwise plain loops."""
        bias = at.given(2)
        constant = at.input(1).value is not None and (bias is None or bias.value is not None)
        if constant and at.input(1).dtype is DType.FLOAT32 and not at.integer("transA") and _row_bias(at):
            _packed(at, kernel)
        else:
            _plain(at, kernel)


def _depth(at: Site) -> int:
    return at.input().shape[0 if at.integer("transA") else 1]


def _row_bias(at: Site) -> bool:
    bias = at.given(2)
    return bias is None or bias.rank < 2 or bias.shape[0] == 1


def _packed(at: Site, kernel: Kernel) -> None:
    matrix: Array = np.asarray(at.input(1).value)
    matrix = np.float32(at.number("alpha", 1.0)) * (matrix if at.integer("transB") else matrix.T)
    outs, ins = matrix.shape
    whole = outs - outs % 4
    rows = np.zeros((whole + (4 if outs % 4 else 0), ins), np.float32)
    rows[:outs] = matrix
    bias = np.zeros(len(rows), np.float32)
    given = at.given(2)
    if given is not None and given.value is not None:
        bias[:outs] = np.broadcast_to(np.float32(at.number("beta", 1.0)) * given.value.reshape(-1), (outs,))
    count = at.output().shape[0]
    kernel.title("dense")
    kernel.input(0, "x")
    kernel.table(rows.reshape(-1, 4, ins).transpose(0, 2, 1), "weights")
    kernel.table(bias, "bias")
    kernel.output(0, "y")
    kernel.snippet(
        "gemm.c", ROWS=count, INS=ins, OUTS_WHOLE=whole, REST=outs % 4, MANY=count > 1,
        FINISHED=activations.apply(at.node, "a"),
    )  # fmt: skip


def _plain(at: Site, kernel: Kernel) -> None:
    rows, outs = at.output().shape
    depth, dtype = _depth(at), at.output().dtype
    kernel.input(0, "x")
    kernel.input(1, "w")
    if at.given(2) is not None:
        kernel.input(2, "bias")
    kernel.output(0, "y")
    left = (1, at.input().shape[1]) if at.integer("transA") else (at.input().shape[1], 1)
    right = (1, at.input(1).shape[1]) if at.integer("transB") else (at.input(1).shape[1], 1)
    wraps = "" if dtype.is_float else f"({'uint64_t' if dtype.size_bytes == 8 else 'uint32_t'})"
    sum_type = dtype.c if dtype.is_float else wraps[1:-1]
    with kernel.loop("i", rows) as i, kernel.loop("j", outs) as j:
        kernel.line(f"{sum_type} sum = 0;")
        with kernel.block(f"for (int k = 0; k < {depth}; ++k)"):
            kernel.line(f"sum += {wraps}x[{address((i, 'k'), left)}] * {wraps}w[{address(('k', j), right)}];")
        alpha, beta = at.number("alpha", 1.0), at.number("beta", 1.0)
        if dtype.is_float:
            text = "sum" if alpha == 1.0 else f"{kernel.literal(alpha, dtype)} * sum"
        else:
            text = "sum" if alpha == 1.0 else f"({sum_type}){int(alpha)} * sum"
        bias = at.given(2)
        if bias is not None:
            term = f"{wraps}bias[{address((i, j), broadcast(bias.shape, (rows, outs)))}]"
            factor = kernel.literal(beta, dtype) if dtype.is_float else f"({sum_type}){int(beta)}"
            text += f" + {term}" if beta == 1.0 else f" + {factor} * {term}"
        text = text if dtype.is_float else f"({dtype.c})({text})"
        kernel.line(f"const {dtype.c} value = {text};")
        kernel.line(f"y[{address((i, j), (outs, 1))}] = {activations.apply(at.node, 'value', dtype)};")
