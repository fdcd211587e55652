"""Takes out what nothing needs."""

from __future__ import annotations

from dataclasses import replace

from afield.platforms.microcontroller.ir import Graph


def remove(graph: Graph) -> Graph:
    """Drop nodes none of whose results are read; outputs that nobody reads become ``""``, but for the first."""
    needed = set(graph.outputs)
    kept = []
    for node in reversed(graph.nodes):
        if not needed & {*node.outputs}:
            continue
        outputs = tuple(n if i == 0 or n in needed else "" for i, n in enumerate(node.outputs))
        kept.append(node if outputs == node.outputs else replace(node, outputs=outputs))
        needed |= {*node.inputs}
    return graph.edited(reversed(kept))
