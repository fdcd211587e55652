"""DFT and STFT of fixed size: by the fast transform where the length is a power of two, by its definition otherwise."""

from __future__ import annotations

import math

import numpy as np

from afield.platforms.microcontroller.emission.kernel import Kernel
from afield.platforms.microcontroller.ir import DType
from afield.platforms.microcontroller.operators import Operator, Site, register, same_types


class _Fourier(Operator):
    """What both share: one transform of ``length`` numbers that lie in scratch as re and im."""

    def problems(self, at: Site) -> list[str]:
        """Float32."""
        return same_types(at, (DType.FLOAT32,))

    def scratch_bytes(self, at: Site) -> int:
        """Return room for one transform's real and imaginary parts."""
        return 2 * 4 * at.integer("length")

    def macs(self, at: Site) -> int:
        """Return four for each butterfly, or four for each term."""
        length, bins = at.integer("length"), at.output().shape[self.bins_axis(at)]
        transforms = max(1, at.output().size // max(1, bins * at.output().shape[-1]))
        each = 2 * length * length.bit_length() if _fast(length) else 4 * length * bins
        return transforms * each

    def bins_axis(self, at: Site) -> int:
        """Return the axis of the output along which frequencies lie."""
        return at.integer("axis")

    def operands(self, kernel: Kernel, length: int) -> None:
        """Declare tables of cosines and sines, and scratch."""
        angles = 2 * np.pi * np.arange(max(1, length // 2) if _fast(length) else length) / length
        kernel.table(np.cos(angles).astype(np.float32), "cosines")
        kernel.table(np.sin(angles).astype(np.float32), "sines")
        kernel.scratch("float", "re")

    def transform(self, kernel: Kernel, length: int, *, inverse: bool) -> None:
        """Transform in place where that is fast; otherwise results are computed one by one in ``result``."""
        if _fast(length):
            kernel.snippet("fft.c", LENGTH=length, SIGN="" if inverse else "-")

    def result(self, kernel: Kernel, length: int, *, inverse: bool) -> None:
        """Leave the result of frequency ``f`` in r and m."""
        if _fast(length):
            kernel.line("float r = re[f], m = im[f];")
        else:
            sign = "" if inverse else "-"
            kernel.line("float r = 0, m = 0;")
            with kernel.block(f"for (int t = 0, turn = 0; t < {length}; ++t)"):
                kernel.line(f"const float c = cosines[turn], s = {sign}sines[turn];")
                kernel.line("r += re[t] * c - im[t] * s;")
                kernel.line("m += re[t] * s + im[t] * c;")
                kernel.line("turn += f;")
                kernel.line(f"turn = turn >= {length} ? turn - {length} : turn;")
        if inverse:
            kernel.line(f"r /= {kernel.literal(length)};")
            kernel.line(f"m /= {kernel.literal(length)};")


@register("DFT")
class DFT(_Fourier):
    """Attributes ``axis``, ``length``, ``inverse``, ``onesided``; the last axis holds real and imaginary parts."""

    def emit(self, at: Site, kernel: Kernel) -> None:
        """One transform for every index of the other axes."""
        x, y, axis, length = at.input(), at.output(), at.integer("axis"), at.integer("length")
        inverse, parts = bool(at.integer("inverse")), x.shape[-1]
        mirrored = inverse and bool(at.integer("onesided"))
        outer, inner = math.prod(x.shape[:axis]), math.prod(x.shape[axis + 1 : -1])
        given, bins = min(x.shape[axis], length), y.shape[axis]
        kernel.input(0, "x")
        self.operands(kernel, length)
        kernel.output(0, "y")
        kernel.line(f"float *const im = re + {length};")
        with kernel.block(f"for (int i = 0; i < {outer}; ++i)"), kernel.block(f"for (int j = 0; j < {inner}; ++j)"):
            kernel.line(f"const float *const p = x + (i * {x.shape[axis] * inner} + j) * {parts};")
            kernel.line(f"float *const q = y + (i * {bins * inner} + j) * {y.shape[-1]};")
            with kernel.block(f"for (int t = 0; t < {length}; ++t)"):
                imaginary = f"p[t * {inner * parts} + 1]" if parts == 2 else "0.0f"
                inside = f"t < {given} ? " if given < length else ""
                otherwise = " : 0.0f" if given < length else ""
                kernel.line(f"re[t] = {inside}p[t * {inner * parts}]{otherwise};")
                kernel.line(f"im[t] = {inside}{imaginary}{otherwise};")
            if mirrored:
                kernel.line("im[0] = 0.0f;")
                with kernel.block(f"for (int t = 1; t <= {length // 2}; ++t)"):
                    kernel.line(f"re[{length} - t] = re[t];")
                    kernel.line(f"im[{length} - t] = -im[t];")
                if length % 2 == 0:
                    kernel.line(f"im[{length // 2}] = 0.0f;")
            self.transform(kernel, length, inverse=inverse)
            with kernel.block(f"for (int f = 0; f < {bins}; ++f)"):
                self.result(kernel, length, inverse=inverse)
                kernel.line(f"q[f * {inner * y.shape[-1]}] = r;")
                kernel.line(f"q[f * {inner * 2} + 1] = m;" if y.shape[-1] == 2 else "(void)m;")


@register("STFT")
class STFT(_Fourier):
    """Attributes ``length`` and ``step``; input 1 is the window or absent; output [batch, frames, bins, 2]."""

    def bins_axis(self, at: Site) -> int:
        """Return the third axis."""
        del at
        return 2

    def emit(self, at: Site, kernel: Kernel) -> None:
        """One windowed transform for each frame."""
        x, y, length, step = at.input(), at.output(), at.integer("length"), at.integer("step")
        parts = x.shape[-1] if x.rank == 3 else 1
        samples = x.shape[1]
        kernel.input(0, "x")
        windowed = at.given(1) is not None
        if windowed:
            kernel.input(1, "window")
        self.operands(kernel, length)
        kernel.output(0, "y")
        kernel.line(f"float *const im = re + {length};")
        factor = " * window[t]" if windowed else ""
        frames = f"for (int frame = 0; frame < {y.shape[1]}; ++frame)"
        with kernel.block(f"for (int i = 0; i < {y.shape[0]}; ++i)"), kernel.block(frames):
            kernel.line(f"const float *const p = x + (i * {samples} + frame * {step}) * {parts};")
            with kernel.block(f"for (int t = 0; t < {length}; ++t)"):
                kernel.line(f"re[t] = p[t * {parts}]{factor};")
                kernel.line(f"im[t] = p[t * 2 + 1]{factor};" if parts == 2 else "im[t] = 0.0f;")
            self.transform(kernel, length, inverse=False)
            with kernel.block(f"for (int f = 0; f < {y.shape[2]}; ++f)"):
                self.result(kernel, length, inverse=False)
                kernel.line("*y++ = r;")
                kernel.line("*y++ = m;")


def _fast(length: int) -> bool:
    return length & (length - 1) == 0
