"""Views of constants are constants, and a view of a view is one view."""

from __future__ import annotations

from dataclasses import replace

from afield.platforms.microcontroller.ir import Graph, Node
from afield.platforms.microcontroller.plan import VIEW


def fold(graph: Graph) -> Graph:
    """Return the graph with views folded; a graph output that is a constant stays for ``ends``."""
    tensors, nodes = dict(graph.tensors), []
    source: dict[str, str] = {}
    for node in graph.nodes:
        if node.op != VIEW:
            nodes.append(node)
            continue
        start, result = node.inputs[0], node.outputs[0]
        start = source.get(start, start)
        source[result] = start
        value = tensors[start].value
        if value is not None:
            tensors[result] = replace(tensors[result], value=value.reshape(tensors[result].shape))
        else:
            nodes.append(Node(op=VIEW, name=node.name, inputs=(start,), outputs=(result,)))
    return replace(graph, nodes=tuple(nodes), tensors=tensors).edited()


def skip_same(graph: Graph) -> Graph:
    """Read through views that change no shape; those that make a graph output stay."""
    instead: dict[str, str] = {}
    nodes = []
    for node in graph.nodes:
        changed = replace(node, inputs=tuple(instead.get(n, n) for n in node.inputs))
        same = node.op == VIEW and graph.tensors[node.inputs[0]].shape == graph.tensors[node.outputs[0]].shape
        if same and node.outputs[0] not in graph.outputs:
            instead[node.outputs[0]] = changed.inputs[0]
        else:
            nodes.append(changed)
    return graph.edited(nodes)
