"""How one node computes on a permuted input what it computed on the original: the node itself, then a Transpose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from afield.platforms.microcontroller.elements import BINARY, UNARY
from afield.platforms.microcontroller.ir import Attribute, Graph, Node, Tensor

_BY_ELEMENT = {*UNARY, *BINARY, "Where", "Cast", "Copy", "IntegerAdd", "IntegerMul", "IntegerTable", "QuantizeLinear",
               "DequantizeLinear"}  # fmt: skip
_BY_AXIS = {"Softmax", "LogSoftmax", "Hardmax", "Concat", "Split", "IntegerSoftmax"}
_REDUCING = {"ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum",
             "ReduceLogSumExp", "ReduceSumSquare", "ArgMax", "ArgMin", "IntegerMean"}  # fmt: skip
Perm = tuple[int, ...]


def moved(graph: Graph, node: Node, producers: Mapping[str, Node], added: dict[str, Tensor]) -> list[Node] | None:
    """Return the node on what Transposes read, with Transposes behind; None where that is not possible."""
    turns = [producers.get(n) for n in node.inputs]
    perms = {p for t in turns if t is not None and t.op == "Transpose" and isinstance(p := t.attributes["perm"], tuple)}
    if len(perms) != 1 or node.op not in _BY_ELEMENT | _BY_AXIS | _REDUCING | {"Pad", "Slice", "Resize"}:
        return None
    perm = next(iter(perms))
    inputs = _inputs(graph, node, producers, perm, added)
    attributes = _attributes(node, perm)
    if inputs is None or attributes is None:
        return None
    back = _back(graph, node, perm)
    outputs, nodes = [], []
    for name in node.outputs:
        if not name:
            outputs.append("")
            continue
        old = graph.tensors[name]
        if back is None or len(back) != old.rank:
            return None
        shape = tuple(old.shape[back.index(a)] for a in range(old.rank))
        new = replace(old, name=graph.fresh(f"{name}_turned", added), shape=shape)
        added[new.name] = new
        outputs.append(new.name)
        nodes.append(
            Node(op="Transpose", name=node.name, inputs=(new.name,), outputs=(name,), attributes={"perm": back})
        )
    return [replace(node, inputs=inputs, outputs=tuple(outputs), attributes=attributes), *nodes]


def _inputs(
    graph: Graph, node: Node, producers: Mapping[str, Node], perm: Perm, added: dict[str, Tensor]
) -> tuple[str, ...] | None:
    """Return the inputs before their Transposes; constants are permuted here."""
    found = []
    for name in node.inputs:
        turn = producers.get(name)
        if turn is not None and turn.op == "Transpose" and turn.attributes["perm"] == perm:
            found.append(turn.inputs[0])
            continue
        tensor = graph.tensors[name] if name else None
        if tensor is None or (tensor.size == 1 and tensor.rank == 0):
            found.append(name)
            continue
        if tensor.value is None or tensor.rank > len(perm) or node.op not in (*BINARY, "Where", "Concat"):
            return None
        lifted = tensor.value.reshape((1,) * (len(perm) - tensor.rank) + tensor.shape)
        value = lifted.transpose([perm.index(a) for a in range(len(perm))]).copy()
        new = replace(tensor, name=graph.fresh(f"{name}_turned", added), shape=value.shape, value=value)
        added[new.name] = new
        found.append(new.name)
    return tuple(found)


def _attributes(node: Node, perm: Perm) -> dict[str, Attribute] | None:
    """Return the attributes with axes of the source."""
    found = dict(node.attributes)
    rank = len(perm)
    axis, axes = found.get("axis"), found.get("axes")
    if node.op in _BY_AXIS or node.op in ("ArgMax", "ArgMin"):
        found["axis"] = perm[axis] if isinstance(axis, int) else axis
    elif node.op in _REDUCING and isinstance(axes, tuple):
        found["axes"] = tuple(sorted(perm[a] for a in axes))
    elif node.op == "Pad":
        pads = found["pads"]
        if not isinstance(pads, tuple):
            return None
        found["pads"] = tuple(pads[perm.index(a) + side] for side in (0, rank) for a in range(rank))
    elif node.op in ("Slice", "Resize"):
        for key in ("starts", "steps") if node.op == "Slice" else ("scales",):
            values = found[key]
            if not isinstance(values, tuple):
                return None
            found[key] = tuple(values[perm.index(a)] for a in range(rank))
        if node.op == "Resize" and isinstance(roi := found["roi"], tuple) and isinstance(axes, tuple):
            found["roi"] = tuple(roi[perm.index(a) + side] for side in (0, rank) for a in range(rank))
            found["axes"] = tuple(sorted(perm[a] for a in axes))
    return found


def _back(graph: Graph, node: Node, perm: Perm) -> Perm | None:
    """Return the permutation that takes the new result to the old one."""
    axes, axis = node.attributes.get("axes"), node.attributes.get("axis")
    if node.op in _REDUCING and graph.tensors[node.outputs[0]].rank < len(perm):
        gone = axes if isinstance(axes, tuple) else (axis,)
        kept = [perm[a] for a in range(len(perm)) if a not in gone]  # source axes in the old order
        return tuple(sorted(kept).index(a) for a in kept)
    return perm
