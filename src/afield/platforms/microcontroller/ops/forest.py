"""Forest: trees over ranks, as tables that one loop walks or as nested ifs."""

from __future__ import annotations

import numpy as np

from afield.platforms.microcontroller.emission.kernel import Kernel
from afield.platforms.microcontroller.ir import Array, DType
from afield.platforms.microcontroller.operators import Operator, Site, register
from afield.platforms.microcontroller.trees import branching
from afield.platforms.microcontroller.trees.packing import Packed
from afield.platforms.microcontroller.trees.style import TreeStyle


@register("Forest")
class ForestTables(Operator):
    """Input: ranks. ``packed``: the trees. Output: float [targets * width]."""

    def macs(self, at: Site) -> int:
        """Return the levels that a row goes down: half as many again as in balanced trees."""
        return int(sum(1.5 * np.ceil(np.log2(packed_of(at).sizes + 1))))

    def emit(self, at: Site, kernel: Kernel) -> None:
        """Nested ifs where they are wished for and not too deep, otherwise tables."""
        packed, style = packed_of(at), style_of(at)
        if style.branches and packed.width == 1 and branching.depth(packed) <= branching.DEEPEST:
            _branches(kernel, packed)
        else:
            _tables(kernel, packed, style)


def _branches(kernel: Kernel, packed: Packed) -> None:
    kernel.title("forest_branches")
    kernel.input(0, "rank")
    kernel.table(packed.bias.astype(np.float32), "bias")
    kernel.output(0, "y")
    kernel.line("float sum;")
    for line in branching.lines(packed, [kernel.literal(v) for v in packed.leaves[:, 0]]):
        kernel.line(line)


def _tables(kernel: Kernel, packed: Packed, style: TreeStyle) -> None:
    """Leaves of one number, in float or in steps, or leaves that are vectors."""
    kernel.input(0, "rank")
    shared: dict[str, str | int | bool] = {
        "NODES": _indexed(kernel, packed.sizes, "size", "sizes"),
        "LIMIT_SHIFT": packed.limit_shift, "FEATURE_SHIFT": packed.feature_shift,
        "FEATURE_MASK": f"0x{2**packed.feature_bits - 1:X}u", "LINK_BITS": packed.link_bits,
        "LINK_MASK": f"0x{2**packed.link_bits - 1:X}u", "LINKED": packed.links is not None,
    }  # fmt: skip
    kernel.table(packed.words, "words", "nodes")
    if packed.links is not None:
        kernel.table(packed.links, "links")
    steps = style.leaves == "int16" and packed.width == 1
    kernel.table(packed.steps.astype(np.int16) if steps else packed.leaves.astype(np.float32), "leaves")
    counted = _indexed(kernel, packed.counts, "count", "counts")
    bias = packed.bias.ravel().astype(np.float32)
    if packed.width > 1:
        kernel.title("forest_vectors")
        kernel.table(bias, "bias")
        kernel.output(0, "y")
        kernel.snippet("forest_vectors.c", TARGETS=len(packed.counts), WIDTH=packed.width, TREES=counted, **shared)
        return
    first = f"{kernel.table(bias, 'bias')}[a]" if len(bias) > 1 else kernel.literal(bias[0])
    kernel.output(0, "y")
    kernel.snippet(
        "forest.c", TARGETS=len(packed.counts), TREES=counted, LEAF="int16_t" if steps else "float",
        SUM="int32_t" if steps else "float", FINISHED=f"(float)a * {kernel.literal(packed.step)}" if steps else "a",
        BIAS=first, **shared,
    )  # fmt: skip


def packed_of(at: Site) -> Packed:
    """Return the trees of a Forest node."""
    found = at.attribute("packed")
    if not isinstance(found, tuple) or not isinstance(found[0], Packed):
        raise TypeError("a Forest node has packed trees")
    return found[0]


def style_of(at: Site) -> TreeStyle:
    """Return how a Forest node is to be laid out."""
    found = at.attribute("style")
    return found[0] if isinstance(found, tuple) and isinstance(found[0], TreeStyle) else TreeStyle()


def _indexed(kernel: Kernel, values: Array, name: str, role: str) -> str:
    """Return C for ``values[a]``: one number where all are alike, or a table."""
    if len(values) == 0 or (values == values[0]).all():
        return str(int(values[0])) if len(values) else "0"
    dtype = DType.UINT8 if values.max() < 256 else DType.UINT16
    return f"{kernel.table(values.astype(dtype.numpy), name, role)}[a]"
