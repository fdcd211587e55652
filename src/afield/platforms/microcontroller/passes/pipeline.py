"""Which passes run, in which order."""

from __future__ import annotations

from collections.abc import Callable

from afield.platforms.microcontroller.integer import expanding, lowering
from afield.platforms.microcontroller.ir import Graph
from afield.platforms.microcontroller.passes import activation, affine, dead, ends, layout, pads, views

Pass = Callable[[Graph], Graph]

PASSES: tuple[Pass, ...] = (
    views.fold,
    dead.remove,
    expanding.expanded,
    lowering.integers,
    dead.remove,
    lowering.unfolded,
    affine.dense,
    affine.fold,
    views.fold,
    pads.into_conv,
    dead.remove,
    layout.channels_last,
    layout.sink,
    layout.flattened,
    dead.remove,
    views.fold,
    views.skip_same,
    activation.fuse,
    dead.remove,
    ends.separate,
)


def rewritten(graph: Graph, after: Callable[[str, Graph], None] | None = None) -> Graph:
    """Run all passes; ``after`` sees the graph behind each, which tests use to hold it to ``validity``."""
    for step in PASSES:
        graph = step(graph)
        if after:
            after(f"{step.__module__.rpartition('.')[2]}.{step.__name__}", graph)
    return graph
