"""QLinear operators and MatMulInteger as what they are made of, so that the rest of the compiler knows one form only.

QLinearConv and QLinearMatMul become DequantizeLinear, the operator in real numbers, and QuantizeLinear, of which
``lowering`` makes integer operators again; MatMulInteger becomes casts, differences and a product in int32.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from afield.platforms.microcontroller.ir import DType, Graph, Node, Tensor
from afield.platforms.microcontroller.plan import VIEW


def expanded(graph: Graph) -> Graph:
    """Return the graph without these operators."""
    walk = _Walk(graph)
    for node in graph.nodes:
        if node.op in ("QLinearConv", "QLinearMatMul"):
            walk.linear(node)
        elif node.op == "MatMulInteger":
            walk.product(node)
        else:
            walk.nodes.append(node)
    return graph.edited(walk.nodes, walk.added.values())


class _Walk:
    def __init__(self, graph: Graph) -> None:
        self.graph, self.nodes, self.added = graph, list[Node](), dict[str, Tensor]()

    def tensor(self, stem: str, dtype: DType, shape: tuple[int, ...]) -> str:
        """Return the name of a new value."""
        name = self.graph.fresh(stem, self.added)
        self.added[name] = Tensor(name=name, dtype=dtype, shape=shape)
        return name

    def node(self, of: Node, op: str, inputs: tuple[str, ...], output: str, **attributes: int) -> str:
        """Add a node in place of ``of``; returns its output."""
        self.nodes.append(Node(op=op, name=of.name, inputs=inputs, outputs=(output,), attributes=attributes))
        return output

    def real(self, of: Node, first: int, axis: int) -> str:
        """Dequantise inputs ``first`` to ``first + 2``."""
        x = self.graph.tensors[of.inputs[first]]
        y = self.tensor(f"{x.name}_real", DType.FLOAT32, x.shape)
        return self.node(of, "DequantizeLinear", tuple(of.inputs[first : first + 3]), y, axis=axis)

    def linear(self, node: Node) -> None:
        """Put a real operator between scales."""
        conv = node.op == "QLinearConv"
        result = self.graph.tensors[node.outputs[0]]
        second = self.graph.tensors[node.inputs[3]]
        inputs = [self.real(node, 0, 1), self.real(node, 3, 0 if conv else max(second.rank - 1, 0))]
        if conv and len(node.inputs) > 8 and node.inputs[8]:
            inputs.append(self.bias(node))
        y = self.tensor(f"{result.name}_real", DType.FLOAT32, result.shape)
        op = replace(node, op="Conv" if conv else "MatMul", inputs=tuple(inputs), outputs=(y,))
        self.nodes.append(op)
        self.node(node, "QuantizeLinear", (y, *node.inputs[6:8]), result.name, axis=1)

    def bias(self, node: Node) -> str:
        """Return a bias in real numbers; its scale is that of the input times that of the weights."""
        bias = self.graph.tensors[node.inputs[8]]
        scales = [self.graph.constant(node.inputs[i]) for i in (1, 4)]
        name = self.graph.fresh(f"{bias.name}_real", self.added)
        if bias.value is None or scales[0] is None or scales[1] is None:
            return bias.name  # an int32 bias of a real Conv, which is refused with its reason
        value = (bias.value.astype(np.float64) * scales[0].astype(np.float64) * scales[1]).astype(np.float32)
        self.added[name] = Tensor(name=name, dtype=DType.FLOAT32, shape=bias.shape, value=value.reshape(bias.shape))
        return name

    def product(self, node: Node) -> None:
        """Subtract zero points and multiply, in int32."""
        inputs = [self.difference(node, 0, 2), self.difference(node, 1, 3)]
        self.node(node, "MatMul", (inputs[0], inputs[1]), node.outputs[0])

    def difference(self, node: Node, index: int, zero: int) -> str:
        """Return an input less its zero point as int32."""
        x = self.graph.tensors[node.inputs[index]]
        wide = self.node(node, "Cast", (x.name,), self.tensor(f"{x.name}_wide", DType.INT32, x.shape))
        name = node.inputs[zero] if len(node.inputs) > zero else ""
        if not name:
            return wide
        point = self.graph.tensors[name]
        shape = (point.size, 1) if index == 0 and point.size > 1 and point.rank == 1 else point.shape
        if shape != point.shape:
            name = self.node(node, VIEW, (name,), self.tensor(f"{name}_rows", point.dtype, shape))
        cast = self.node(node, "Cast", (name,), self.tensor(f"{name}_wide", DType.INT32, shape))
        return self.node(node, "Sub", (wide, cast), self.tensor(f"{x.name}_less", DType.INT32, x.shape))
