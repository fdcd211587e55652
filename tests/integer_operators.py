"""Generated networks of one quantised operator each: shapes, pads, strides, groups and ranges of every integer form.

A generator takes a random source and returns a ``Case``. The range of the output is drawn around what the operator
gives in real numbers, so that some answers are cut.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import helper, numpy_helper

Array = NDArray[Any]
Random = np.random.Generator
OPSET = 21


@dataclass
class Case:
    """A model, its inputs by name, and the features that it covers."""

    model: bytes
    inputs: dict[str, Array]
    features: list[str] = field(default_factory=list)


def plain(model: bytes, inputs: Mapping[str, Array]) -> Array:
    """Return onnxruntime's answer computed operator by operator, as the file says."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return np.asarray(ort.InferenceSession(model, options).run(None, dict(inputs))[0])


class Draft:
    """Constants, quantised inputs, and the operator between them and the output."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.dtype: type[Any] = rng.choice([np.int8, np.int8, np.uint8])
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, Array] = {}
        self.inputs: dict[str, Array] = {}

    def constant(self, value: Array) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = value
        return name

    def node(self, op: str, inputs: list[str], **attributes: Any) -> str:
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], **attributes))
        return name

    def zero(self) -> Array:
        info = np.iinfo(self.dtype)
        return np.array(self.rng.choice([info.min, info.max, self.rng.integers(info.min, info.max + 1)]), self.dtype)

    def x(self, shape: tuple[int, ...], spread: float | None = None) -> str:
        """Add an input; returns it in real numbers."""
        info, name = np.iinfo(self.dtype), f"x{len(self.inputs)}"
        low, high = info.min, info.max
        if self.rng.random() < 0.3:
            low, high = sorted(int(v) for v in self.rng.integers(info.min, info.max + 1, 2))
        self.inputs[name] = self.rng.integers(low, high + 1, shape).astype(self.dtype)
        step = np.float32(self.rng.uniform(0.5, 8) / 255 if spread is None else spread / 255)
        return self.node("DequantizeLinear", [name, self.constant(np.array(step)), self.constant(self.zero())])

    def weights(self, shape: tuple[int, ...], bias: int = 0, axis: int = 0) -> tuple[str, list[str]]:
        """Return weights, and a list with a bias of so many elements or without, all in real numbers."""
        rng = self.rng
        size = (shape[axis],) if rng.random() < 0.6 else ()
        steps = np.exp(rng.uniform(np.log(2e-4), np.log(0.02), size)).astype(np.float32)
        values = rng.integers(-127, 128, shape).astype(np.int8)
        values[rng.random(shape) < rng.choice([0, 0.5])] = 0
        parts = [self.constant(values), self.constant(steps), self.constant(np.zeros(size, np.int8))]
        w = self.node("DequantizeLinear", parts, **({"axis": axis} if size else {}))
        if not bias or rng.random() < 0.3:
            return w, []
        scale = (steps * self.constants[self.nodes[0].input[1]]).astype(np.float32)
        whole = rng.integers(-5000, 5000, bias).astype(np.int32)
        parts = [self.constant(whole), self.constant(scale), self.constant(np.zeros(size, np.int32))]
        return w, [self.node("DequantizeLinear", parts, **({"axis": 0} if size else {}))]

    def activated(self, value: str) -> str:
        kind = self.rng.integers(4)
        if kind == 0:
            return self.node("Relu", [value])
        if kind == 1:
            limits = [self.constant(np.array(v, np.float32)) for v in (0.0, 6.0)]
            return self.node("Clip", [value, *limits])
        return value

    def finished(self, value: str, features: list[str]) -> Case:
        """Quantise the output by a range around what is there."""
        real = plain(self.model(value, onnx.TensorProto.FLOAT), self.inputs).astype(np.float64)
        least, most = min(0.0, float(real.min(initial=0))), max(0.0, float(real.max(initial=0)))
        step = np.float32(max(most - least, 1e-3) / 255 * self.rng.uniform(0.4, 2.5))
        info = np.iinfo(self.dtype)
        zero = np.clip(np.rint(info.min - least / step), info.min, info.max).astype(self.dtype)
        names = [value, self.constant(np.array(step)), self.constant(np.array(zero))]
        self.nodes.append(helper.make_node("QuantizeLinear", names, ["y"]))
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(self.dtype))
        return Case(self.model("y", kind), self.inputs, [np.dtype(self.dtype).name, *features])

    def model(self, output: str, kind: int) -> bytes:
        inputs = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), list(a.shape))
                  for n, a in self.inputs.items()]  # fmt: skip
        tensors = [numpy_helper.from_array(v, n) for n, v in self.constants.items()]
        outputs = [helper.make_tensor_value_info(output, kind, None)]
        graph = helper.make_graph(self.nodes, "generated", inputs, outputs, tensors)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
        return bytes(onnx.shape_inference.infer_shapes(made).SerializeToString())


def _shape(rng: Random, rank: int, most: int = 6) -> tuple[int, ...]:
    return tuple(int(n) for n in rng.integers(1, most + 1, rank))


def _conv(rng: Random, kind: str) -> Case:
    draft = Draft(rng)
    axes = int(rng.choice([1, 2, 2, 3] if kind == "grouped" else [1, 2, 2]))
    extents = tuple(int(n) for n in rng.integers(3, 8 if axes < 3 else 5, axes))
    group = 1 if kind == "dense" else int(rng.integers(2, 9 if kind == "depthwise" else 4))
    depth = 1 if kind == "depthwise" else int(rng.integers(1, 8 if kind == "dense" else 4))
    outs = group if kind == "depthwise" else group * int(rng.integers(1, 10 if kind == "dense" else 4))
    if kind == "grouped" and depth == 1 and outs == group:  # that would be a depthwise one
        outs *= 2
    window = [int(rng.integers(1, min(4, n) + 1)) for n in extents]
    dilations = [1 if kind == "depthwise" or k == 1 else int(rng.integers(1, (n - 1) // (k - 1) + 1))
                 for n, k in zip(extents, window, strict=True)]  # fmt: skip
    attributes = {
        "kernel_shape": window, "group": group, "dilations": dilations,
        "strides": [int(n) for n in rng.integers(1, 4, axes)],
        "pads": [int(rng.integers(0, k)) for k in window * 2],
    }  # fmt: skip
    x = draft.x((int(rng.integers(1, 3)), group * depth, *extents))
    w, bias = draft.weights((outs, depth, *window), outs)
    y = draft.activated(draft.node("Conv", [x, w, *bias], **attributes))
    features = [f"{axes}-D", *(n for n in ("pads",) if any(attributes[n]))]
    return draft.finished(y, [*features, *(f"{n}" for n in ("strides", "dilations") if max(attributes[n]) > 1)])


def conv(rng: Random) -> Case:
    return _conv(rng, "dense")


def depthwise(rng: Random) -> Case:
    return _conv(rng, "depthwise")


def grouped(rng: Random) -> Case:
    return _conv(rng, "grouped")


def dense(rng: Random) -> Case:
    draft = Draft(rng)
    rows, depth, outs = int(rng.integers(1, 4)), int(rng.integers(1, 40)), int(rng.integers(1, 14))
    kind = rng.choice(["Gemm", "Gemm transB", "MatMul", "stack"])
    lead = _shape(rng, 2, 3) if kind == "stack" else (rows,)
    x = draft.x((*lead, depth))
    if kind == "Gemm transB":
        w, bias = draft.weights((outs, depth), outs)
        y = draft.node("Gemm", [x, w, *bias], transB=1)
    else:
        w, bias = draft.weights((depth, outs), 0 if kind in ("MatMul", "stack") else outs, axis=1)
        y = draft.node("Gemm" if kind == "Gemm" else "MatMul", [x, w, *bias])
    return draft.finished(draft.activated(y), [str(kind)])


def _pair(rng: Random, op: str, *, broadcast: bool) -> Case:
    draft = Draft(rng)
    shape = _shape(rng, int(rng.integers(1, 5)))
    other = tuple(1 if rng.random() < 0.4 else n for n in shape) if broadcast else shape
    a, b = draft.x(shape), draft.x(other)
    if broadcast and rng.random() < 0.5:
        a, b = b, a
    return draft.finished(draft.activated(draft.node(op, [a, b])), ["same" if shape == other else "broadcast"])


def mean(rng: Random) -> Case:
    draft = Draft(rng)
    if rng.random() < 0.5:
        x = draft.x((int(rng.integers(1, 3)), *_shape(rng, 1), *_shape(rng, int(rng.integers(1, 3)), 8)))
        return draft.finished(draft.activated(draft.node("GlobalAveragePool", [x])), ["global"])
    rank = int(rng.integers(1, 5))
    axes = sorted(int(a) for a in rng.permutation(rank)[: int(rng.integers(1, rank + 1))])
    x = draft.x(_shape(rng, rank))
    names = [x, draft.constant(np.array(axes, np.int64))]
    return draft.finished(draft.node("ReduceMean", names, keepdims=int(rng.integers(2))), ["axes"])


def _pool(rng: Random, op: str) -> Case:
    draft = Draft(rng)
    extents = tuple(int(n) for n in rng.integers(3, 8, int(rng.integers(1, 3))))
    window = [int(rng.integers(1, min(4, n) + 1)) for n in extents]
    pads = [int(rng.integers(0, k)) for k in window * 2] if rng.random() < 0.5 else [0] * 2 * len(window)
    attributes: dict[str, Any] = {"kernel_shape": window, "strides": [int(n) for n in rng.integers(1, 4, len(window))],
                                  "pads": pads}  # fmt: skip
    if op == "AveragePool":
        attributes["count_include_pad"] = 1
    x = draft.x((int(rng.integers(1, 3)), *_shape(rng, 1), *extents))
    y = draft.node(op, [x], **attributes)
    return draft.finished(draft.activated(y), [f"{len(window)}-D", *(["pads"] if any(pads) else [])])


def softmax(rng: Random) -> Case:
    draft = Draft(rng)
    rank = int(rng.integers(1, 5))
    x = draft.x(_shape(rng, rank, 9), spread=float(rng.uniform(1, 40)))
    return draft.finished(draft.node("Softmax", [x], axis=int(rng.integers(-rank, rank))), [f"rank {rank}"])


def concat(rng: Random) -> Case:
    draft = Draft(rng)
    rank = int(rng.integers(1, 5))
    axis, shape = int(rng.integers(rank)), list(_shape(rng, rank, 4))
    parts = []
    for _ in range(int(rng.integers(2, 4))):
        shape[axis] = int(rng.integers(1, 5))
        parts.append(draft.x(tuple(shape)))
    return draft.finished(draft.activated(draft.node("Concat", parts, axis=axis)), [f"{len(parts)} parts"])


#: functions of one tensor: operator and attributes
FUNCTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("Sigmoid", {}), ("Tanh", {}), ("HardSwish", {}), ("Elu", {"alpha": 0.7}), ("Gelu", {}),
    ("Gelu", {"approximate": "tanh"}), ("LeakyRelu", {"alpha": 0.1}), ("HardSigmoid", {"alpha": 0.3}), ("Selu", {}),
    ("Softplus", {}), ("Softsign", {}), ("Mish", {}), ("Erf", {}), ("Exp", {}), ("Abs", {}), ("Neg", {}), ("Celu", {}),
    ("ThresholdedRelu", {"alpha": 0.5}), ("Relu", {}),
)  # fmt: skip


def table(rng: Random) -> Case:
    draft = Draft(rng)
    x = draft.x(_shape(rng, int(rng.integers(1, 4)), 9))
    kind = int(rng.integers(len(FUNCTIONS) + 3))
    if kind < len(FUNCTIONS):
        op, attributes = FUNCTIONS[kind]
        return draft.finished(draft.node(op, [x], **attributes), [op])
    half, one, root = (draft.constant(np.array(v, np.float32)) for v in (0.5, 1.0, 1.4142135))
    if kind == len(FUNCTIONS):
        return draft.finished(draft.node("Mul", [x, draft.node("Sigmoid", [x])]), ["x * sigmoid"])
    if kind == len(FUNCTIONS) + 1:
        spread = draft.node("Add", [draft.node("Erf", [draft.node("Div", [x, root])]), one])
        return draft.finished(draft.node("Mul", [draft.node("Mul", [x, spread]), half]), ["written GELU"])
    return draft.finished(x, ["another scale"])


GENERATORS: dict[str, tuple[Callable[[Random], Case], str]] = {
    "convolution": (conv, "IntegerConv"), "depthwise": (depthwise, "IntegerConv"),
    "grouped": (grouped, "IntegerGroupedConv"), "dense": (dense, "IntegerDense"),
    "sum": (lambda rng: _pair(rng, "Add", broadcast=False), "IntegerAdd"),
    "difference": (lambda rng: _pair(rng, "Sub", broadcast=False), "IntegerAdd"),
    "product": (lambda rng: _pair(rng, "Mul", broadcast=True), "IntegerMul"),
    "mean": (mean, "IntegerMean"), "average": (lambda rng: _pool(rng, "AveragePool"), "IntegerAveragePool"),
    "maximum": (lambda rng: _pool(rng, "MaxPool"), "MaxPool"), "softmax": (softmax, "IntegerSoftmax"),
    "function": (table, "IntegerTable"), "concatenation": (concat, "Concat"),
}  # fmt: skip
