"""Quantised operators of onnxruntime's own (``com.microsoft``) as ONNX: scales around the operator in real numbers.

The quantiser's operator-oriented format writes them. What they become is read like any other quantised network.

Source: onnxruntime, ContribOperators.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import onnx

DOMAIN = "com.microsoft"
#: Softmax means one axis from this opset on; ReduceMean takes its axes as an input from that one on
_SOFTMAX, _AXES = 13, 18
_GEMM_BIAS, _GEMM_SCALE = 6, 7


class Expansion:
    """The nodes and constants that one operator becomes."""

    def __init__(self, node: onnx.NodeProto, opset: int, constants: dict[str, onnx.TensorProto]) -> None:
        from onnx import helper

        self.node, self.opset, self.constants = node, opset, constants
        self.attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        self.inputs = list(node.input)
        self.nodes: list[onnx.NodeProto] = []
        self.added: list[onnx.TensorProto] = []

    def name(self, role: str) -> str:
        """Return the name of a value of this operator."""
        return f"{self.node.output[0]}/{role}{len(self.nodes) + len(self.added)}"

    def constant(self, value: np.ndarray) -> str:
        """Add a constant."""
        from onnx import numpy_helper

        self.added.append(numpy_helper.from_array(value, self.name("constant")))
        return self.added[-1].name

    def op(self, op: str, inputs: Sequence[str], output: str = "", **attributes: Any) -> str:
        """Add a node; returns its output."""
        from onnx import helper

        to = output or self.name("value")
        self.nodes.append(helper.make_node(op, list(inputs), [to], f"{self.node.name or to}/{op}", **attributes))
        return to

    def real(self, first: int, axis: int | None = None) -> str:
        """Dequantise inputs ``first`` to ``first + 2``; ``axis`` is that of several scales."""
        scale = self.constants.get(self.inputs[first + 1])
        several = scale is not None and list(scale.dims) not in ([], [1])
        channels: dict[str, Any] = {"axis": axis} if several and axis is not None else {}
        return self.op("DequantizeLinear", filter_absent(self.inputs[first : first + 3]), **channels)

    def close(self, value: str, first: int) -> bool:
        """Quantise by inputs ``first`` and ``first + 1``."""
        self.op("QuantizeLinear", filter_absent([value, *self.inputs[first : first + 2]]), self.node.output[0])
        return True

    def array(self, index: int) -> np.ndarray | None:
        """Return the value of a constant input."""
        from onnx import numpy_helper

        tensor = self.constants.get(self.inputs[index]) if index < len(self.inputs) else None
        return None if tensor is None else numpy_helper.to_array(tensor)


def filter_absent(names: Sequence[str]) -> list[str]:
    """Return the inputs without absent ones at the end."""
    found = list(names)
    while found and not found[-1]:
        found.pop()
    return found


def _pair(op: str) -> Callable[[Expansion], bool]:
    return lambda e: e.close(e.op(op, [e.real(0), e.real(3)]), 6)


def _single(op: str, *kept: str) -> Callable[[Expansion], bool]:
    def expand(e: Expansion) -> bool:
        if e.attributes.get("channels_last"):
            return False
        return e.close(e.op(op, [e.real(0)], **{k: e.attributes[k] for k in kept if k in e.attributes}), 3)

    return expand


def _softmax(e: Expansion) -> bool:
    if e.attributes.get("opset", e.opset) < _SOFTMAX:
        return False
    return e.close(e.op("Softmax", [e.real(0)], axis=e.attributes.get("axis", -1)), 3)


def _mean(e: Expansion) -> bool:
    axes, keep = e.attributes.get("axes"), e.attributes.get("keepdims", 1)
    if axes is None or e.opset < _AXES:
        given = {} if axes is None else {"axes": axes}
        return e.close(e.op("ReduceMean", [e.real(0)], keepdims=keep, **given), 3)
    return e.close(e.op("ReduceMean", [e.real(0), e.constant(np.array(axes, np.int64))], keepdims=keep), 3)


def _concat(e: Expansion) -> bool:
    parts = [e.real(first) for first in range(2, len(e.inputs), 3)]
    return e.close(e.op("Concat", parts, axis=e.attributes["axis"]), 0)


def _gemm(e: Expansion) -> bool:
    steps = e.array(1), e.array(4)
    if steps[0] is None or steps[1] is None or e.attributes.get("alpha", 1.0) != 1.0:
        return False
    turned = e.attributes.get("transB", 0)
    inputs = [e.real(0), e.real(3, 0 if turned else 1)]
    bias = e.array(_GEMM_BIAS)
    if bias is not None:
        inputs.append(e.constant((bias * (steps[0].astype(np.float64) * steps[1]).reshape(-1)).astype(np.float32)))
    elif len(e.inputs) > _GEMM_BIAS and e.inputs[_GEMM_BIAS]:
        return False
    attributes = {"transA": e.attributes.get("transA", 0), "transB": turned}
    if len(e.inputs) <= _GEMM_SCALE or not e.inputs[_GEMM_SCALE]:
        e.op("Gemm", inputs, e.node.output[0], **attributes)
        return True
    return e.close(e.op("Gemm", inputs, **attributes), _GEMM_SCALE)


_OPERATORS: dict[str, Callable[[Expansion], bool]] = {
    "QLinearAdd": _pair("Add"),
    "QLinearMul": _pair("Mul"),
    "QLinearSigmoid": _single("Sigmoid"),
    "QLinearLeakyRelu": _single("LeakyRelu", "alpha"),
    "QLinearGlobalAveragePool": _single("GlobalAveragePool"),
    "QLinearAveragePool": _single(
        "AveragePool", "auto_pad", "ceil_mode", "count_include_pad", "kernel_shape", "pads", "strides"
    ),
    "QLinearReduceMean": _mean,
    "QLinearSoftmax": _softmax,
    "QLinearConcat": _concat,
    "QGemm": _gemm,
}
_SAME = ("QuantizeLinear", "DequantizeLinear")


def standard(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with these operators as ONNX; those with no such form stay. May change it in place."""
    if not any(node.domain == DOMAIN for node in model.graph.node):
        return model
    opset = max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=1)
    constants = {t.name: t for t in model.graph.initializer}
    nodes: list[onnx.NodeProto] = []
    for node in model.graph.node:
        expand = _OPERATORS.get(node.op_type) if node.domain == DOMAIN else None
        expansion = Expansion(node, opset, constants)
        if expand is not None and expand(expansion):
            nodes += expansion.nodes
            model.graph.initializer.extend(expansion.added)
            continue
        if node.domain == DOMAIN and node.op_type in _SAME:
            node.domain = ""
        nodes.append(node)
    copies = [type(node).FromString(node.SerializeToString()) for node in nodes]
    del model.graph.node[:]
    model.graph.node.extend(copies)
    return model
