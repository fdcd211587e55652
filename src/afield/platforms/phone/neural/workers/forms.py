"""Sigmoids that a graph spells out, ``1 / (1 + exp(-x))`` and ``x / (1 + exp(-x))``, as ``Sigmoid`` again.

In float32 both spellings are the same. In int8 the divisor is an integer of its own, and one that is small beside the
largest becomes zero, which LiteRT refuses to run. ``Sigmoid`` has one table there and divides by nothing.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper


def recognised(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """Return the nodes of the graph with the sigmoids in it named; ``x / (1 + exp(-x))`` is ``x * Sigmoid(x)``.

    What else reads an inner value keeps it. Nodes that nothing reads any longer are left out.
    """
    graph, spelling = model.graph, _Spelling(model)
    nodes: list[onnx.NodeProto] = []
    found = False
    for node in graph.node:
        named = spelling.named(node)
        nodes += named or [node]
        found = found or bool(named)
    return _needed(nodes, {o.name for o in graph.output}) if found else nodes


class _Spelling:
    def __init__(self, model: onnx.ModelProto) -> None:
        graph = onnx.shape_inference.infer_shapes(model).graph
        self.makers = {name: node for node in graph.node for name in node.output if name}
        self.ones = {t.name for t in graph.initializer if _is_one(t)}
        self.shapes: dict[str, list[int]] = {}
        for info in (*graph.input, *graph.value_info, *graph.output):
            if info.type.tensor_type.HasField("shape"):
                sizes = info.type.tensor_type.shape.dim
                if all(s.HasField("dim_value") for s in sizes):
                    self.shapes[info.name] = [s.dim_value for s in sizes]

    def named(self, node: onnx.NodeProto) -> list[onnx.NodeProto]:
        """Return the nodes in place of this one; none where it is no sigmoid."""
        if node.op_type == "Reciprocal":
            above, below = None, node.input[0]
        elif node.op_type == "Div":
            above, below = node.input
        else:
            return []
        out, x = node.output[0], self._argument(below)
        shape = self.shapes.get(x or "")
        if x is None or shape is None or shape != self.shapes.get(out):  # a constant may widen it
            return []
        if above is None or above in self.ones:
            return [helper.make_node("Sigmoid", [x], [out])]
        if above != x:
            return []
        gate = f"{out}:sigmoid"
        return [helper.make_node("Sigmoid", [x], [gate]), helper.make_node("Mul", [x, gate], [out])]

    def _argument(self, divisor: str) -> str | None:
        """Return x where the divisor is ``1 + exp(-x)``."""
        total = self._made_by("Add", divisor)
        if total is None:
            return None
        for one, power in (total.input, reversed(total.input)):
            exp = self._made_by("Exp", power) if one in self.ones else None
            negative = self._made_by("Neg", exp.input[0]) if exp is not None else None
            if negative is not None:
                return str(negative.input[0])
        return None

    def _made_by(self, kind: str, name: str) -> onnx.NodeProto | None:
        node = self.makers.get(name)
        return node if node is not None and node.op_type == kind else None


def _is_one(tensor: onnx.TensorProto) -> bool:
    """Return whether all its values are exactly 1, of floats."""
    if tensor.data_type not in (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE):
        return False
    values = numpy_helper.to_array(tensor)
    return bool(values.size) and bool(np.all(values == 1))


def _needed(nodes: list[onnx.NodeProto], wanted: set[str]) -> list[onnx.NodeProto]:
    kept: list[onnx.NodeProto] = []
    for node in reversed(nodes):
        if wanted & set(node.output):
            wanted = wanted | set(node.input)
            kept.append(node)
    return kept[::-1]
