"""Pad: by a constant, by reflection, by the edge, or by wrapping around."""

from __future__ import annotations

from afield.platforms.microcontroller.emission.indexing import address, strides
from afield.platforms.microcontroller.emission.kernel import Kernel
from afield.platforms.microcontroller.operators import Operator, Site, register


@register("Pad")
class Pad(Operator):
    """Negative pads cut off."""

    def problems(self, at: Site) -> list[str]:
        """All four modes of ONNX."""
        mode = at.text("mode", "constant")
        return [] if mode in ("constant", "reflect", "edge", "wrap") else [f"its mode {mode!r} is not known."]

    def macs(self, at: Site) -> int:
        """Return nothing: no arithmetic."""
        del at
        return 0

    def emit(self, at: Site, kernel: Kernel) -> None:
        """Walk the output; along each axis that is padded, find where an element comes from."""
        x, y, pads = at.input(), at.output(), at.integers("pads")
        mode, walk = at.text("mode", "constant"), strides(x.shape)
        value = at.attribute("value", 0.0)
        filler = kernel.literal(float(value) if isinstance(value, int | float) else 0.0, x.dtype)
        kernel.input(0, "x")
        kernel.output(0, "y")

        def nest(axis: int, sources: tuple[str, ...], tests: tuple[str, ...]) -> None:
            if axis == x.rank:
                value = f"x[{address(sources, walk)}]"
                kernel.line(f"*y++ = {' && '.join(tests)} ? {value} : {filler};" if tests else f"*y++ = {value};")
                return
            before, extent, result = pads[axis], x.shape[axis], y.shape[axis]
            name = f"o{axis}"
            if before == 0 and result == extent:
                with kernel.loop(name, result) as index:
                    nest(axis + 1, (*sources, index), tests)
                return
            source = f"i{axis}"
            with kernel.block(f"for (int {name} = 0; {name} < {result}; ++{name})"):
                shift = f" - {before}" if before >= 0 else f" + {-before}"
                if mode == "constant":
                    kernel.line(f"const int {source} = {name}{shift};")
                    inside = f"{source} >= 0 && {source} < {extent}"
                    nest(axis + 1, (*sources, source), (*tests, inside))
                    return
                kernel.line(f"int {source} = {name}{shift};")
                if mode == "edge":
                    kernel.line(f"{source} = {source} < 0 ? 0 : {source} >= {extent} ? {extent - 1} : {source};")
                elif mode == "wrap":
                    kernel.line(f"{source} = ({source} % {extent} + {extent}) % {extent};")
                elif extent == 1:
                    kernel.line(f"{source} = 0;")
                else:
                    period = 2 * (extent - 1)
                    kernel.line(f"{source} = ({source} % {period} + {period}) % {period};")
                    kernel.line(f"{source} = {source} < {extent} ? {source} : {period} - {source};")
                nest(axis + 1, (*sources, source), tests)

        nest(0, (), ())
