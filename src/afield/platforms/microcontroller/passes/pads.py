"""Takes a Pad by zeros into the convolution that reads it."""

from __future__ import annotations

from dataclasses import replace

from afield.platforms.microcontroller.ir import Graph


def into_conv(graph: Graph) -> Graph:
    """Fold pads of spatial axes; before ``layout``, channels come second."""
    producers = graph.producers()
    nodes = []
    for node in graph.nodes:
        pad = producers.get(node.inputs[0]) if node.op == "Conv" and node.inputs else None
        if pad is None or pad.op != "Pad" or pad.attributes.get("mode") != "constant" or pad.attributes.get("value"):
            nodes.append(node)
            continue
        more, own = pad.attributes["pads"], node.attributes["pads"]
        if not isinstance(more, tuple) or not isinstance(own, tuple):
            raise TypeError("pads are tuples")
        rank = len(more) // 2
        spatial = (*more[2:rank], *more[rank + 2 :])
        if any((*more[:2], *more[rank : rank + 2])) or min(spatial) < 0:
            nodes.append(node)
            continue
        together = tuple(a + b for a, b in zip(spatial, own, strict=True))
        nodes.append(replace(node.changed(pads=together), inputs=(pad.inputs[0], *node.inputs[1:])))
    return graph.edited(nodes)
