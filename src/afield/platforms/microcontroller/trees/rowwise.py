"""Trees over several rows, or over whole numbers, as trees over one row of floats each: what ranks and forests know."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from afield.platforms.microcontroller.ir import DType, Graph, Node, Tensor
from afield.platforms.microcontroller.trees.expanding import TREES
from afield.platforms.microcontroller.trees.reading import OP

#: each row adds nodes, though not code
MOST_ROWS = 256


def apart(graph: Graph) -> Graph:
    """Return the graph with each ensemble over one row of floats, as far as there are not too many rows."""
    for stated in graph.nodes:
        if stated.op in (OP, TREES):
            node, source = stated, graph.tensors[stated.inputs[0]]
            if not source.dtype.is_float and source.dtype is not DType.STRING:
                graph, node, source = _real(graph, node, source)
            if source.rank == 2 and 1 < source.shape[0] <= MOST_ROWS:
                graph = _split(graph, node, source)
    return graph


def _real(graph: Graph, node: Node, source: Tensor) -> tuple[Graph, Node, Tensor]:
    """Return the graph with a cast before the ensemble, the ensemble, and what it reads now."""
    real = Tensor(name=graph.fresh(f"{node.outputs[0]}/real"), dtype=DType.FLOAT32, shape=source.shape)
    cast = Node(op="Cast", name=node.name, inputs=(source.name,), outputs=(real.name,))
    changed = replace(node, inputs=(real.name, *node.inputs[1:]))
    nodes = [n for each in graph.nodes for n in ([cast, changed] if each is node else [each])]
    return graph.edited(nodes, [real]), changed, real


def _split(graph: Graph, node: Node, source: Tensor) -> Graph:
    total = graph.tensors[node.outputs[0]]
    rows = source.shape[0]
    nodes, tensors, parts = list[Node](), dict(graph.tensors), list[str]()

    def made(stem: str, like: Tensor, row: int) -> str:
        name = graph.fresh(f"{total.name}/{stem}{row}", tensors)
        tensors[name] = Tensor(name=name, dtype=like.dtype, shape=(1, like.shape[1]))
        return name

    for row in range(rows):
        place = graph.fresh(f"{total.name}/row{row}", tensors)
        tensors[place] = Tensor(name=place, dtype=DType.INT64, shape=(1,), value=np.array([row]))
        one, part = made("x", source, row), made("y", total, row)
        nodes.append(Node(op="Gather", name=node.name, inputs=(source.name, place), outputs=(one,),
                          attributes={"axis": 0}))  # fmt: skip
        nodes.append(replace(node, inputs=(one,), outputs=(part,)))
        parts.append(part)
    nodes.append(Node(op="Concat", name=node.name, inputs=tuple(parts), outputs=(total.name,), attributes={"axis": 0}))
    whole = [n for each in graph.nodes for n in (nodes if each is node else [each])]
    return replace(graph, nodes=tuple(whole), tensors=tensors).edited()
