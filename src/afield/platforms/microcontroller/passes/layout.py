"""Channels last: convolutions and pools read [N, spatial..., C], which is what their C is written for.

``channels_last`` puts a Transpose before and after each; ``sink`` moves Transposes towards the outputs until they meet
their inverse and vanish; what is left over is either a change of shape only (``View``) or a real permutation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from afield.platforms.microcontroller.ir import Graph, Node, Tensor
from afield.platforms.microcontroller.passes.permuting import moved
from afield.platforms.microcontroller.plan import VIEW

SPATIAL = (
    "Conv", "IntegerConv", "IntegerGroupedConv", "ConvTranspose", "MaxPool", "AveragePool", "IntegerAveragePool",
    "LpPool",
)  # fmt: skip
#: attribute that says that a node has been turned
TURNED = "channels_last"


def channels_last(graph: Graph) -> Graph:
    """Turn every spatial node."""
    nodes: list[Node] = []
    tensors: dict[str, Tensor] = {}

    def turned(name: str, perm: Sequence[int]) -> Tensor:
        old = graph.tensors[name]
        new = replace(old, name=graph.fresh(f"{name}_last", tensors), shape=tuple(old.shape[a] for a in perm))
        tensors[new.name] = new
        return new

    for node in graph.nodes:
        if node.op not in SPATIAL or node.attributes.get(TURNED):
            nodes.append(node)
            continue
        rank = graph.tensors[node.inputs[0]].rank
        to_last, to_first = (0, *range(2, rank), 1), (0, rank - 1, *range(1, rank - 1))
        x = turned(node.inputs[0], to_last)
        outputs = [turned(n, to_last) if n else None for n in node.outputs]
        nodes.append(_transpose(node.name, node.inputs[0], x.name, to_last))
        names = tuple(t.name if t else "" for t in outputs)
        nodes.append(replace(node.changed(**{TURNED: True}), inputs=(x.name, *node.inputs[1:]), outputs=names))
        nodes += [_transpose(node.name, t.name, n, to_first) for t, n in zip(outputs, node.outputs, strict=True) if t]
    return graph.edited(nodes, tensors.values())


def _transpose(name: str, x: str, y: str, perm: Sequence[int]) -> Node:
    return Node(op="Transpose", name=name, inputs=(x,), outputs=(y,), attributes={"perm": tuple(perm)})


def sink(graph: Graph) -> Graph:
    """Move Transposes past nodes that can do without, and drop those that cancel; only in spatial networks."""
    if not any(node.attributes.get(TURNED) for node in graph.nodes):
        return simplified(graph)
    for _ in range(len(graph.nodes)):  # each turn moves at least one past at least one node
        better = _sunk(simplified(graph))
        if better is None:
            break
        graph = better
    return simplified(graph)


def _sunk(graph: Graph) -> Graph | None:
    producers = graph.producers()
    nodes: list[Node] = []
    added: dict[str, Tensor] = {}
    changed = False
    turned = {n.outputs[0]: n for n in graph.nodes if n.op == "Transpose"}
    for node in graph.nodes:
        done = None
        if node.op != "Transpose" and any(n in turned for n in node.inputs):
            done = moved(graph, node, producers, added)
        if done is None:
            nodes.append(node)
        else:
            nodes += done
            changed = True
            turned |= {n.outputs[0]: n for n in done if n.op == "Transpose"}
    return graph.edited(nodes, added.values()) if changed else None


def simplified(graph: Graph) -> Graph:
    """Join Transposes in a row, read through those that do nothing, and make views of those that move no elements."""
    known: dict[str, tuple[str, tuple[int, ...]]] = {}
    instead: dict[str, str] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        if node.op != "Transpose":
            nodes.append(replace(node, inputs=tuple(instead.get(n, n) for n in node.inputs)))
            continue
        x, perm = instead.get(node.inputs[0], node.inputs[0]), _perm(node)
        if x in known:
            source, first = known[x]
            x, perm = source, tuple(first[a] for a in perm)
        y = node.outputs[0]
        if perm == tuple(range(len(perm))) and y not in graph.outputs:
            instead[y] = x
            continue
        known[y] = (x, perm)
        shape = graph.tensors[x].shape
        still = [a for a in perm if shape[a] != 1]
        if still == sorted(still):
            nodes.append(Node(op=VIEW, name=node.name, inputs=(x,), outputs=(y,)))
        else:
            nodes.append(_transpose(node.name, x, y, perm))
    needed = set(graph.outputs)
    kept = []
    for node in reversed(nodes):
        if needed & {*node.outputs} or node.op not in ("Transpose", VIEW):
            kept.append(node)
            needed |= {*node.inputs}
    return graph.edited(reversed(kept))


def _perm(node: Node) -> tuple[int, ...]:
    perm = node.attributes["perm"]
    if not isinstance(perm, tuple):
        raise TypeError("perm is a tuple")
    return perm


def flattened(graph: Graph) -> Graph:
    """Permute the weights of a dense layer instead of the image that is flattened before it."""
    producers, readers = graph.producers(), graph.readers()
    nodes: list[Node] = list(graph.nodes)
    tensors: dict[str, Tensor] = {}
    for index, gemm in enumerate(graph.nodes):
        dense = gemm.op in ("Gemm", "IntegerDense") and not gemm.attributes.get("transA")
        view = producers.get(gemm.inputs[0]) if dense else None
        turn = producers.get(view.inputs[0]) if view is not None and view.op == VIEW else None
        if view is None or turn is None or turn.op != "Transpose" or len(readers[gemm.inputs[0]]) != 1:
            continue
        weights, shape, perm = graph.tensors[gemm.inputs[1]], graph.tensors[turn.outputs[0]].shape, _perm(turn)
        flat = graph.tensors[view.outputs[0]].shape
        if weights.value is None or perm[0] != 0 or flat[0] != shape[0] or view.outputs[0] in graph.outputs:
            continue
        rows = weights.value if gemm.attributes.get("transB") else weights.value.T
        order = [1 + i for i in np.argsort(perm[1:])]  # axes of the turned image, in the order of its source
        new = rows.reshape(-1, *shape[1:]).transpose(0, *order).reshape(rows.shape)
        array = np.ascontiguousarray(new if gemm.attributes.get("transB") else new.T)
        name = graph.fresh(f"{weights.name}_turned", tensors)
        tensors[name] = replace(weights, name=name, value=array)
        place = nodes.index(view)
        nodes[place] = replace(view, inputs=(turn.inputs[0],))
        nodes[index] = replace(gemm, inputs=(gemm.inputs[0], name, *gemm.inputs[2:]))
    return graph.edited(nodes, tensors.values())
