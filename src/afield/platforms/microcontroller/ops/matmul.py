"""MatMul of any ranks, where the second matrix is computed or the product is not that of a dense layer."""

from __future__ import annotations

from afield.platforms.microcontroller import activations
from afield.platforms.microcontroller.emission.indexing import address, broadcast, collapsed, strides
from afield.platforms.microcontroller.emission.kernel import Kernel
from afield.platforms.microcontroller.ir import DType
from afield.platforms.microcontroller.operators import Operator, Site, register, same_types

_TYPES = (DType.FLOAT32, DType.FLOAT64, DType.INT32, DType.UINT32, DType.INT64, DType.UINT64)


@register("MatMul")
class MatMul(Operator):
    """Stacks of matrices, broadcast as numpy.matmul does; vectors stand for one row or one column."""

    def problems(self, at: Site) -> list[str]:
        """Numbers of four or eight bytes."""
        return same_types(at, _TYPES)

    def macs(self, at: Site) -> int:
        """Return the output's elements times the depth."""
        return at.output().size * at.input().shape[-1]

    def emit(self, at: Site, kernel: Kernel) -> None:
        """Loops over the stack, rows, columns and depth."""
        a, b = at.input().shape, at.input(1).shape
        left = a if len(a) > 1 else (1, *a)
        right = b if len(b) > 1 else (*b, 1)
        rows, depth, outs = left[-2], left[-1], right[-1]
        stack = at.output().shape[: at.output().rank - (len(a) > 1) - (len(b) > 1)]
        walks = [
            tuple(s * n for s in broadcast(v[:-2], stack)) for v, n in ((left, rows * depth), (right, depth * outs))
        ]
        results = tuple(s * rows * outs for s in strides(stack))
        extents, (to, of, by) = collapsed(stack, results, *walks)
        dtype = at.output().dtype
        wide = "" if dtype.is_float else "uint64_t" if dtype.size_bytes == 8 else "uint32_t"
        cast = f"({wide})" if wide else ""
        kernel.input(0, "x")
        kernel.input(1, "w")
        kernel.output(0, "y")

        def nest(indices: tuple[str, ...]) -> None:
            if len(indices) < len(extents):
                with kernel.loop(f"s{len(indices)}", extents[len(indices)]) as index:
                    nest((*indices, index))
                return
            with kernel.loop("i", rows) as i, kernel.loop("j", outs) as j:
                row = address((*indices, i, "k"), (*of, depth, 1))
                column = address((*indices, "k", j), (*by, outs, 1))
                kernel.line(f"{wide or dtype.c} sum = 0;")
                with kernel.block(f"for (int k = 0; k < {depth}; ++k)"):
                    kernel.line(f"sum += {cast}x[{row}] * {cast}w[{column}];")
                result = activations.apply(at.node, "sum", dtype) if dtype.is_float else f"({dtype.c})sum"
                kernel.line(f"y[{address((*indices, i, j), (*to, outs, 1))}] = {result};")

        nest(())
