"""Where: one of two values, by a condition, with broadcasting."""

from __future__ import annotations

from afield.platforms.microcontroller.emission.indexing import address, broadcast, collapsed, strides
from afield.platforms.microcontroller.emission.kernel import Kernel
from afield.platforms.microcontroller.operators import Operator, Site, register


@register("Where")
class Where(Operator):
    """Inputs: condition, value where it holds, value where it does not."""

    def overwrites(self, at: Site) -> tuple[int, ...]:
        """Return the values of the output's shape."""
        return tuple(i for i in (1, 2) if at.input(i).shape == at.output().shape)

    def emit(self, at: Site, kernel: Kernel) -> None:
        """Walk the output once."""
        shape = at.output().shape
        walks = [broadcast(at.input(i).shape, shape) for i in range(3)]
        extents, steps = collapsed(shape, strides(shape), *walks)
        names = [kernel.input(i, n) for i, n in enumerate(("c", "x", "z"))]
        kernel.output(0, "y")

        def nest(indices: tuple[str, ...]) -> None:
            if len(indices) < len(extents):
                with kernel.loop("ijklmnpq"[len(indices)], extents[len(indices)]) as index:
                    nest((*indices, index))
                return
            c, x, z = (f"{name}[{address(indices, s)}]" for name, s in zip(names, steps[1:], strict=True))
            kernel.line(f"y[{address(indices, steps[0])}] = {c} ? {x} : {z};")

        nest(())
