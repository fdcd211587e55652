"""Applies activations where the value before them is finished, instead of in a walk of their own."""

from __future__ import annotations

from afield.platforms.microcontroller import activations
from afield.platforms.microcontroller.elements import BINARY, FUSED, UNARY
from afield.platforms.microcontroller.ir import DType, Graph, Node

#: producers that write each element at several places of their C: short activations only
_BLOCKED = {"Conv", "Gemm"}
_SINGLE = {"MatMul", "MaxPool", "AveragePool", "ConvTranspose", *BINARY, *UNARY}
_SHORT = {"Relu", "Clip", "LeakyRelu", "HardSwish", "HardSigmoid", "ThresholdedRelu"}


def fuse(graph: Graph) -> Graph:
    """Fuse an activation into the node before it where that node has no other reader and no activation yet."""
    producers, readers = graph.producers(), graph.readers()
    replaced: dict[int, Node | None] = {}
    for node in graph.nodes:
        if node.op not in FUSED or activations.name(node) or graph.tensors[node.inputs[0]].dtype is not DType.FLOAT32:
            continue
        source = node.inputs[0]
        before = producers.get(source)
        if before is None or len(readers[source]) != 1 or source in graph.outputs or id(before) in replaced:
            continue
        takes = before.op in _SINGLE or (before.op in _BLOCKED and node.op in _SHORT)
        if takes and not activations.name(before) and id(node) not in replaced:
            replaced[id(before)] = activations.fused(before, node)
            replaced[id(node)] = None
    nodes = [replaced.get(id(n), n) for n in graph.nodes]
    return graph.edited(n for n in nodes if n is not None)
