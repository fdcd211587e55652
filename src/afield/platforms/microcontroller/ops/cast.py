"""Cast between numbers and booleans."""

from __future__ import annotations

from afield.platforms.microcontroller.emission.kernel import Kernel
from afield.platforms.microcontroller.ir import DType
from afield.platforms.microcontroller.operators import Operator, Site, register

_RANGE = {DType.INT8: (-(2**7), 2**7), DType.UINT8: (0, 2**8), DType.INT16: (-(2**15), 2**15),
          DType.UINT16: (0, 2**16), DType.INT32: (-(2**31), 2**31), DType.UINT32: (0, 2**32),
          DType.INT64: (-(2**63), 2**63), DType.UINT64: (0, 2**64)}  # fmt: skip


@register("Cast")
class Cast(Operator):
    """Types stand in the tensors."""

    def problems(self, at: Site) -> list[str]:
        """Everything but strings."""
        strings = DType.STRING in (at.input().dtype, at.output().dtype)
        return ["strings cannot be cast on a microcontroller."] if strings else []

    def emit(self, at: Site, kernel: Kernel) -> None:
        """One conversion an element; a float beyond the integers becomes the nearest of them, NaN becomes 0."""
        of, to = at.input().dtype, at.output().dtype
        kernel.input(0, "x")
        kernel.output(0, "y")
        with kernel.loop("i", at.output().size) as i:
            value = f"x[{i}]"
            if to is DType.BOOL:
                kernel.line(f"y[{i}] = {value} != 0 ? 1 : 0;")
            elif of.is_float and not to.is_float:
                least, most = _RANGE[to]
                low, high = kernel.literal(least, of), kernel.literal(most, of)  # powers of two: exact
                name = to.c.removesuffix("_t").upper()
                floor = f"{name}_MIN" if name.startswith("INT") else "0"
                inside = f"{value} >= {high} ? {name}_MAX : ({to.c}){value}"
                below = f"!({value} > {low}) ? ({value} != {value} ? 0 : {floor})"
                kernel.line(f"y[{i}] = {below} : {inside};")
            else:
                kernel.line(f"y[{i}] = ({to.c}){value};")
