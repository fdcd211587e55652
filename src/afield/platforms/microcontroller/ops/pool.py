"""MaxPool and AveragePool in any number of spatial dimensions, channels last, after ``passes/layout``."""

from __future__ import annotations

import math

from afield.platforms.microcontroller import activations
from afield.platforms.microcontroller.emission.indexing import address, strides
from afield.platforms.microcontroller.emission.kernel import Kernel
from afield.platforms.microcontroller.ir import DType
from afield.platforms.microcontroller.leads import window_lead
from afield.platforms.microcontroller.operators import Operator, Site, register

_FLOATS = (DType.FLOAT32, DType.FLOAT64)
_TYPES = {"MaxPool": (*_FLOATS, DType.INT8, DType.UINT8), "AveragePool": _FLOATS, "LpPool": _FLOATS}
_LEAST = {DType.INT8: "INT8_MIN", DType.UINT8: "0"}


@register("MaxPool", "AveragePool", "LpPool")
class Pool(Operator):
    """Input [N, spatial..., C], output [N, spatial..., C]; MaxPool's indices count as in channels first."""

    def problems(self, at: Site) -> list[str]:
        """Floats; MaxPool also bytes."""
        wrong = [t for t in (at.input(), at.output()) if t.dtype not in _TYPES[at.node.op]]
        return [f"{wrong[0].dtype.label} is not supported here."] if wrong else []

    def macs(self, at: Site) -> int:
        """Return one for each element of each window."""
        return at.output().size * math.prod(at.integers("kernel_shape"))

    def lead_bytes(self, at: Site) -> int | None:
        """Return the distance of a walk over single pixels; none where indices are written too."""
        return None if at.wants(1) else window_lead(at, 1)

    def emit(self, at: Site, kernel: Kernel) -> None:  # noqa: PLR0915 - one nest of loops
        """Write a window for each output pixel, cut at the border."""
        x, y = at.input(), at.output()
        size, channels = at.integers("kernel_shape"), x.shape[-1]
        axes = len(size)
        moves, dilations, pads = at.integers("strides"), at.integers("dilations"), at.integers("pads")
        real, suffix = x.dtype.c, "f" if x.dtype is DType.FLOAT32 else ""
        maximum, padded = at.node.op == "MaxPool", bool(at.integer("count_include_pad"))
        kernel.input(0, "x")
        kernel.output(0, "y")
        if at.wants(1):
            kernel.output(1, "place")

        n_name: list[str] = []

        def outputs(axis: int) -> None:
            if axis < axes:
                with kernel.block(f"for (int o{axis} = 0; o{axis} < {y.shape[1 + axis]}; ++o{axis})"):
                    outputs(axis + 1)
                return
            with kernel.block(f"for (int c = 0; c < {channels}; ++c)"):
                least = _LEAST.get(x.dtype, f"-({real})INFINITY")
                kernel.line(f"{real} a = {least if maximum else '0'};")
                if at.wants(1):
                    kernel.line("int64_t best = 0;")
                if at.node.op == "AveragePool":
                    kernel.line("int count = 0;")
                taps(0, "0")
                if at.node.op == "AveragePool":
                    kernel.line(f"a /= ({real})count;")
                elif at.node.op == "LpPool":
                    kernel.line(_root(at.integer("p", 2), suffix))
                if at.wants(1):
                    kernel.line("*place++ = best;")
                kernel.line(f"*y++ = {activations.apply(at.node, 'a', x.dtype)};")

        def taps(axis: int, row: str) -> None:
            if axis < axes:
                extent = x.shape[1 + axis]
                at_axis = f"o{axis} * {moves[axis]} + k{axis} * {dilations[axis]} - {pads[axis]}"
                with kernel.block(f"for (int k{axis} = 0; k{axis} < {size[axis]}; ++k{axis})"):
                    kernel.line(f"const int i{axis} = {at_axis};")
                    if not padded:
                        kernel.line(f"if (i{axis} < 0 || i{axis} >= {extent})")
                        kernel.line("    continue;")
                    elif not maximum:  # what lies beyond the stated pads is not counted
                        kernel.line(f"if (i{axis} >= {extent + pads[axes + axis]})")
                        kernel.line("    continue;")
                    taps(axis + 1, f"i{axis}" if axis == 0 else f"({row}) * {extent} + i{axis}")
                return
            if at.node.op == "AveragePool":
                kernel.line("++count;")
            if padded:
                inside = " && ".join(f"i{a} >= 0 && i{a} < {x.shape[1 + a]}" for a in range(axes))
                kernel.line(f"if ({inside})")
            value = f"x[({row}) * {channels} + c]"
            step = {
                "MaxPool": f"a = {value} > a ? {value} : a;",
                "AveragePool": f"a += {value};",
                "LpPool": f"a += {_power(at.integer('p', 2), value, suffix)};",
            }[at.node.op]
            if at.wants(1):
                with kernel.block(f"if ({value} > a)"):
                    kernel.line(f"best = {_flat(at, n_name[0])};")
            kernel.line(("    " if padded else "") + step)

        with kernel.loop("n", x.shape[0]) as n:
            n_name.append(n)
            outputs(0)
            if n == "n":
                kernel.line(f"x += {math.prod(x.shape[1:])};")


def _flat(at: Site, n: str) -> str:
    """Return the index of a tap in the input [N, C, spatial...], in row-major or column-major order."""
    spatial, channels = at.input().shape[1:-1], at.input().shape[-1]
    steps = strides(spatial)
    if at.integer("storage_order"):
        steps = tuple(reversed(strides(tuple(reversed(spatial)))))
    size = math.prod(spatial)
    names = ("c", *(f"i{a}" for a in range(len(spatial))), n)
    return address(names, (size, *steps, channels * size))


def _power(p: int, value: str, suffix: str) -> str:
    return f"{value} * {value}" if p == 2 else f"pow{suffix}(fabs{suffix}({value}), {p})"


def _root(p: int, suffix: str) -> str:
    return f"a = sqrt{suffix}(a);" if p == 2 else f"a = pow{suffix}(a, 1.0{suffix} / {p});"
