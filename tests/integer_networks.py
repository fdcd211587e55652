"""Generated quantised networks: QDQ around each operator that has an integer form, and QLinear operators."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

Array = NDArray[Any]
Random = np.random.Generator


class Network:
    """A graph that grows; values are quantised, ``x`` comes first and the last one is the output."""

    def __init__(self, rng: Random, shape: tuple[int, ...], *, unsigned: bool = False) -> None:
        self.rng, self.shape = rng, shape
        self.dtype: type[Any] = np.uint8 if unsigned else np.int8
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.last = "x"
        self.scale = self.activation_scale()

    def constant(self, value: Array) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def activation_scale(self, step: float | None = None) -> tuple[str, str, float]:
        step = float(np.float32(self.rng.uniform(0.005, 0.1))) if step is None else step
        info = np.iinfo(self.dtype)
        zero = int(self.rng.choice([info.min, info.max, int(self.rng.integers(info.min, info.max))]))
        return self.constant(np.array(step, np.float32)), self.constant(np.array(zero, self.dtype)), step

    def node(self, op: str, inputs: list[str], **attributes: Any) -> str:
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], **attributes))
        return name

    def real(self) -> str:
        return self.node("DequantizeLinear", [self.last, *self.scale[:2]])

    def close(self, value: str, *, step: float | None = None) -> None:
        self.scale = self.activation_scale(step)
        self.last = self.node("QuantizeLinear", [value, *self.scale[:2]])

    def weights(self, shape: tuple[int, ...], step: float) -> tuple[str, str, float]:
        """Return weights and a bias, dequantised, and the spread of what they make of an input."""
        channels = bool(self.rng.integers(2))
        size = shape[:1] if channels else ()
        steps = self.rng.uniform(0.002, 0.02, size).astype(np.float32)
        values = self.rng.integers(-127, 128, shape).astype(np.int8)
        names = self.constant(values), self.constant(steps), self.constant(np.zeros(size, np.int8))
        w = self.node("DequantizeLinear", list(names), **({"axis": 0} if channels else {}))
        bias = self.rng.integers(-3000, 3000, shape[0]).astype(np.int32)
        names = self.constant(bias), self.constant((steps * np.float32(step)).astype(np.float32)), (
            self.constant(np.zeros(size, np.int32)))  # fmt: skip
        b = self.node("DequantizeLinear", list(names), **({"axis": 0} if channels else {}))
        return w, b, float(steps.max()) * step * 127 * 74 * float(np.sqrt(np.prod(shape[1:])))

    def conv(self, *, depthwise: bool) -> None:
        rng, channels = self.rng, self.shape[1]
        outs = channels if depthwise else int(rng.integers(1, 10))
        window = tuple(int(rng.integers(1, min(4, extent + 1))) for extent in self.shape[2:])
        roomy = not depthwise and min(self.shape[2:]) > 4  # a window of three, dilated, spans five
        dilations = [int(d) for d in rng.integers(1, 3, 2)] if roomy else [1, 1]
        pads = [int(p) for p in rng.integers(0, 3, 4)]
        strides = [int(s) for s in rng.integers(1, 3, 2)]
        extents = [self.shape[2 + a] + pads[a] + pads[2 + a] - (window[a] - 1) * dilations[a] - 1 for a in (0, 1)]
        x = self.real()
        w, b, spread = self.weights((outs, 1 if depthwise else channels, *window), self.scale[2])
        inputs = [x, w, b] if rng.integers(4) else [x, w]
        y = self.node("Conv", inputs, kernel_shape=list(window), pads=pads, strides=strides, dilations=dilations,
                      group=channels if depthwise else 1)  # fmt: skip
        self.shape = (self.shape[0], outs, *(e // s + 1 for e, s in zip(extents, strides, strict=True)))
        self.close(self.activated(y), step=float(np.float32(spread / 60)))

    def activated(self, value: str) -> str:
        kind = int(self.rng.integers(3))
        if kind == 0:
            return value
        if kind == 1:
            return self.node("Relu", [value])
        return self.node(
            "Clip", [value, self.constant(np.array(0, np.float32)), self.constant(np.array(6, np.float32))]
        )

    def add(self) -> None:
        a = self.real()
        self.close(self.node("Sigmoid", [a]), step=1 / 200)
        b = self.real()
        self.close(self.activated(self.node("Add", [a, b])), step=float(np.float32(self.rng.uniform(0.01, 0.06))))

    def pool(self) -> None:
        y = self.node("MaxPool", [self.real()], kernel_shape=[2, 2], pads=[1, 0, 0, 1], strides=[2, 1])
        self.last = self.node("QuantizeLinear", [y, *self.scale[:2]])
        self.shape = (*self.shape[:2], (self.shape[2] + 1 - 2) // 2 + 1, self.shape[3] + 1 - 2 + 1)

    def mean(self) -> None:
        self.close(self.node("GlobalAveragePool", [self.real()]), step=self.scale[2] / 2)
        self.shape = (*self.shape[:2], 1, 1)

    def flat(self) -> None:
        y = self.node("Flatten", [self.real()])
        self.last = self.node("QuantizeLinear", [y, *self.scale[:2]])
        self.shape = (self.shape[0], int(np.prod(self.shape[1:])))

    def dense(self) -> None:
        outs = int(self.rng.integers(1, 11))
        x = self.real()
        w, b, spread = self.weights((outs, self.shape[1]), self.scale[2])
        self.shape = (self.shape[0], outs)
        self.close(self.activated(self.node("Gemm", [x, w, b], transB=1)), step=float(np.float32(spread / 60)))

    def softmax(self) -> None:
        self.close(self.node("Softmax", [self.real()], axis=1), step=1 / 256)

    def model(self, shape: tuple[int, ...]) -> bytes:
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(self.dtype))
        self.nodes[-1].output[0] = "y"
        graph = helper.make_graph(
            self.nodes, "generated", [helper.make_tensor_value_info("x", kind, list(shape))],
            [helper.make_tensor_value_info("y", kind, None)], self.constants,
        )  # fmt: skip
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        return bytes(made.SerializeToString())


def generated(seed: int) -> tuple[bytes, Array]:
    """Return a network of several quantised operators, and an input for it."""
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 3)), int(rng.integers(1, 10)), int(rng.integers(3, 9)), int(rng.integers(3, 9)))
    net = Network(rng, shape, unsigned=bool(rng.integers(2)))
    for _ in range(int(rng.integers(1, 4))):
        step = int(rng.integers(4))
        if step == 0:
            net.add()
        elif step == 1 and min(net.shape[2:]) > 1:
            net.pool()
        else:
            net.conv(depthwise=bool(rng.integers(2)))
    if rng.integers(2):
        net.mean() if rng.integers(2) else None
        net.flat()
        net.dense()
        net.softmax() if rng.integers(2) else None
    info = np.iinfo(net.dtype)
    return net.model(shape), rng.integers(info.min, info.max + 1, shape).astype(net.dtype)
