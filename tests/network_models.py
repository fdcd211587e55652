"""Networks for tests: one that is part of a model with trees, and one of pictures with many kinds of layers."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from afield.graph.builder import Builder, Value
from afield.model.card import Card, ColumnNote, Licensed
from afield.model.container import write_properties
from afield.model.metadata import Provenance, SelfTest, to_metadata
from afield.model.model import Model
from afield.model.samples import synthesise
from afield.model.selftest import record
from afield.problem.schema import ColumnSpec, Schema, TargetSpec

NUMBERS = ("length", "width", "weight")
HIDDEN = 8
REACH = float(np.finfo(np.float32).max)


def mixed_model(*, delicate: bool = False) -> bytes:
    """Return a regression on three numbers and a category; a ``delicate`` one needs float64 all along."""
    columns = (
        *(ColumnSpec(name=n, kind="number", low=-3.0, high=5.0) for n in NUMBERS),
        ColumnSpec(name="site", kind="category", levels=("north", "south")),
    )
    target = TargetSpec(name="yield", spec=ColumnSpec(name="yield", kind="number"), task="regression")
    schema = Schema(columns=columns, target=target)
    graph = _graph(schema, delicate=delicate)
    card = Card(
        title="yield", task="regression", target="yield", parts=(Licensed(name="network", licence="Apache-2.0"),),
        columns=tuple(ColumnNote(name=c.name, kind=c.kind) for c in columns),
    )  # fmt: skip
    origin = Provenance(afield="0.1.0", data_name="made up")
    feed = synthesise(schema, 16, seed=3)
    answers = Model(write_properties(graph, to_metadata(schema, card, SelfTest(inputs={}), origin))).run(feed)
    selftest = record(schema, feed, answers, tolerance=1e-6, scale=float(np.std(answers["prediction"])))
    return write_properties(graph, to_metadata(schema, card, selftest, origin))


def _graph(schema: Schema, *, delicate: bool) -> bytes:
    b, rng = Builder(), np.random.default_rng(7)
    numbers = [b.input(n, "float64", ["N"]) for n in NUMBERS]
    site = b.op("LabelEncoder", b.input("site", "string", ["N"]), dtype="float32", keys_strings=["north", "south"],
                values_floats=[1.0, -1.0], default_float=0.0)  # fmt: skip
    x = b.concat([b.reshape(v, [-1, 1]) for v in (*numbers, b.cast(site, "float64"))], axis=1)
    known = b.op("Where", b.op("IsNaN", x, dtype="bool"), b.constant(np.float64(0.5)), x, dtype="float64")
    network = _network(b, known, rng, delicate=delicate)
    trees = b.op("TreeEnsemble", b.cast(known, "float32"), nodes_splits=_floats([0.25]), nodes_featureids=[1],
                 nodes_modes=_bytes([0]), nodes_truenodeids=[0], nodes_falsenodeids=[1], nodes_trueleafs=[1],
                 nodes_falseleafs=[1], leaf_targetids=[0, 0], leaf_weights=_floats([-1.0, 1.0]), tree_roots=[0],
                 n_targets=1, dtype="float32")  # fmt: skip
    b.output(b.reshape(b.op("Add", network, b.cast(trees, "float64")), [-1]), "prediction", ["N"])
    del schema
    return b.build("mixed").SerializeToString(deterministic=True)


def _network(b: Builder, x: Value, rng: np.random.Generator, *, delicate: bool) -> Value:
    """Return float64 [N, 1]: clipped, made smaller than 1 by a square root, two layers."""
    x = b.op("Max", b.op("Min", x, b.constant(np.float64(REACH))), b.constant(np.float64(-REACH)))
    size = b.op("Sqrt", b.op("Add", b.op("Mul", x, x), b.constant(np.float64(1.0))))
    hidden = b.op("MatMul", b.op("Div", x, size), b.constant(rng.normal(size=(4, HIDDEN))))
    found = b.op("MatMul", b.op("Relu", hidden), b.constant(rng.normal(size=(HIDDEN, 1))))
    if delicate:  # digits that only float64 has
        far = b.constant(np.float64(1e9))
        found = b.op("Sub", b.op("Add", found, far), far)
    return found


def _floats(values: list[float]) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(values, dtype=np.float32))


def _bytes(values: list[int]) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(values, dtype=np.uint8))


def varied_network(side: int = 96, classes: int = 2) -> onnx.ModelProto:
    """Return a random network of pictures float32 [1, side, side, 3]: strided, depthwise, pooled, joined, gated."""
    rng = np.random.default_rng(11)

    def weights(*sizes: int) -> NDArray[np.float32]:
        return (rng.normal(size=sizes) / np.sqrt(np.prod(sizes[1:]))).astype(np.float32)

    constants = {
        "w1": weights(8, 3, 3, 3), "b1": weights(8, 1)[:, 0], "w2": weights(8, 1, 3, 3), "w3": weights(8, 8, 1, 1),
        "w4": weights(8, 16), "b4": weights(8, 1)[:, 0], "w5": weights(8, classes),
        "gamma": rng.uniform(0.5, 1.5, 8).astype(np.float32), "beta": weights(8, 1)[:, 0],
        "mean": weights(8, 1)[:, 0] / 4, "variance": rng.uniform(0.5, 1.5, 8).astype(np.float32),
        "low": np.float32(0.0), "high": np.float32(6.0), "axes": np.array([2, 3]),
    }  # fmt: skip
    node = helper.make_node
    nodes = [
        node("Transpose", ["input"], ["x"], perm=[0, 3, 1, 2]),
        node("Conv", ["x", "w1", "b1"], ["c1"], strides=[2, 2], pads=[0, 0, 1, 1]),
        node("Clip", ["c1", "low", "high"], ["r1"]),
        node("Conv", ["r1", "w2"], ["c2"], group=8, pads=[1, 1, 1, 1]),
        node("BatchNormalization", ["c2", "gamma", "beta", "mean", "variance"], ["n2"]),
        node("HardSwish", ["n2"], ["h2"]),
        node("Conv", ["h2", "w3"], ["c3"]),
        node("Add", ["c3", "r1"], ["s3"]),
        node("MaxPool", ["s3"], ["m"], kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 1, 1]),
        node("AveragePool", ["s3"], ["a"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        node("Concat", ["m", "a"], ["j"], axis=1),
        node("ReduceMean", ["j", "axes"], ["g"], keepdims=0),
        node("Gemm", ["g", "w4", "b4"], ["d"], transB=1),
        node("Sigmoid", ["d"], ["gate"]),
        node("Mul", ["d", "gate"], ["silu"]),
        node("MatMul", ["silu", "w5"], ["logits"]),
        node("Softmax", ["logits"], ["output"], axis=1),
    ]
    graph = helper.make_graph(
        nodes, "varied",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, side, side, 3])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, classes])],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items()],
    )  # fmt: skip
    return helper.make_model(graph)
