"""Operators that move elements without computing: copies, repeats, parts, permutations and pads by a constant."""

from __future__ import annotations

from afield.platforms.microcontroller.emission.indexing import address, broadcast, collapsed, strides
from afield.platforms.microcontroller.emission.kernel import Kernel
from afield.platforms.microcontroller.operators import Operator, Site, register

_NAMES = "ijklmnpq"


@register("Copy", "Expand", "Transpose", "Slice")
class Copy(Operator):
    """Walks the output in order and reads the input by strides."""

    def macs(self, at: Site) -> int:
        """Return nothing: no arithmetic."""
        del at
        return 0

    def emit(self, at: Site, kernel: Kernel) -> None:
        """One nest of loops."""
        x, y = at.input(), at.output()
        base, read = 0, strides(x.shape)
        if at.node.op == "Transpose":
            read = tuple(read[axis] for axis in at.integers("perm"))
        elif at.node.op == "Slice":
            base = sum(start * step for start, step in zip(at.integers("starts"), read, strict=True))
            read = tuple(a * b for a, b in zip(read, at.integers("steps"), strict=True))
        elif at.node.op == "Expand":
            read = broadcast(x.shape, y.shape)
        else:
            read = strides(y.shape)
        extents, (to, of) = collapsed(y.shape, strides(y.shape), read)
        kernel.input(0, "x")
        kernel.output(0, "y")
        _nest(kernel, extents, to, of, base)


def _nest(
    kernel: Kernel, extents: tuple[int, ...], to: tuple[int, ...], of: tuple[int, ...], base: int,
    indices: tuple[str, ...] = (),
) -> None:  # fmt: skip
    if len(indices) < len(extents):
        with kernel.loop(_NAMES[len(indices)], extents[len(indices)]) as index:
            _nest(kernel, extents, to, of, base, (*indices, index))
        return
    kernel.line(f"y[{address(indices, to)}] = x[{address(indices, of, base)}];")
