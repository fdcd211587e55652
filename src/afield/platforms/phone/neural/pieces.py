"""The pieces of a cut model, each an ONNX file of its own: what stays in front, the network, what stays behind.

All pieces take one row, as an app has it. The network computes in float32, whatever the model does.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from afield.platforms.phone.neural.cut import Analysis, Region, inner_names

CORE_INPUT, CORE_OUTPUT = "core_input", "core_output"


def one_row(content: bytes) -> onnx.ModelProto:
    """Return the model for one row: shapes fixed as far as they then are, constants computed."""
    model = onnx.load_from_string(content)
    for value in model.graph.input:
        sizes = value.type.tensor_type.shape.dim
        if sizes and not sizes[0].HasField("dim_value"):
            sizes[0].dim_value = 1
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]
    return folded(model)


def folded(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model as onnxruntime simplifies it, by standard operators only."""
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(Path(folder) / "folded.onnx")
        options.log_severity_level = 4
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return onnx.load(options.optimized_model_filepath)


def front_of(analysis: Analysis, model: onnx.ModelProto, region: Region) -> bytes | None:
    """Return what makes the tensor that goes into the network, as ONNX; None where it is an input of the model."""
    if region.source in analysis.inputs:
        return None
    kept = _needed(analysis, [region.source], set())
    last = helper.make_node("Cast", [region.source], [CORE_INPUT], to=TensorProto.FLOAT)
    nodes = [*(model.graph.node[at] for at in kept), last]
    outputs = [helper.make_tensor_value_info(CORE_INPUT, TensorProto.FLOAT, None)]
    return _model(model, nodes, _used_inputs(model, nodes), outputs)


def back_of(analysis: Analysis, model: onnx.ModelProto, region: Region) -> bytes | None:
    """Return what makes the model's outputs of the network's answer, as ONNX; None where that is the one output."""
    outputs = [o.name for o in model.graph.output]
    if outputs == [region.answer]:
        return None
    inside = {name for at in region.nodes for name in model.graph.node[at].output}
    kept = _needed(analysis, outputs, inside)
    first = helper.make_node("Cast", [CORE_OUTPUT], [region.answer], to=analysis.types[region.answer])
    nodes = [first, *(model.graph.node[at] for at in kept)]
    source = helper.make_tensor_value_info(CORE_OUTPUT, TensorProto.FLOAT, None)
    return _model(model, nodes, [source, *_used_inputs(model, nodes)], list(model.graph.output))


def core_of(model: onnx.ModelProto, region: Region, shape: Sequence[int]) -> bytes:
    """Return the network as ONNX in float32; ``shape`` is that of the tensor that goes in."""
    nodes = []
    for at in region.nodes:
        node = onnx.NodeProto()
        node.CopyFrom(model.graph.node[at])
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to":
                attribute.i = TensorProto.FLOAT
        for names in (node.input, node.output):
            names[:] = [{region.source: CORE_INPUT, region.answer: CORE_OUTPUT}.get(n, n) for n in names]
        nodes.append(node)
    source = helper.make_tensor_value_info(CORE_INPUT, TensorProto.FLOAT, list(shape))
    answer = helper.make_tensor_value_info(CORE_OUTPUT, TensorProto.FLOAT, None)
    narrow = onnx.load_from_string(_model(model, nodes, [source], [answer]))
    for tensor in narrow.graph.initializer:
        if tensor.data_type == TensorProto.DOUBLE:
            with np.errstate(over="ignore"):
                values = numpy_helper.to_array(tensor).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    return folded(narrow).SerializeToString(deterministic=True)


def _needed(analysis: Analysis, wanted: Sequence[str], inside: set[str]) -> list[int]:
    """Return the nodes that ``wanted`` needs, in order, without those that make ``inside``."""
    found: set[int] = set()
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        at = analysis.producer.get(name)
        if name not in inside and at is not None and at not in found:
            found.add(at)
            waiting += list(analysis.graph.node[at].input)
            waiting += inner_names(analysis.graph.node[at])
    return sorted(found)


def _used_inputs(model: onnx.ModelProto, nodes: Sequence[onnx.NodeProto]) -> list[onnx.ValueInfoProto]:
    used = _names(nodes)
    return [i for i in model.graph.input if i.name in used]


def _names(nodes: Sequence[onnx.NodeProto]) -> set[str]:
    found: set[str] = set()
    for node in nodes:
        found.update(node.input)
        for attribute in node.attribute:
            for graph in [attribute.g] if attribute.HasField("g") else list(attribute.graphs):
                found |= _names(list(graph.node))
    return found


def _model(
    model: onnx.ModelProto,
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
) -> bytes:
    used = _names(nodes) | {o.name for o in outputs}
    made = {name for node in nodes for name in node.output} | {i.name for i in inputs}
    weights = [t for t in model.graph.initializer if t.name in used and t.name not in made]
    graph = helper.make_graph(list(nodes), "piece", list(inputs), list(outputs), weights)
    piece = helper.make_model(graph, opset_imports=list(model.opset_import), ir_version=model.ir_version)
    return piece.SerializeToString(deterministic=True)
