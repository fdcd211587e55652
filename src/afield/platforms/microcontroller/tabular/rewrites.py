"""Rewrites that keep a table's answers right when doubles become floats.

``impute_last``: a value that stands in for a missing one goes through the same steps at compile time, in double, and is
chosen behind them. Rounded before them, a mean of 1,600,000,187.3 would be 59 off when its own centre is subtracted.

``smooth_clip``: x / sqrt(1 + (x / c) ** 2) as one operator that no square can overflow.

``signed_log``: sign(x) * log(1 + |x|), for some columns or all, as one operator: of one value, not of two that meet.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from afield.platforms.microcontroller.following.steps import BINARY
from afield.platforms.microcontroller.ir import DType, Graph, Node, Tensor
from afield.platforms.microcontroller.plan import VIEW

#: operators through which a constant can go at compile time
_THROUGH = ("Add", "Sub", "Mul", "Div", "Min", "Max")


def impute_last(graph: Graph) -> Graph:
    """Move every ``Where(IsNaN(..), constant, x)`` of doubles behind the operators with a constant that follow it."""
    changed = True
    while changed:
        graph, changed = _moved(graph)
    return graph


def _moved(graph: Graph) -> tuple[Graph, bool]:
    made, readers = graph.producers(), graph.readers()
    for choice in graph.nodes:
        if choice.op != "Where" or graph.tensors[choice.outputs[0]].dtype is not DType.FLOAT64:
            continue
        missing = made.get(choice.inputs[0])
        value = graph.constant(choice.inputs[1])
        following = readers[choice.outputs[0]]
        if missing is None or missing.op != "IsNaN" or value is None or len(following) != 1:
            continue
        step = following[0]
        left = step.inputs[0] != choice.outputs[0]
        other = graph.constant(step.inputs[0 if left else 1]) if step.op in _THROUGH and len(step.inputs) == 2 else None
        if other is None or choice.outputs[0] in graph.outputs:
            continue
        with np.errstate(all="ignore"):
            sides = (other, value) if left else (value, other)
            stepped = np.asarray(BINARY[step.op](*sides), dtype=np.float64)
        return _swapped(graph, choice, step, Tensor(name=graph.fresh(f"{choice.outputs[0]}/stepped"),
                        dtype=DType.FLOAT64, shape=stepped.shape, value=stepped)), True  # fmt: skip
    return graph, False


def _swapped(graph: Graph, choice: Node, step: Node, stepped: Tensor) -> Graph:
    """Return the graph with the step first and the choice behind it."""
    inner = choice.inputs[2]
    inputs = tuple(inner if n == choice.outputs[0] else n for n in step.inputs)
    shape = np.broadcast_shapes(*(graph.tensors[n].shape for n in inputs))
    middle = Tensor(name=graph.fresh(f"{choice.outputs[0]}/first", [stepped.name]), dtype=DType.FLOAT64,
                    shape=tuple(shape))  # fmt: skip
    first = replace(step, inputs=inputs, outputs=(middle.name,))
    then = replace(choice, inputs=(choice.inputs[0], stepped.name, middle.name), outputs=step.outputs)
    nodes = []
    for node in graph.nodes:
        if node is step:
            nodes += [first, then]
        elif node is not choice:
            nodes.append(node)
    return graph.edited(nodes, [stepped, middle])


def smooth_clip(graph: Graph) -> Graph:
    """Fuse ``x / sqrt(1 + (x / c) * (x / c))``; the parts go where nothing else reads them."""
    made = graph.producers()
    nodes = []
    for node in graph.nodes:
        limit = _limit(graph, node, made) if node.op == "Div" else None
        if limit is None:
            nodes.append(node)
        else:
            nodes.append(Node(op="SmoothClip", name=node.name, inputs=(node.inputs[0],), outputs=node.outputs,
                              attributes={"limit": limit}))  # fmt: skip
    return graph.edited(nodes)


def _limit(graph: Graph, node: Node, made: dict[str, Node]) -> float | None:
    """Return c of a division that is a smooth clip."""
    root = _above(node.inputs[1], made, "Sqrt")
    total = _above(root.inputs[0], made, "Add") if root else None
    if total is None:
        return None
    for one, square in (total.inputs, total.inputs[::-1]):
        value, product = graph.constant(one), _above(square, made, "Mul")
        if value is None or product is None or product.inputs[0] != product.inputs[1] or not (value == 1.0).all():
            continue
        scaled = _above(product.inputs[0], made, "Div")
        limit = graph.constant(scaled.inputs[1]) if scaled and scaled.inputs[0] == node.inputs[0] else None
        if limit is not None and limit.size == 1 and float(limit.ravel()[0]) > 0:
            return float(limit.ravel()[0])
    return None


def signed_log(graph: Graph) -> Graph:
    """Fuse ``sign(x) * log(|x| + 1)``, and the choice of columns that it is for."""
    made = graph.producers()
    nodes, bent = [], dict[str, str]()
    for node in graph.nodes:
        source = _bent(graph, node, made) if node.op == "Mul" else ""
        mask = graph.constant(node.inputs[0]) if node.op == "Where" else None
        attributes = {}
        if source:
            bent[node.outputs[0]] = source
        elif mask is not None and bent.get(node.inputs[1]) == node.inputs[2]:
            source = node.inputs[2]
            attributes["mask"] = np.broadcast_to(mask, graph.tensors[node.outputs[0]].shape)
        nodes.append(Node(op="SignedLog", name=node.name, inputs=(source,), outputs=node.outputs,
                          attributes=attributes) if source else node)  # fmt: skip
    return graph.edited(nodes)


def _bent(graph: Graph, product: Node, made: dict[str, Node]) -> str:
    """Return x of a product that is a signed logarithm, or ""."""
    for one, other in (product.inputs, product.inputs[::-1]):
        sign, log = _above(one, made, "Sign"), _above(other, made, "Log")
        total = _above(log.inputs[0], made, "Add") if log else None
        for size, unit in (total.inputs, total.inputs[::-1]) if total else ():
            value, away = graph.constant(unit), _above(size, made, "Abs")
            if sign and away and value is not None and (value == 1.0).all() and away.inputs[0] == sign.inputs[0]:
                same = graph.tensors[sign.inputs[0]].shape == graph.tensors[product.outputs[0]].shape
                return sign.inputs[0] if same else ""
    return ""


def _above(name: str, made: dict[str, Node], op: str) -> Node | None:
    node = made.get(name)
    while node is not None and node.op == VIEW:
        node = made.get(node.inputs[0])
    return node if node is not None and node.op == op else None
