"""Integer operators without weights: sums of two tensors, averages, softmax by a table, any function by a table."""

from __future__ import annotations

import math

import numpy as np

from afield.platforms.microcontroller.emission.indexing import address, strides
from afield.platforms.microcontroller.emission.kernel import Kernel
from afield.platforms.microcontroller.ir import Array, DType
from afield.platforms.microcontroller.operators import Operator, Site, register


def _cut(at: Site, text: str) -> str:
    low, high = at.integer("low"), at.integer("high")
    return f"({at.output().dtype.c})({text} < {low} ? {low} : {text} > {high} ? {high} : {text})"


@register("IntegerAdd")
class IntegerAdd(Operator):
    """y = (a * m + b * n + offset) >> bits, cut."""

    def overwrites(self, at: Site) -> tuple[int, ...]:
        """Either input."""
        del at
        return (0, 1)

    def emit(self, at: Site, kernel: Kernel) -> None:
        """One loop."""
        kernel.input(0, "a")
        kernel.input(1, "b")
        kernel.output(0, "y")
        m, n, offset = (kernel.literal(at.integer(k), DType.INT32) for k in ("m", "n", "offset"))
        with kernel.loop("i", at.output().size) as i:
            kernel.line(f"const int32_t v = (a[{i}] * {m} + b[{i}] * {n} + {offset}) >> {at.integer('bits')};")
            kernel.line(f"y[{i}] = {_cut(at, 'v')};")


@register("IntegerTable")
class IntegerTable(Operator):
    """y = table[x - first]."""

    def overwrites(self, at: Site) -> tuple[int, ...]:
        """Its input."""
        del at
        return (0,)

    def emit(self, at: Site, kernel: Kernel) -> None:
        """One loop."""
        table, first = _table(at), at.integer("first")
        kernel.input(0, "x")
        kernel.table(table, "values")
        kernel.output(0, "y")
        with kernel.loop("i", at.output().size) as i:
            kernel.line(f"y[{i}] = values[x[{i}] - ({first})];")


def _table(at: Site) -> Array:
    table = at.attribute("table")
    if not isinstance(table, np.ndarray):
        raise TypeError("table is an array")
    return table


@register("IntegerMean")
class IntegerMean(Operator):
    """The average over some axes: a sum, requantised once."""

    def macs(self, at: Site) -> int:
        """Return one for each input."""
        return at.input().size

    def emit(self, at: Site, kernel: Kernel) -> None:
        """Walk the output, and for each element what it sums up."""
        x, axes = at.input(), at.integers("axes")
        steps = strides(x.shape)
        kept = [a for a in range(x.rank) if a not in axes]
        count = math.prod(x.shape[a] for a in axes)
        kernel.input(0, "x")
        kernel.output(0, "y")
        helper = kernel.helper("requantise_even.c")

        def walk(left: list[int], names: list[str], inner: bool) -> None:
            if left:
                with kernel.loop(f"{'k' if inner else 'i'}{left[0]}", x.shape[left[0]]) as name:
                    walk(left[1:], [*names, name], inner)
            elif inner:
                kernel.line(f"sum += x[{address(names, [steps[a] for a in (*kept, *axes)])}];")
            else:
                kernel.line(f"int32_t sum = {-at.integer('x_zero') * count};")
                walk(list(axes), names, inner=True)
                scaled = f"sum * {1 << at.integer('shift')}" if at.integer("shift") else "sum"
                factor = kernel.literal(at.integer("multiplier"), DType.INT32)
                kernel.line(f"sum = {helper}({scaled}, {factor}, {at.integer('y_zero')});")
                kernel.line(f"*y++ = {_cut(at, 'sum')};")

        walk(kept, [], inner=False)


@register("IntegerSoftmax")
class IntegerSoftmax(Operator):
    """y = zero + (table[most - x] * factor + sum * 8) / (sum * 16), cut."""

    def overwrites(self, at: Site) -> tuple[int, ...]:
        """Its input: each row's greatest and sum are taken before it is written."""
        del at
        return (0,)

    def emit(self, at: Site, kernel: Kernel) -> None:
        """Three walks along the axis for every row."""
        x, axis = at.input(), at.integer("axis")
        outer, count, inner = math.prod(x.shape[:axis]), x.shape[axis], math.prod(x.shape[axis + 1 :])
        table, step = _table(at), "" if inner == 1 else f" * {inner}"
        kernel.input(0, "x")
        kernel.table(table, "exps")
        kernel.output(0, "y")
        with kernel.loop("i", outer) as i, kernel.loop("j", inner) as j:
            base = address((i, j), (count * inner, 1))
            kernel.line(f"const {x.dtype.c} *const p = x + {base};")
            kernel.line(f"{at.output().dtype.c} *const q = y + {base};")
            kernel.line("int most = p[0];")
            with kernel.block(f"for (int k = 1; k < {count}; ++k)"):
                kernel.line(f"most = p[k{step}] > most ? p[k{step}] : most;")
            kernel.line("uint32_t sum = 0;")
            with kernel.block(f"for (int k = 0; k < {count}; ++k)"):
                kernel.line(f"if (most - p[k{step}] < {len(table)})")
                kernel.line(f"    sum += exps[most - p[k{step}]];")
            with kernel.block(f"for (int k = 0; k < {count}; ++k)"):
                kernel.line(f"const int place = most - p[k{step}];")
                kernel.line(f"const uint32_t e = place < {len(table)} ? exps[place] : 0u;")
                kernel.line(f"const uint32_t share = (e * UINT32_C({at.integer('factor')}) + sum * 8u) / (sum * 16u);")
                kernel.line(f"const int32_t v = (int32_t)share + ({at.integer('y_zero')});")
                kernel.line(f"q[k{step}] = {_cut(at, 'v')};")
