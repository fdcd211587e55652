"""Concat and Split: runs of memory copied from or to slices along an axis."""

from __future__ import annotations

import math

from afield.platforms.microcontroller.emission.kernel import Kernel
from afield.platforms.microcontroller.ir import Tensor
from afield.platforms.microcontroller.operators import Operator, Site, register


class _Sliced(Operator):
    """Moves only."""

    def macs(self, at: Site) -> int:
        """Return nothing: no arithmetic."""
        del at
        return 0

    def move(self, kernel: Kernel, whole: Tensor, axis: int, parts: list[tuple[str, int]], *, to_whole: bool) -> None:
        """Copy parts to or from their places in ``whole``: each a name, "" to skip it, and its extent."""
        outer, inner, at = math.prod(whole.shape[:axis]), math.prod(whole.shape[axis + 1 :]), 0
        row = whole.shape[axis] * inner
        for name, extent in parts:
            run = extent * inner
            if run and name:
                with kernel.loop("i", outer) as i:
                    there = f"w + {at}" + (f" + i * {row}" if i == "i" else "")
                    here = name + (f" + i * {run}" if i == "i" else "")
                    to, of = (there, here) if to_whole else (here, there)
                    kernel.line(f"memcpy({to}, {of}, {run} * sizeof(*w));")
            at += run


@register("Concat")
class Concat(_Sliced):
    """Inputs side by side along ``axis``."""

    def emit(self, at: Site, kernel: Kernel) -> None:
        """Copy each input into its place."""
        axis, parts = at.integer("axis"), []
        for index in range(at.count):
            if at.input(index).size:
                parts.append((kernel.input(index, f"x{index}"), at.input(index).shape[axis]))
        kernel.output(0, "w")
        self.move(kernel, at.output(), axis, parts, to_whole=True)


@register("Split")
class Split(_Sliced):
    """The input cut along ``axis`` into ``sizes``; outputs that nobody reads are skipped."""

    def emit(self, at: Site, kernel: Kernel) -> None:
        """Copy each output from its place."""
        kernel.input(0, "w")
        parts = []
        for index, size in enumerate(at.integers("sizes")):
            parts.append((kernel.output(index, f"y{index}") if at.wants(index) and size else "", size))
        self.move(kernel, at.input(), at.integer("axis"), parts, to_whole=False)
