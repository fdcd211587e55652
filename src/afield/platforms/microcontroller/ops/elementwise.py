"""Operators that work element by element, with broadcasting. What each computes stands in ``elements``."""

from __future__ import annotations

from afield.platforms.microcontroller import activations
from afield.platforms.microcontroller.elements import BINARY, UNARY, Scalars, expression
from afield.platforms.microcontroller.emission.indexing import address, broadcast, collapsed, strides
from afield.platforms.microcontroller.emission.kernel import Kernel
from afield.platforms.microcontroller.ir import DType
from afield.platforms.microcontroller.operators import Operator, Site, register, same_types

_FLOATS = (DType.FLOAT32, DType.FLOAT64)
_WHOLE = (DType.INT8, DType.UINT8, DType.INT16, DType.UINT16, DType.INT32, DType.UINT32, DType.INT64, DType.UINT64)
_ANY = (*_FLOATS, *_WHOLE, DType.BOOL)
#: operators that also take integers, booleans
_ALSO_WHOLE = {"Abs", "Neg", "Sign", "Relu", "Clip", "BitwiseNot", "Not", *BINARY}


@register(*UNARY, *BINARY)
class Elementwise(Operator):
    """One or two inputs; the output may lie over an input of its own shape."""

    def problems(self, at: Site) -> list[str]:
        """Only floats for functions of math.h."""
        return same_types(at, _ANY if at.node.op in _ALSO_WHOLE or at.output().dtype is DType.BOOL else _FLOATS)

    def overwrites(self, at: Site) -> tuple[int, ...]:
        """Return the inputs of the output's shape: each element is read before it is written."""
        shape = at.output().shape
        return tuple(i for i in range(at.count) if at.input(i).size == at.output().size and at.input(i).shape == shape)

    def emit(self, at: Site, kernel: Kernel) -> None:
        """Walk the output once."""
        result = at.output()
        walks = [broadcast(t.shape, result.shape) for t in at.inputs()]
        extents, steps = collapsed(result.shape, strides(result.shape), *walks)
        names = [kernel.input(i, "xz"[i]) for i in range(at.count)]
        y = kernel.output(0, "y")
        attributes = dict(at.node.attributes)
        text = expression(at.node.op, Scalars(dtype=at.input().dtype, result=result.dtype, attributes=attributes))
        _nest(kernel, extents, steps, names, y, [t.dtype for t in at.inputs()], text, at)


def _nest(
    kernel: Kernel, extents: tuple[int, ...], steps: list[tuple[int, ...]], names: list[str], y: str,
    types: list[DType], text: str, at: Site, indices: tuple[str, ...] = (),
) -> None:  # fmt: skip
    depth = len(indices)
    if depth < len(extents):
        with kernel.loop("ijklmnpq"[depth], extents[depth]) as index:
            _nest(kernel, extents, steps, names, y, types, text, at, (*indices, index))
        return
    kernel.line("{") if all(i.isdigit() for i in indices) else None
    for local, name, dtype, step in zip("ab", names, types, steps[1:], strict=False):
        kernel.line(f"const {dtype.c} {local} = {name}[{address(indices, step)}];")
    place = f"{y}[{address(indices, steps[0])}]"
    if activations.name(at.node):
        kernel.line(f"const {at.output().dtype.c} c = {text};")
        kernel.line(f"{place} = {activations.apply(at.node, 'c', at.output().dtype)};")
    else:
        kernel.line(f"{place} = {text};")
    kernel.line("}") if all(i.isdigit() for i in indices) else None
