"""Reductions over any axes."""

from __future__ import annotations

import math

from afield.platforms.microcontroller.emission.indexing import address, collapsed, strides
from afield.platforms.microcontroller.emission.kernel import Kernel
from afield.platforms.microcontroller.ir import DType
from afield.platforms.microcontroller.operators import Operator, Site, register, same_types

_FLOATS = (DType.FLOAT32, DType.FLOAT64)
_NUMBERS = (*_FLOATS, DType.INT32, DType.INT64, DType.UINT32, DType.UINT64, DType.INT8, DType.UINT8, DType.BOOL)
_LEAST = {DType.INT8: "INT8_MIN", DType.UINT8: "0", DType.INT32: "INT32_MIN", DType.INT64: "INT64_MIN",
          DType.UINT32: "0", DType.UINT64: "0", DType.BOOL: "0"}  # fmt: skip
_MOST = {DType.INT8: "INT8_MAX", DType.UINT8: "UINT8_MAX", DType.INT32: "INT32_MAX", DType.INT64: "INT64_MAX",
         DType.UINT32: "UINT32_MAX", DType.UINT64: "UINT64_MAX", DType.BOOL: "1"}  # fmt: skip
_ALL = ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum",
        "ReduceLogSumExp", "ReduceSumSquare")  # fmt: skip


@register(*_ALL)
class Reduce(Operator):
    """Walks the kept axes outside and the reduced ones inside."""

    def problems(self, at: Site) -> list[str]:
        """Floats for those that take roots or logarithms; numbers for the rest."""
        curved = at.node.op in ("ReduceL2", "ReduceLogSum", "ReduceLogSumExp")
        return same_types(at, _FLOATS if curved else _NUMBERS)

    def macs(self, at: Site) -> int:
        """Return one for each element read."""
        return at.input().size

    def emit(self, at: Site, kernel: Kernel) -> None:
        """One accumulator for every element of the output."""
        x, axes = at.input(), at.integers("axes")
        walk = strides(x.shape)
        kept = [a for a in range(x.rank) if a not in axes]
        shape = tuple(x.shape[a] for a in kept)
        outer, (to, of) = collapsed(shape, strides(shape), [walk[a] for a in kept])
        inner, (by,) = collapsed([x.shape[a] for a in axes], [walk[a] for a in axes])
        count = math.prod(x.shape[a] for a in axes)
        kernel.input(0, "x")
        kernel.output(0, "y")
        start, step, finish = _parts(at.node.op, x.dtype, count)

        def around(indices: tuple[str, ...]) -> None:
            if len(indices) < len(outer):
                with kernel.loop("ijklmnpq"[len(indices)], outer[len(indices)]) as index:
                    around((*indices, index))
                return
            if at.node.op == "ReduceLogSumExp":
                kernel.line(f"{x.dtype.c} most = -({x.dtype.c})INFINITY;")
                within(indices, (), "most = {v} > most ? {v} : most;")
                kernel.line("most = isinf(most) ? 0 : most;")
            kernel.line(f"{_sum_type(at)} a = {start};")
            within(indices, (), step)
            kernel.line(f"y[{address(indices, to)}] = {finish};")

        def within(outside: tuple[str, ...], indices: tuple[str, ...], text: str) -> None:
            if len(indices) < len(inner):
                depth = len(indices)
                with kernel.block(f"for (int r{depth} = 0; r{depth} < {inner[depth]}; ++r{depth})"):
                    within(outside, (*indices, f"r{depth}"), text)
                return
            kernel.line(text.replace("{v}", f"x[{address((*outside, *indices), (*of, *by))}]"))

        around(())


def _sum_type(at: Site) -> str:
    dtype = at.input().dtype
    if dtype.is_float or at.node.op in ("ReduceMax", "ReduceMin"):
        return dtype.c
    return "uint64_t" if dtype.size_bytes == 8 else "uint32_t" if dtype.label.startswith("u") else "int64_t"


def _parts(op: str, dtype: DType, count: int) -> tuple[str, str, str]:
    """Return the accumulator's start, its step over ``{v}``, and the result."""
    f, c = ("f" if dtype is DType.FLOAT32 else ""), dtype.c
    cast = "" if dtype.is_float else f"({c})"
    if op in ("ReduceMax", "ReduceMin"):
        sign = ">" if op == "ReduceMax" else "<"
        limit = ("-" if op == "ReduceMax" else "") + f"({c})INFINITY"
        first = limit if dtype.is_float else (_LEAST if op == "ReduceMax" else _MOST)[dtype]
        nan = " || {v} != {v}" if dtype.is_float else ""
        return first, f"a = {{v}} {sign} a{nan} ? {{v}} : a;", "a"
    wide = "" if dtype.is_float else "(uint64_t)" if dtype.size_bytes == 8 else ""
    return {
        "ReduceMean": (
            "0",
            f"a += {wide}{{v}};",
            f"a / {count}" if dtype.is_float else f"({c})(({_signed(dtype)})a / {count})",
        ),
        "ReduceSum": ("0", f"a += {wide}{{v}};", f"{cast}a"),
        "ReduceProd": ("1", f"a *= {wide}{{v}};", f"{cast}a"),
        "ReduceL1": (
            "0",
            f"a += fabs{f}({{v}});" if f or dtype.is_float else f"a += {wide}({{v}} < 0 ? -{{v}} : {{v}});",
            f"{cast}a",
        ),
        "ReduceL2": ("0", "a += {v} * {v};", f"sqrt{f}(a)"),
        "ReduceSumSquare": ("0", f"a += {wide}{{v}} * {wide}{{v}};", f"{cast}a"),
        "ReduceLogSum": ("0", "a += {v};", f"log{f}(a)"),
        "ReduceLogSumExp": ("0", f"a += exp{f}({{v}} - most);", f"most + log{f}(a)"),
    }[op]


def _signed(dtype: DType) -> str:
    return dtype.c if dtype.size_bytes == 8 else "int64_t"
