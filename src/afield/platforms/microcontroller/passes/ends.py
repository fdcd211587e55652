"""Gives every graph output a storage of its own, which the plan relies on: copies where it would share one."""

from __future__ import annotations

from dataclasses import replace

from afield.platforms.microcontroller.ir import Graph, Node
from afield.platforms.microcontroller.plan import VIEW


def separate(graph: Graph) -> Graph:
    """Insert ``Copy`` where an output is an input, a constant, or a view in the storage of another end."""
    root: dict[str, str] = {name: name for name in graph.inputs}
    for node in graph.nodes:
        for name in filter(None, node.outputs):
            root[name] = root.get(node.inputs[0], node.inputs[0]) if node.op == VIEW else name
    taken = {*graph.inputs}
    nodes, tensors, outputs = list(graph.nodes), dict(graph.tensors), []
    for name in graph.outputs:
        storage = root.get(name, name)
        if graph.tensors[name].value is None and storage not in taken:
            taken.add(storage)
            outputs.append(name)
            continue
        source = replace(tensors[name], name=graph.fresh(f"{name}_source", tensors))
        if name in graph.inputs:  # the name is taken by the input
            copied = replace(tensors[name], name=graph.fresh(f"{name}_copy", tensors), value=None)
            tensors[copied.name] = copied
            nodes.append(Node(op="Copy", name=name, inputs=(name,), outputs=(copied.name,)))
            outputs.append(copied.name)
            continue
        tensors[source.name] = source
        tensors[name] = replace(tensors[name], value=None)
        nodes = [
            replace(
                n,
                inputs=tuple(source.name if i == name else i for i in n.inputs),
                outputs=tuple(source.name if o == name else o for o in n.outputs),
            )
            for n in nodes
        ]
        nodes.append(Node(op="Copy", name=name, inputs=(source.name,), outputs=(name,)))
        outputs.append(name)
    return replace(graph, nodes=tuple(nodes), tensors=tensors, outputs=tuple(outputs)).edited()
