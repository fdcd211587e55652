"""What a model costs, priced by a table instead of a clock, so that a choice by cost is the same on every machine.

Prices are for one row in one thread and were measured by ``benchmarks/calibrate_cost.py``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from afield.graph.oblivious import oblivious_nodes
from afield.graph.profile import MICROSOFT
from afield.graph.trees import MEMBER

RUN_US = 4.0  # a call of the runtime
INPUT_US = 0.4  # handing over one input
LEVEL_US = 0.009  # one node on a tree's path
MEMBER_US = 0.0012  # and for each category of its set, up to
MEMBERS_PRICED = 16
MULTIPLY_US = 0.0007  # one multiply-add of a matrix product with one row
MULTIPLY_MORE_US = 0.0001  # and of each further row, which finds the weights in the cache

#: elements that a dimension is taken to have where the data decides it: the characters or words of a short text
TEXT_ELEMENTS = 64

#: and a word, where a text is split into words first
WORD_CHARACTERS = 12

#: group: (microseconds a node, microseconds an element)
_PRICES = {
    "plain": (0.4, 0.0002),
    "where": (0.7, 0.0003),
    "curve": (0.4, 0.007),
    "view": (0.3, 0.0),
    "move": (0.4, 0.0003),
    "gather": (0.4, 0.003),
    "reduce": (0.5, 0.0005),
    "softmax": (0.5, 0.0045),
    "lookup": (0.4, 0.003),
    "parse": (0.4, 0.03),
    "string": (0.6, 0.016),
    "regex": (0.5, 0.025),
    "matrix": (0.6, 0.0),
}
_GROUPS = {
    "where": "Where",
    "curve": "Cos Exp Log Pow Sigmoid Sin Sqrt Tanh",
    "view": "Flatten Identity Reshape Shape Squeeze Unsqueeze",
    "move": "Concat Expand Pad Range Slice Split Tile Transpose",
    "gather": "Gather GatherElements ScatterElements",
    "reduce": "ArgMax CumSum ReduceMax ReduceMean ReduceMin ReduceSum",
    "softmax": "Softmax",
    "lookup": "LabelEncoder",
    "string": "StringConcat StringSplit Tokenizer",
    "regex": "RegexFullMatch",
    "matrix": "Gemm MatMul",
}
_GROUP_OF = {kind: group for group, kinds in _GROUPS.items() for kind in kinds.split()}


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a model costs.

    Parameters
    ----------
    bytes : int
        Size of the file.
    nodes : int
    trees : int
    latency_us : float
        Microseconds for one row in one thread, by the table.
    """

    bytes: int
    nodes: int
    trees: int
    latency_us: float


def estimate(model: onnx.ModelProto) -> Cost:
    """Return what the model costs. Depends on the model alone."""
    graph = model.graph
    shapes = _shapes(model)
    constant = {t.name for t in graph.initializer}
    trees, latency = 0, RUN_US + INPUT_US * len(graph.input)
    for node in graph.node:
        if node.op_type == "TreeEnsemble":
            count, price = _trees(node)
            trees += count
            latency += price
        elif all(not name or name in constant for name in node.input) and node.input:
            constant.update(node.output)  # the runtime computes it once, when it loads
        else:
            latency += _price(node, shapes)
    trees += sum(group.trees for group in oblivious_nodes(model))
    return Cost(bytes=model.ByteSize(), nodes=len(graph.node), trees=trees, latency_us=round(latency, 3))


_Shape = tuple[int, ...]


def _price(node: onnx.NodeProto, shapes: dict[str, tuple[_Shape, int]]) -> float:
    known = [shapes[name] for name in [*node.input, *node.output] if name in shapes]
    result = shapes.get(node.output[0], ((1,), 0))[0]
    if node.op_type in ("MatMul", "Gemm"):
        fixed, _ = _PRICES["matrix"]
        inner = shapes[node.input[0]][0][-1] if node.input[0] in shapes and shapes[node.input[0]][0] else 1
        rows = max(1, result[-2]) if len(result) > 1 else 1
        return fixed + inner * (math.prod(result) / rows) * (MULTIPLY_US + MULTIPLY_MORE_US * (rows - 1))
    from_text = node.op_type == "Cast" and shapes.get(node.input[0], ((), 0))[1] == onnx.TensorProto.STRING
    fixed, each = _PRICES["parse" if from_text else _GROUP_OF.get(node.op_type, "plain")]
    if node.op_type == "Gather" and node.input[1] in shapes:  # by the places it looks at, and what lies there
        return fixed + each * math.prod(shapes[node.input[1]][0]) + _PRICES["move"][1] * math.prod(result)
    return fixed + each * max((math.prod(s) for s, _ in known), default=1)


def _trees(node: onnx.NodeProto) -> tuple[int, float]:
    """Return the number of trees, and microseconds for a row that ends in every leaf equally often."""
    attributes = {a.name: a for a in node.attribute}

    def ints(name: str) -> NDArray[np.int64]:
        return np.array(attributes[name].ints, dtype=np.int64)

    roots, true, false = ints("tree_roots"), ints("nodes_truenodeids"), ints("nodes_falsenodeids")
    true_leaf, false_leaf = ints("nodes_trueleafs") > 0, ints("nodes_falseleafs") > 0
    member = numpy_helper.to_array(attributes["nodes_modes"].t) == MEMBER
    depth, at, steps, leaves = 0, roots, 0, 0
    while len(at):
        depth += 1
        ends = int(true_leaf[at].sum() + false_leaf[at].sum())
        steps, leaves = steps + depth * ends, leaves + ends
        at = np.concatenate([true[at][~true_leaf[at]], false[at][~false_leaf[at]]])
    level = LEVEL_US
    if member.any():
        sets = numpy_helper.to_array(attributes["membership_values"].t)
        mean = float(np.sum(~np.isnan(sets))) / float(member.sum())
        level += MEMBER_US * min(mean, MEMBERS_PRICED) * float(member.mean())
    fixed, _ = _PRICES["plain"]
    return len(roots), fixed + level * len(roots) * steps / max(1, leaves)


def _shapes(model: onnx.ModelProto) -> dict[str, tuple[_Shape, int]]:
    """Return shape for one row, and element type, of each value.

    Inferred on a copy without what is heavy: trees and large constants become inputs of known shape.
    """
    graph = model.graph
    inputs: list[onnx.ValueInfoProto] = []
    kept: list[onnx.TensorProto] = []
    nodes: list[onnx.NodeProto] = []
    for value in graph.input:
        one = onnx.ValueInfoProto()
        one.CopyFrom(value)
        for dim in one.type.tensor_type.shape.dim:
            if dim.dim_param:
                dim.dim_value = 1
        inputs.append(one)
    for tensor in graph.initializer:
        if math.prod(tensor.dims) <= 64:
            kept.append(tensor)
        else:
            inputs.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims)))
    for node in graph.node:
        if node.op_type == "TreeEnsemble":
            outputs = next((a.i for a in node.attribute if a.name == "n_targets"), 1)
            inputs.append(helper.make_tensor_value_info(node.output[0], onnx.TensorProto.DOUBLE, [1, outputs]))
        elif node.domain == MICROSOFT:  # the Tokenizer: onnx knows no such operator, and crashes on what follows it
            text, _ = _inferred(model, nodes, inputs, kept).get(node.input[0], ((1,), 0))
            each = TEXT_ELEMENTS if math.prod(text) < TEXT_ELEMENTS else WORD_CHARACTERS
            inputs.append(helper.make_tensor_value_info(node.output[0], onnx.TensorProto.STRING, [*text, each]))
        else:
            nodes.append(node)
    return _inferred(model, nodes, inputs, kept)


def _inferred(
    model: onnx.ModelProto,
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    kept: list[onnx.TensorProto],
) -> dict[str, tuple[_Shape, int]]:
    """Return shape and element type of each value of a graph of these nodes."""
    made = {name for node in nodes for name in node.output}
    ends = made - {name for node in nodes for name in node.input} or {value.name for value in inputs}
    results = [helper.make_empty_tensor_value_info(name) for name in sorted(ends & made)]
    light = helper.make_model(
        helper.make_graph(nodes, "light", inputs, results, kept), opset_imports=model.opset_import,
        ir_version=model.ir_version,
    )  # fmt: skip
    inferred = onnx.shape_inference.infer_shapes(light, data_prop=True).graph
    shapes = {t.name: (tuple(t.dims), t.data_type) for t in kept}
    for value in [*inferred.input, *inferred.value_info, *inferred.output]:
        kind = value.type.tensor_type
        if kind.HasField("shape"):
            dims = [d.dim_value if d.HasField("dim_value") else -1 for d in kind.shape.dim]
            shapes[value.name] = (_settled(dims), kind.elem_type)
    return shapes


def _settled(dims: list[int]) -> _Shape:
    """Return the shape with -1 settled: however many dimensions a text is spread over, it has so many elements."""
    if -1 not in dims:
        return tuple(dims)
    first = dims.index(-1)
    return tuple(TEXT_ELEMENTS if at == first else max(d, 1) for at, d in enumerate(dims))
