"""Oblivious: trees over ranks whose levels ask one question each."""

from __future__ import annotations

import numpy as np

from afield.platforms.microcontroller.emission.kernel import Kernel
from afield.platforms.microcontroller.ir import Array, DType
from afield.platforms.microcontroller.operators import Operator, Site, register
from afield.platforms.microcontroller.trees.packing import PackedOblivious


@register("Oblivious")
class ObliviousTrees(Operator):
    """Input: ranks. ``packed``: the trees. Output: float [sums * width]."""

    def macs(self, at: Site) -> int:
        """Return the questions."""
        return len(packed_of(at).words)

    def emit(self, at: Site, kernel: Kernel) -> None:
        """One loop over all trees."""
        packed = packed_of(at)
        word = DType.of(packed.words)
        kernel.input(0, "rank")
        kernel.table(packed.words, "words", "questions")
        kernel.table(packed.leaves.astype(np.float32), "leaves")
        depth = _indexed(kernel, packed.depth, "depth", "depths")
        counted = _indexed(kernel, packed.counts, "count", "counts")
        kernel.table(packed.bias.astype(np.float32), "bias")
        kernel.output(0, "y")
        many: dict[str, str | int | bool] = {"WIDTH": packed.width} if packed.width > 1 else {}
        kernel.snippet(
            "oblivious.c", WORD=word.c, TARGETS=len(packed.counts), MANY=packed.width > 1, TREES=counted, DEPTH=depth,
            SHIFT=packed.shift, MASK=f"0x{2**packed.shift - 1:X}u", **many,
        )  # fmt: skip


def packed_of(at: Site) -> PackedOblivious:
    """Return the trees of an Oblivious node."""
    found = at.attribute("packed")
    if not isinstance(found, tuple) or not isinstance(found[0], PackedOblivious):
        raise TypeError("an Oblivious node has packed trees")
    return found[0]


def _indexed(kernel: Kernel, values: Array, name: str, role: str) -> str:
    """Return C for ``values[a]``: one number where all are alike, or a table."""
    if len(values) == 0 or (values == values[0]).all():
        return str(int(values[0])) if len(values) else "0"
    dtype = DType.UINT8 if values.max() < 256 else DType.UINT16
    return f"{kernel.table(values.astype(dtype.numpy), name, role)}[a]"
