"""Takes multiplications and additions by constants into the weights and bias of the layer before.

Batch normalisation arrives as such a pair. MatMul by a constant matrix becomes Gemm first: a bias finds a place there.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from afield.platforms.microcontroller.ir import Array, DType, Graph, Node, Tensor
from afield.platforms.microcontroller.plan import VIEW

_STEPS = {"Mul", "Add", "Sub", "Div"}


def dense(graph: Graph) -> Graph:
    """Make Gemm of MatMul where the second matrix is constant and has two axes."""
    nodes: list[Node] = []
    added: list[Tensor] = []
    taken: set[str] = set()
    for node in graph.nodes:
        x, w = (graph.tensors[n] for n in (*node.inputs[:2],)) if node.op == "MatMul" else (None, None)
        if x is None or w is None or w.value is None or w.rank != 2 or w.dtype is not DType.FLOAT32 or not x.size:
            nodes.append(node)
            continue
        y = graph.tensors[node.outputs[0]]
        rows = x.size // w.shape[0]
        flat = Tensor(name=graph.fresh(f"{x.name}_rows", taken), dtype=x.dtype, shape=(rows, w.shape[0]))
        taken.add(flat.name)
        result = Tensor(name=graph.fresh(f"{y.name}_rows", taken), dtype=y.dtype, shape=(rows, w.shape[1]))
        taken.add(result.name)
        added += [flat, result]
        nodes.append(Node(op=VIEW, name=node.name, inputs=(x.name,), outputs=(flat.name,)))
        nodes.append(Node(op="Gemm", name=node.name, inputs=(flat.name, w.name), outputs=(result.name,),
                          attributes={"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 0}))  # fmt: skip
        nodes.append(Node(op=VIEW, name=node.name, inputs=(result.name,), outputs=(y.name,)))
    return graph.edited(nodes, added)


def fold(graph: Graph) -> Graph:
    """Return the graph with such steps folded, until none is left whose input nobody else reads."""
    while (better := _once(graph)) is not None:
        graph = better
    return graph


def _once(graph: Graph) -> Graph | None:
    producers, readers = graph.producers(), graph.readers()

    def alone(name: str) -> bool:
        return len(readers[name]) == 1 and name not in graph.outputs

    for step in graph.nodes:
        if step.op not in _STEPS or graph.tensors[step.outputs[0]].dtype is not DType.FLOAT32:
            continue
        for side in (0, 1):
            constant, x = graph.tensors[step.inputs[side]].value, step.inputs[1 - side]
            layer = producers.get(x)
            seen = [x]
            while layer is not None and layer.op == VIEW:  # rows of a dense layer under another shape
                seen.append(layer.inputs[0])
                layer = producers.get(layer.inputs[0])
            if constant is None or layer is None or layer.op not in ("Conv", "Gemm") or not all(map(alone, seen)):
                continue
            if len(seen) > 1 and layer.op == "Conv":
                continue
            if (step.op == "Div" and side == 0) or "activation" in layer.attributes:
                continue
            merged = _merged(graph, layer, step, constant, side)
            if merged is not None and graph.tensors[step.outputs[0]].shape == graph.tensors[x].shape:
                node, added = merged
                nodes = [node if n is layer else n for n in graph.nodes if n is not step]
                nodes = [replace(n, outputs=step.outputs) if x in n.outputs else n for n in nodes]
                return graph.edited(nodes, added)
    return None


def _merged(graph: Graph, layer: Node, step: Node, constant: Array, side: int) -> tuple[Node, list[Tensor]] | None:
    weights = graph.constant(layer.inputs[1])
    stated = layer.inputs[2] if len(layer.inputs) > 2 else ""
    bias = graph.constant(stated) if stated else None
    if weights is None or (stated and bias is None):
        return None
    rows = layer.op == "Conv" or bool(layer.attributes.get("transB"))
    outs = weights.shape[0] if rows else weights.shape[1]
    rank = graph.tensors[step.outputs[0]].rank
    values = _channels(constant, outs, rank, 1 if layer.op == "Conv" else rank - 1)
    if values is None:
        return None
    new = weights.astype(np.float64)
    beta = layer.attributes.get("beta", 1.0)
    scale = float(beta) if layer.op == "Gemm" and isinstance(beta, int | float) else 1.0
    if bias is not None and (bias.size not in (1, outs) or (bias.ndim == 2 and bias.shape[0] != 1)):
        return None
    old = np.zeros(outs) if bias is None else np.broadcast_to(bias.reshape(-1).astype(np.float64) * scale, (outs,))
    if step.op in ("Mul", "Div"):
        factor = values if step.op == "Mul" else 1.0 / values
        if not np.all(np.isfinite(factor)):
            return None
        new = new * (factor.reshape(-1, *(1,) * (new.ndim - 1)) if rows else factor)
        old = old * factor
    elif step.op == "Add" or side == 1:
        old = old + (values if step.op == "Add" else -values)
    else:  # constant - layer
        alpha_free, old = -new, values - old
        new = alpha_free
    added: list[Tensor] = []
    names = list(layer.inputs[:2])
    for index, (stem, array) in enumerate((("weights", new), ("bias", old))):
        name = graph.fresh(f"{step.outputs[0]}_{stem}", [t.name for t in added])
        stored = array.astype(np.float32)
        added.append(Tensor(name=name, dtype=DType.FLOAT32, shape=stored.shape, value=stored))
        names[1 + index : 2 + index] = [name]
    node = replace(layer, inputs=tuple(names))
    return (node.changed(beta=1.0) if layer.op == "Gemm" else node), added


def _channels(constant: Array, outs: int, rank: int, axis: int) -> Array | None:
    """Return one value for each output channel, or None where the constant varies along another axis."""
    if constant.ndim > rank:
        return None
    shape = (1,) * (rank - constant.ndim) + constant.shape
    if any(extent != 1 for i, extent in enumerate(shape) if i != axis) or shape[axis] not in (1, outs):
        return None
    return np.broadcast_to(constant.reshape(-1).astype(np.float64), (outs,))
