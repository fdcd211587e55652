"""Small float networks for quantisation, with rows that they were not made for."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

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
