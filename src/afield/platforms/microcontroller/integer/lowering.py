"""The pass that makes integer operators of quantised graphs: QDQ pairs around operators.

A QuantizeLinear is read backwards: activations, one operator, quantised inputs. Where an integer form of that is known
it replaces the QuantizeLinear, and what computed in real numbers dies if nobody else reads it. Everything else stays
as it is and computes in float32 between DequantizeLinear and QuantizeLinear.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from afield.platforms.microcontroller.integer import layers
from afield.platforms.microcontroller.integer.functions import function_of, reals
from afield.platforms.microcontroller.integer.quantised import (
    BYTES,
    Activation,
    Constant,
    Scale,
    constant_of,
    limits,
    scale_of,
)
from afield.platforms.microcontroller.ir import Array, DType, Graph, Node, Tensor
from afield.platforms.microcontroller.plan import VIEW

#: operators that move bytes and keep their scale
_MOVING = (VIEW, "Transpose", "MaxPool", "Slice")
_QUANTISED = ("QuantizeLinear", "DequantizeLinear")
_DIMS = 2
_PAIR = 2


def integers(graph: Graph) -> Graph:
    """Return the graph with integer operators; a graph without quantisation comes back as it is."""
    if not any(node.op in _QUANTISED for node in graph.nodes):
        return graph
    return _Walk(graph).run()


def unfolded(graph: Graph) -> Graph:
    """Compute what is left of dequantised constants: weights of operators that stay in real numbers."""
    nodes, tensors = [], []
    for node in graph.nodes:
        constant = None
        if node.op == "DequantizeLinear" and not node.attributes.get("block_size"):
            constant = constant_of(graph, node.inputs, _axis(node))
        if constant is None:
            nodes.append(node)
            continue
        old = graph.tensors[node.outputs[0]]
        tensors.append(replace(old, value=constant.real().astype(old.dtype.numpy)))
    return graph.edited(nodes, tensors)


def _axis(node: Node) -> int:
    axis = node.attributes.get("axis", 1)
    return axis if isinstance(axis, int) else 1


class _Walk:
    def __init__(self, graph: Graph) -> None:
        self.graph, self.producers = graph, graph.producers()
        self.nodes: list[Node] = []
        self.added: dict[str, Tensor] = {}
        self.real: dict[str, Activation] = {}
        self.constants: dict[str, Constant] = {}

    def run(self) -> Graph:
        for node in self.graph.nodes:
            made = None
            if node.op == "DequantizeLinear":
                self.dequantised(node)
            elif node.op in _MOVING and node.inputs[0] in self.real and not any(node.outputs[1:]):
                self.move(node)
            elif node.op == "QuantizeLinear":
                made = self.quantised(node)
            self.nodes.append(node if made is None else self.entered(made))
        return self.graph.edited(self.nodes, self.added.values())

    def dequantised(self, node: Node) -> None:
        """Note what a DequantizeLinear stands for."""
        x = self.graph.tensors[node.inputs[0]]
        if node.attributes.get("block_size"):
            return
        if x.value is not None:
            constant = constant_of(self.graph, node.inputs, _axis(node))
            if constant is not None:
                self.constants[node.outputs[0]] = constant
            return
        scale = scale_of(self.graph, node, dtype=x.dtype)
        if scale is not None and x.dtype in BYTES:
            self.real[node.outputs[0]] = Activation(name=x.name, scale=scale)

    def move(self, node: Node) -> None:
        """Move bytes as the real numbers move."""
        of = self.real[node.inputs[0]]
        old = self.graph.tensors[node.outputs[0]]
        new = Tensor(name=self.graph.fresh(f"{old.name}_bytes", self.added), dtype=of.scale.dtype, shape=old.shape)
        self.added[new.name] = new
        self.nodes.append(replace(node, inputs=(of.name, *node.inputs[1:]), outputs=(new.name,)))
        self.real[old.name] = Activation(name=new.name, scale=of.scale)

    def entered(self, made: layers.Made) -> Node:
        """Return a node with its constants as inputs."""
        node, constants = made
        names = []
        for role, value in constants.items():
            name = self.graph.fresh(f"{node.outputs[0]}_{role}", self.added)
            self.added[name] = Tensor(name=name, dtype=DType.of(value), shape=value.shape, value=value)
            names.append(name)
        return replace(node, inputs=(*node.inputs, *names))

    def quantised(self, node: Node) -> layers.Made | None:
        """Return the integer form of what a QuantizeLinear ends; None where there is none."""
        scale = scale_of(self.graph, node, dtype=self.graph.tensors[node.outputs[0]].dtype)
        if scale is None:
            return None
        source, activations = node.inputs[0], []
        while source not in self.real and (before := self.producers.get(source)) and before.op in ("Relu", "Clip"):
            if len(list(filter(None, before.inputs))) > 1:  # limits that are computed
                return None
            activations.append(before)
            source = before.inputs[0]
        to = layers.result(node.outputs[0], scale, activations)
        if source in self.real:
            return self.rescaled(node, self.real[source], to)
        core = self.producers.get(source)
        made = None if core is None else self.operator(core, to)
        return made or self.function(node, scale)

    def function(self, node: Node, scale: Scale) -> layers.Made | None:
        """Return a table where the value is a function of one quantised tensor."""
        found = function_of(self.graph, self.producers, self.real, self.constants, node.inputs[0])
        if found is None:
            return None
        return layers.table(node, found.of, found.values, layers.result(node.outputs[0], scale, ()))

    def rescaled(self, node: Node, x: Activation, to: layers.Result) -> layers.Made:
        """Return the same bytes where the scale is the same, otherwise a table."""
        if x.scale == to.scale and (to.low, to.high) == limits(to.scale.dtype):
            return Node(op=VIEW, name=node.name, inputs=(x.name,), outputs=(to.name,)), {}
        return layers.table(node, x, reals(x.scale), to)

    def operator(self, core: Node, to: layers.Result) -> layers.Made | None:  # noqa: PLR0911 - one for each operator
        """Return the integer form of one operator."""
        inputs = [self.real.get(name) for name in core.inputs]
        x = inputs[0]
        if x is None:
            return None
        shape = self.graph.tensors[core.inputs[0]].shape
        if core.op in ("Conv", "Gemm", "MatMul"):
            return self.layer(core, x, to)
        second = inputs[1] if len(inputs) == _PAIR else None
        if core.op in ("Add", "Sub") and second and shape == self.graph.tensors[core.inputs[1]].shape:
            return layers.addition(core, x, second, to)
        if core.op == "Mul" and second:
            return layers.product(core, x, second, to)
        if core.op == "Concat":
            return self.concatenation(core, inputs, to)
        if core.op == "AveragePool":
            return layers.pool(core, x, to)
        if core.op == "ReduceMean" and isinstance(axes := core.attributes.get("axes"), tuple):
            return layers.mean(core, x, int(np.prod([shape[a] for a in axes])), axes, to)
        if core.op == "Softmax":
            return layers.softmax(core, x, shape[_axis(core)], _axis(core), to)
        return None

    def concatenation(self, core: Node, parts: list[Activation | None], to: layers.Result) -> layers.Made | None:
        """Return parts side by side, each brought to the scale of the result before."""
        if any(part is None for part in parts):
            return None
        names = []
        for part in (p for p in parts if p is not None):
            if part.scale == to.scale and (to.low, to.high) == limits(to.scale.dtype):
                names.append(part.name)
                continue
            of = self.graph.tensors[part.name]
            name = self.graph.fresh(f"{part.name}_rescaled", self.added)
            self.added[name] = Tensor(name=name, dtype=to.scale.dtype, shape=of.shape)
            self.nodes.append(layers.table(core, part, reals(part.scale), replace(to, name=name))[0])
            names.append(name)
        return replace(core, inputs=tuple(names), outputs=(to.name,)), {}

    def layer(self, core: Node, x: Activation, to: layers.Result) -> layers.Made | None:
        """Return a convolution or dense layer whose weights, and bias, are constant."""
        w = self.constants.get(core.inputs[1])
        if w is None:
            return None
        if core.op == "Conv":
            bias = self.bias(core, (w.value.shape[0],))
            return None if bias is False else layers.layer(core, x, w, _array(bias), to)
        plain = all(core.attributes.get(k, v) == v for k, v in (("alpha", 1.0), ("beta", 1.0), ("transA", 0)))
        rank = self.graph.tensors[core.inputs[0]].rank
        if not plain or w.value.ndim != _DIMS or rank < _DIMS:
            return None
        if not core.attributes.get("transB"):
            w = Constant(value=w.value.T, step=w.step, axis=1 - w.axis)
        bias = self.bias(core, (w.value.shape[0],))
        if bias is False:
            return None
        form = layers.layer if rank == _DIMS else self.stacked
        return form(core, x, w, _array(bias), to)

    def stacked(
        self, core: Node, x: Activation, w: Constant, bias: Array | None, to: layers.Result
    ) -> layers.Made | None:
        """Return a dense layer over all rows of a stack of matrices, between views."""
        depth, result = w.value.shape[1], self.graph.tensors[core.outputs[0]]
        rows = self.graph.tensors[core.inputs[0]].size // max(1, depth)
        flat = self.graph.fresh(f"{x.name}_rows", self.added)
        self.added[flat] = Tensor(name=flat, dtype=x.scale.dtype, shape=(rows, depth))
        name = self.graph.fresh(f"{to.name}_rows", self.added)
        made = layers.layer(core, Activation(name=flat, scale=x.scale), w, bias, replace(to, name=name))
        if made is None or rows * depth != self.graph.tensors[core.inputs[0]].size:
            self.added.pop(flat)
            return None
        self.added[name] = Tensor(name=name, dtype=to.scale.dtype, shape=(rows, result.shape[-1]))
        self.nodes.append(Node(op=VIEW, name=core.name, inputs=(x.name,), outputs=(flat,)))
        self.nodes.append(self.entered(made))
        return Node(op=VIEW, name=core.name, inputs=(name,), outputs=(to.name,)), {}

    def bias(self, core: Node, shape: tuple[int, ...]) -> Array | bool | None:
        """Return a bias as real numbers, None where there is none, False where it is computed."""
        name = core.inputs[2] if len(core.inputs) > _DIMS else ""
        if not name:
            return None
        constant, plain = self.constants.get(name), self.graph.constant(name)
        value = constant.real() if constant is not None else plain
        if value is None or value.size not in (1, shape[0]):
            return False
        return np.broadcast_to(value.astype(np.float64).reshape(-1), shape)


def _array(value: Array | bool | None) -> Array | None:
    return None if isinstance(value, bool) else value
