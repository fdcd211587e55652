"""Small float networks for quantisation, with rows that they were not made for."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from afield.graph.builder import Builder
from afield.model.container import write_properties
from afield.model.metadata import Provenance, SelfTest, to_metadata
from afield.model.model import Model
from afield.model.samples import synthesise
from afield.model.selftest import record
from afield.problem.schema import ColumnSpec, Schema, TargetSpec
from small_models import card_of

Array = NDArray[Any]


def model(nodes: list[onnx.NodeProto], x: tuple[Any, ...], y: tuple[Any, ...], constants: dict[str, Array]) -> bytes:
    """Return a network from ``x`` to ``y``, float32."""
    kind = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes, "network", [helper.make_tensor_value_info("x", kind, list(x))],
        [helper.make_tensor_value_info("y", kind, list(y))],
        [numpy_helper.from_array(v, n) for n, v in constants.items()],
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made, full_check=True)
    return bytes(made.SerializeToString())


def convolutional(seed: int = 0) -> bytes:
    """Return two convolutions, a sum, a mean and a dense layer with a softmax: [1, 3, 8, 8] to [1, 4]."""
    rng = np.random.default_rng(seed)
    constants = {
        "w1": rng.normal(0, 0.4, (6, 3, 3, 3)), "b1": rng.normal(0, 0.2, 6), "w2": rng.normal(0, 0.3, (6, 6, 3, 3)),
        "w3": rng.normal(0, 1.5, (4, 6)), "b3": rng.normal(0, 0.1, 4),
    }  # fmt: skip
    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["c1"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("Conv", ["r1", "w2"], ["c2"], pads=[1, 1, 1, 1]),
        helper.make_node("Add", ["c2", "r1"], ["s"]),
        helper.make_node("Relu", ["s"], ["r2"]),
        helper.make_node("GlobalAveragePool", ["r2"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Gemm", ["f", "w3", "b3"], ["g"], transB=1),
        helper.make_node("Softmax", ["g"], ["y"], axis=1),
    ]
    return model(nodes, (1, 3, 8, 8), (1, 4), {n: v.astype(np.float32) for n, v in constants.items()})


def pictures(count: int, seed: int = 1) -> Array:
    """Return float32 [count, 3, 8, 8] with differences that are larger than a pixel."""
    rng = np.random.default_rng(seed)
    return (np.repeat(np.repeat(rng.normal(size=(count, 3, 4, 4)), 2, 2), 2, 3)
            + rng.normal(0, 1, (count, 3, 1, 1))).astype(np.float32)  # fmt: skip


def _drawn(seed: int) -> Any:
    rng = np.random.default_rng(seed)
    return lambda *shape, spread=0.4: rng.normal(0, spread, shape).astype(np.float32)


def normalised() -> tuple[bytes, tuple[int, ...]]:
    """Return a network with batch normalisation, HardSwish, a depthwise layer and x * sigmoid(x), and a row's shape."""
    d = _drawn(0)
    constants = {"w": d(8, 3, 3, 3), "s": np.abs(d(8)) + np.float32(0.5), "b": d(8), "m": d(8),
                 "v": np.abs(d(8)) + np.float32(0.5), "dw": d(8, 1, 3, 3), "w2": d(4, 8)}  # fmt: skip
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["c", "s", "b", "m", "v"], ["n"]),
        helper.make_node("HardSwish", ["n"], ["a"]),
        helper.make_node("Conv", ["a", "dw"], ["d"], pads=[1, 1, 1, 1], group=8, strides=[2, 2]),
        helper.make_node("Sigmoid", ["d"], ["g"]),
        helper.make_node("Mul", ["d", "g"], ["e"]),
        helper.make_node("GlobalAveragePool", ["e"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Gemm", ["f", "w2"], ["y"], transB=1),
    ]
    return model(nodes, (1, 3, 8, 8), (1, 4), constants), (3, 8, 8)


def gated() -> tuple[bytes, tuple[int, ...]]:
    """Return a network with a gate for each channel, groups, a concatenation, an average and an Elu."""
    d = _drawn(1)
    constants = {"w": d(8, 3, 3, 3), "r": d(4, 8, 1, 1), "e": d(8, 4, 1, 1), "g": d(8, 4, 3, 3), "w2": d(4, 16)}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["a"]),
        helper.make_node("GlobalAveragePool", ["a"], ["p"]),
        helper.make_node("Conv", ["p", "r"], ["r1"]),
        helper.make_node("Relu", ["r1"], ["r2"]),
        helper.make_node("Conv", ["r2", "e"], ["e1"]),
        helper.make_node("HardSigmoid", ["e1"], ["gate"]),
        helper.make_node("Mul", ["a", "gate"], ["m"]),
        helper.make_node("Conv", ["m", "g"], ["gc"], group=2, pads=[1, 1, 1, 1]),
        helper.make_node("Concat", ["gc", "m"], ["cc"], axis=1),
        helper.make_node("AveragePool", ["cc"], ["ap"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Elu", ["ap"], ["el"]),
        helper.make_node("GlobalAveragePool", ["el"], ["q"]),
        helper.make_node("Flatten", ["q"], ["f"]),
        helper.make_node("Gemm", ["f", "w2"], ["o"], transB=1),
        helper.make_node("Sigmoid", ["o"], ["y"]),
    ]
    return model(nodes, (1, 3, 8, 8), (1, 4), constants), (3, 8, 8)


def stacked() -> tuple[bytes, tuple[int, ...]]:
    """Return dense layers over a sequence, a layer normalisation, a GELU that is written out, and a residual."""
    d = _drawn(2)
    constants = {"w": d(12, 16), "b": d(16), "s": np.abs(d(16)) + np.float32(0.5), "o": d(16), "w2": d(16, 12),
                 "b2": d(12), "half": np.array(0.5, np.float32), "one": np.array(1, np.float32),
                 "root": np.array(1.4142135, np.float32)}  # fmt: skip
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["m"]),
        helper.make_node("Add", ["m", "b"], ["a"]),
        helper.make_node("LayerNormalization", ["a", "s", "o"], ["n"]),
        helper.make_node("MatMul", ["n", "w2"], ["k"]),
        helper.make_node("Add", ["k", "b2"], ["kb"]),
        helper.make_node("Div", ["kb", "root"], ["dv"]),
        helper.make_node("Erf", ["dv"], ["er"]),
        helper.make_node("Add", ["er", "one"], ["e1"]),
        helper.make_node("Mul", ["kb", "e1"], ["g"]),
        helper.make_node("Mul", ["g", "half"], ["ge"]),
        helper.make_node("MatMul", ["ge", "w"], ["m2"]),
        helper.make_node("Add", ["m2", "a"], ["y"]),
    ]
    return model(nodes, (1, 6, 12), (1, 6, 16), constants), (6, 12)


def recurrent() -> tuple[bytes, tuple[int, ...]]:
    """Return a convolution in time, an LSTM of which only the last state is read, and a dense layer."""
    d, hidden = _drawn(3), 5
    constants = {"cw": d(6, 4, 3), "w": d(1, 4 * hidden, 6), "r": d(1, 4 * hidden, hidden), "b": d(1, 8 * hidden),
                 "d": d(3, hidden), "db": d(3), "ax": np.array([0], np.int64)}  # fmt: skip
    nodes = [
        helper.make_node("Conv", ["x", "cw"], ["c"], pads=[1, 1]),
        helper.make_node("Tanh", ["c"], ["t"]),
        helper.make_node("Transpose", ["t"], ["tt"], perm=[2, 0, 1]),
        helper.make_node("LSTM", ["tt", "w", "r", "b"], ["", "h"], hidden_size=hidden),
        helper.make_node("Squeeze", ["h", "ax"], ["sq"]),
        helper.make_node("Gemm", ["sq", "d", "db"], ["y"], transB=1),
    ]
    return model(nodes, (1, 4, 10), (1, 3), constants), (4, 10)


def old() -> tuple[bytes, tuple[int, ...]]:
    """Return dense layers in opset 11, which has no scales for each channel."""
    d = _drawn(4)
    nodes = [
        helper.make_node("Gemm", ["x", "w", "b"], ["g"], transB=1),
        helper.make_node("Tanh", ["g"], ["t"]),
        helper.make_node("Gemm", ["t", "w2"], ["o"], transB=1),
        helper.make_node("Softmax", ["o"], ["y"], axis=1),
    ]
    made = onnx.load_from_string(model(nodes, (1, 5), (1, 2), {"w": d(6, 5), "b": d(6), "w2": d(2, 6)}))
    made.opset_import[0].version, made.ir_version = 11, 6
    return bytes(made.SerializeToString()), (5,)


def spectral() -> tuple[bytes, tuple[int, ...]]:
    """Return a network over the logarithm of a spectrum, which a convolution and a product compute."""
    d = _drawn(6)
    turns = 2 * np.pi * np.outer(np.arange(9), np.arange(16)) / 16
    waves = np.concatenate([np.cos(turns), np.sin(turns)]).astype(np.float32)[:, None]
    bands = np.abs(d(6, 9)) @ np.concatenate([np.eye(9), np.eye(9)], axis=1)
    constants = {"waves": waves, "bands": bands.astype(np.float32)[..., None], "least": np.array(1e-4, np.float32),
                 "w": d(8, 6, 3), "b": d(8), "w2": d(3, 8)}  # fmt: skip
    nodes = [
        helper.make_node("Conv", ["x", "waves"], ["f"], strides=[8]),
        helper.make_node("Mul", ["f", "f"], ["power"]),
        helper.make_node("Conv", ["power", "bands"], ["mel"]),
        helper.make_node("Add", ["mel", "least"], ["lifted"]),
        helper.make_node("Log", ["lifted"], ["log"]),
        helper.make_node("Conv", ["log", "w", "b"], ["c"], pads=[1, 1]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["p"]),
        helper.make_node("Flatten", ["p"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w2"], ["g"], transB=1),
        helper.make_node("LogSoftmax", ["g"], ["y"], axis=1),
    ]
    return model(nodes, (1, 1, 128), (1, 3), constants), (1, 128)


NETWORKS = {
    "spectral": spectral,
    "normalised": normalised,
    "gated": gated,
    "stacked": stacked,
    "recurrent": recurrent,
    "old": old,
}


def table(*, layers: int = 2) -> bytes:
    """Return a model of two numbers and a category: a network in float64 of so many layers, beside a linear model."""
    d = _drawn(5)
    columns = (
        ColumnSpec(name="length", kind="number", low=-2.0, high=2.0),
        ColumnSpec(name="weight", kind="number", low=-2.0, high=2.0),
        ColumnSpec(name="sex", kind="category", levels=("F", "M")),
    )
    target = TargetSpec(name="rings", spec=ColumnSpec(name="rings", kind="category"), task="multiclass",
                        classes=("few", "many", "some"), label_type="string")  # fmt: skip
    schema = Schema(columns=columns, target=target)
    b = Builder()
    cells = [b.input(c.input_name, "float64" if c.kind == "number" else "string", ["N"]) for c in columns]
    codes = b.op("LabelEncoder", cells[2], dtype="float32", keys_strings=["F", "M"], values_floats=[-1.0, 1.0],
                 default_float=0.0)  # fmt: skip
    numbers = [b.op("Where", b.op("IsNaN", c, dtype="bool"), b.constant(np.float64(0.0)), c, dtype="float64")
               for c in cells[:2]]  # fmt: skip
    x = b.concat([b.reshape(v, [-1, 1]) for v in (*numbers, b.cast(codes, "float64"))], axis=1)
    value, width = x, 3
    for layer in range(layers - 1):
        value = b.op("MatMul", value, b.cast(b.constant(d(width, 12, spread=1.0)), "float64"))
        value = b.op("Tanh" if layer else "Relu", b.op("Add", value, b.constant(d(12).astype(np.float64))))
        width = 12
    value = b.op("MatMul", value, b.cast(b.constant(d(width, 3, spread=1.0)), "float64"))
    value = b.op("Add", value, b.constant(d(3).astype(np.float64)))
    if layers > 1:
        value = b.op("Add", value, b.op("MatMul", x, b.constant(d(3, 3).astype(np.float64))))
    shares = b.op("Softmax", value, axis=1)
    best = b.op("ArgMax", shares, dtype="int64", axis=1, keepdims=0)
    b.output(b.gather(b.constant(list(target.classes)), best, axis=0), "label", ["N"])
    b.output(b.cast(shares, "float32"), "probabilities", ["N", 3])
    graph = b.build("table").SerializeToString(deterministic=True)
    blank = to_metadata(schema, card_of(schema), SelfTest(inputs={}), Provenance(afield="0.1.0"))
    feed = synthesise(schema, 16, seed=1)
    answers = Model(write_properties(graph, blank)).run(feed)
    selftest = record(schema, feed, answers, tolerance=1e-6)
    return write_properties(graph, to_metadata(schema, card_of(schema), selftest, Provenance(afield="0.1.0")))
