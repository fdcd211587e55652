"""Networks that compute in float64 made float32, product and bias made one layer: what the quantiser wants to find."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from afield.platforms.microcontroller.integer.functions import FUNCTIONS
from afield.platforms.microcontroller.quantising.choosing import Choice
from afield.platforms.microcontroller.reading.folding import evaluate

if TYPE_CHECKING:
    import onnx

_FOLDED = ("Constant", "Cast", "Identity", "Transpose", "Reshape", "Unsqueeze", "Squeeze")
_PLANE = 2


def folded(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with constants that casts and the like make of constants."""
    import onnx
    from onnx import numpy_helper

    found = onnx.ModelProto()
    found.CopyFrom(model)
    known = {t.name: t for t in found.graph.initializer}
    kept, outputs = [], {o.name for o in found.graph.output}
    for node in found.graph.node:
        constant = node.op_type in _FOLDED and not node.domain and all(n in known for n in node.input if n)
        values = {n: numpy_helper.to_array(known[n]) for n in node.input if n} if constant else {}
        made = evaluate(node, values, found) if constant and not outputs & {*node.output} else {}
        if not made:
            kept.append(node)
            continue
        for name, value in made.items():
            known[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
            found.graph.initializer.append(known[name])
    nodes = [_copy(node) for node in kept]
    del found.graph.node[:]
    found.graph.node.extend(nodes)
    return trimmed(found)


def trimmed(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model without constants that nobody reads; changes it in place."""
    used = {n for node in model.graph.node for n in node.input} | {o.name for o in model.graph.output}
    used |= {n for node in model.graph.node for a in node.attribute for n in _inner(a)}
    kept = [t for t in model.graph.initializer if t.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    return model


def _inner(attribute: onnx.AttributeProto) -> set[str]:
    """Return all names that graphs inside an operator read."""
    graphs = [g for g in (attribute.g, *attribute.graphs) if g.node]
    return {n for g in graphs for node in g.node for n in node.input} | {
        n for g in graphs for node in g.node for a in node.attribute for n in _inner(a)
    }


def _copy(node: onnx.NodeProto) -> onnx.NodeProto:
    copy = type(node)()
    copy.CopyFrom(node)
    return copy


def joined(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with each product of matrices and the constant added to it as one Gemm."""
    import onnx
    from onnx import helper

    ranks = _ranks(model)
    choice = Choice(model)
    readers: dict[str, int] = {o.name: 2 for o in model.graph.output}
    for node in choice.nodes:
        for name in node.input:
            readers[name] = readers.get(name, 0) + 1
    gone: set[str] = set()
    instead: dict[str, onnx.NodeProto] = {}
    for node in choice.nodes:
        for one, bias in (node.input, tuple(node.input)[::-1]) if node.op_type == "Add" else ():
            product = choice.made.get(one)
            if product is None or product.op_type != "MatMul" or readers[one] != 1 or bias not in choice.sizes:
                continue
            weights, size = choice.sizes.get(product.input[1]), choice.sizes[bias]
            if weights is None or len(weights) != _PLANE or ranks.get(product.input[0]) != _PLANE:
                continue
            if size in ([weights[1]], [1, weights[1]]):
                gone.add(one)
                names = [*product.input, bias]
                instead[node.output[0]] = helper.make_node("Gemm", names, list(node.output), node.name)
    found = onnx.ModelProto()
    found.CopyFrom(model)
    flat = {n.input[2] for n in instead.values()}
    for tensor in found.graph.initializer:
        if tensor.name in flat and len(tensor.dims) > 1:
            del tensor.dims[:-1]
    nodes = [instead.get(n.output[0], n) for n in choice.nodes if n.output[0] not in gone]
    copies = [_copy(node) for node in nodes]
    del found.graph.node[:]
    found.graph.node.extend(copies)
    return found


def _ranks(model: onnx.ModelProto) -> dict[str, int]:
    import onnx

    known = onnx.shape_inference.infer_shapes(model).graph
    values = (*known.value_info, *known.input, *known.output)
    return {v.name: len(v.type.tensor_type.shape.dim) for v in values if v.type.tensor_type.HasField("shape")}


def narrowed(model: onnx.ModelProto, layers: set[int]) -> tuple[onnx.ModelProto, set[str]]:
    """Return the model with a network in float32, and the outputs of the nodes that belong to it.

    Parameters
    ----------
    layers : set of int
        Places of the network's layers. What stands between two of them belongs to it, and what is added to the last.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    choice = Choice(model)
    region = layers | _between(choice, layers)
    wide = {t.name for t in model.graph.initializer if t.data_type == TensorProto.DOUBLE}
    known = onnx.shape_inference.infer_shapes(model).graph
    wide |= {v.name for v in (*known.value_info, *known.input) if v.type.tensor_type.elem_type == TensorProto.DOUBLE}
    constants = {t.name: t for t in model.graph.initializer}
    inside = {name for place in region for name in choice.nodes[place].output}
    outside = {n for place, node in enumerate(choice.nodes) if place not in region for n in node.input}
    outside |= {o.name for o in model.graph.output}
    nodes: list[onnx.NodeProto] = []
    narrow: dict[str, str] = {}
    added: list[onnx.TensorProto] = []

    def single(name: str) -> str:
        if name not in wide or not name:
            return name
        if name not in narrow:
            narrow[name] = f"{name}/float"
            if name in constants:
                value = numpy_helper.to_array(constants[name]).astype(np.float32)
                added.append(numpy_helper.from_array(value, narrow[name]))
            elif name not in inside:
                nodes.append(helper.make_node("Cast", [name], [narrow[name]], f"{name}/narrowed", to=TensorProto.FLOAT))
        return narrow[name]

    belongs = set()
    for place, node in enumerate(choice.nodes):
        if place not in region:
            nodes.append(node)
            continue
        copy = _copy(node)
        del copy.input[:], copy.output[:]
        copy.input.extend(single(n) for n in node.input)
        copy.output.extend(single(n) for n in node.output)
        nodes.append(copy)
        belongs |= {*copy.output}
        for name in node.output:
            if name in wide and name in outside:
                nodes.append(helper.make_node("Cast", [narrow[name]], [name], f"{name}/widened", to=TensorProto.DOUBLE))
    found = onnx.ModelProto()
    found.CopyFrom(model)
    copies = [_copy(node) for node in nodes]
    del found.graph.node[:]
    found.graph.node.extend(copies)
    found.graph.initializer.extend(added)
    del found.graph.value_info[:]
    return trimmed(found), belongs


def _between(choice: Choice, layers: set[int]) -> set[int]:
    """Return the places of elementwise nodes between two layers, and of the bias behind each."""
    ahead = {name for place in layers for name in choice.nodes[place].output}
    forward: set[int] = set()
    for place, node in enumerate(choice.nodes):
        if node.op_type in FUNCTIONS and {*choice.sources(node)} <= ahead and choice.sources(node):
            forward.add(place)
            ahead |= {*node.output}
    needed = {n for place in layers for n in choice.nodes[place].input}
    kept: set[int] = set()
    for place in sorted(forward, reverse=True):
        node = choice.nodes[place]
        bias = node.op_type == "Add" and any(
            choice.made.get(n) is choice.nodes[p] for n in node.input for p in layers
        )  # fmt: skip
        if bias or needed & {*node.output}:
            kept.add(place)
            needed |= {*node.input}
    return kept
