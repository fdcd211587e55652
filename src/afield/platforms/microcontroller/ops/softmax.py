"""Softmax, LogSoftmax and Hardmax along one axis."""

from __future__ import annotations

import math

from afield.platforms.microcontroller.emission.kernel import Kernel
from afield.platforms.microcontroller.ir import DType
from afield.platforms.microcontroller.operators import Operator, Site, register, same_types


@register("Softmax", "LogSoftmax", "Hardmax")
class Softmax(Operator):
    """The greatest value is taken off first, so that no exponential overflows."""

    def problems(self, at: Site) -> list[str]:
        """Floats."""
        return same_types(at, (DType.FLOAT32, DType.FLOAT64))

    def overwrites(self, at: Site) -> tuple[int, ...]:
        """Its own input, but for Hardmax, which looks for the greatest while writing."""
        return () if at.node.op == "Hardmax" else (0,)

    def emit(self, at: Site, kernel: Kernel) -> None:
        """Three walks along the axis for every row."""
        x, axis = at.input(), at.integer("axis")
        outer, count, inner = math.prod(x.shape[:axis]), x.shape[axis], math.prod(x.shape[axis + 1 :])
        suffix = "f" if x.dtype is DType.FLOAT32 else ""
        real, step = x.dtype.c, "" if inner == 1 else f" * {inner}"
        kernel.input(0, "x")
        kernel.output(0, "y")
        with kernel.loop("i", outer) as i, kernel.loop("j", inner) as j:
            base = (
                " + ".join(filter(None, [f"i * {count * inner}" if i == "i" else "", "j" if j == "j" else ""])) or "0"
            )
            kernel.line(f"const {real} *const p = x + {base};")
            kernel.line(f"{real} *const q = y + {base};")
            if at.node.op == "Hardmax":
                _hardmax(kernel, count, step)
            else:
                _soft(kernel, count, step, f"{real} most = p[0], sum = 0;", suffix, log=at.node.op == "LogSoftmax")


def _hardmax(kernel: Kernel, count: int, step: str) -> None:
    kernel.line("int best = 0;")
    with kernel.block(f"for (int k = 0; k < {count}; ++k)"):
        kernel.line(f"q[k{step}] = 0;")
        kernel.line(f"best = p[k{step}] > p[best{step}] ? k : best;")
    kernel.line(f"q[best{step}] = 1;")


def _soft(kernel: Kernel, count: int, step: str, start: str, suffix: str, *, log: bool) -> None:
    kernel.line(start)
    with kernel.block(f"for (int k = 1; k < {count}; ++k)"):
        kernel.line(f"most = p[k{step}] > most ? p[k{step}] : most;")
    with kernel.block(f"for (int k = 0; k < {count}; ++k)"):
        kernel.line(f"{'const float' if suffix else 'const double'} e = exp{suffix}(p[k{step}] - most);")
        if not log:
            kernel.line(f"q[k{step}] = e;")
        kernel.line("sum += e;")
    if log:
        kernel.line(f"most += log{suffix}(sum);")
    with kernel.block(f"for (int k = 0; k < {count}; ++k)"):
        kernel.line(f"q[k{step}] = p[k{step}] - most;" if log else f"q[k{step}] /= sum;")
