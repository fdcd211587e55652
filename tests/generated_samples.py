"""Generated cases of trees, signals and integers; see ``generated_operators``, which has the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from generated_operators import Array, Generated, Random, network, pick, real, shape

ML = "ai.onnx.ml"
#: the mode of a tree's node that asks for equality; the next is its opposite; neither may send missing numbers to true
EQUALITY = 4


def classical(
    op: str, inputs: dict[str, Array], attributes: dict[str, Any], outputs: tuple[str, ...] = ("y",), *, ml: int = 3
) -> Generated:
    """Return a model of one operator of ai.onnx.ml with float or int64 inputs."""
    node = helper.make_node(op, list(inputs), list(outputs), domain=ML, **attributes)
    whole = {"label"} | ({"y"} if "values_int64s" in attributes else set())
    kinds = {n: helper.np_dtype_to_tensor_dtype(v.dtype) for n, v in inputs.items()}
    graph = helper.make_graph(
        [node], "generated", [helper.make_tensor_value_info(n, kinds[n], list(v.shape)) for n, v in inputs.items()],
        [helper.make_tensor_value_info(n, TensorProto.INT64 if n in whole else TensorProto.FLOAT, None)
         for n in outputs],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(ML, ml)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    return Generated(model.SerializeToString(), inputs, [str(v.dtype) for v in inputs.values()])


def table(rng: Random) -> Array:
    """Return rows of numbers, some of them missing."""
    x = real(rng, *shape(rng, 2)) * 3
    return np.where(rng.random(x.shape) < 0.2, np.float32(np.nan), x).astype(np.float32) if rng.random() < 0.5 else x


def floats(rng: Random, count: int) -> list[float]:
    return [float(np.float32(v)) for v in rng.normal(size=count)]


def tree_ensemble(rng: Random) -> Generated:
    """Return a sum of small full trees over float32, as the operator of version 5 holds them."""
    x = table(rng)
    depth, trees, targets = int(rng.integers(1, 4)), int(rng.integers(1, 6)), int(rng.integers(1, 3))
    inner, outer = 2**depth - 1, 2**depth
    ways, leaf = [], []
    for tree in range(trees):
        for node in range(inner):
            last = node >= inner // 2
            for side, found in ((1, "nodes_truenodeids"), (2, "nodes_falsenodeids")):
                child = 2 * node + side
                ways.append((found, tree * outer + child - inner if last else tree * inner + child))
            leaf.append(int(last))
    count = trees * inner
    modes = rng.integers(0, 6, count).astype(np.uint8)
    splits = np.round(real(rng, count), 1)
    attributes = {
        "n_targets": targets, "aggregate_function": 1, "post_transform": 0,
        "tree_roots": [t * inner for t in range(trees)],
        "nodes_featureids": [int(v) for v in rng.integers(0, x.shape[1], count)],
        "nodes_splits": numpy_helper.from_array(splits, "s"),
        "nodes_modes": numpy_helper.from_array(modes, "m"),
        "nodes_missing_value_tracks_true": [int(v) for v in rng.integers(0, 2, count) * (modes < EQUALITY)],
        "nodes_trueleafs": leaf, "nodes_falseleafs": leaf,
        "leaf_targetids": [int(v) for v in rng.integers(0, targets, trees * outer)],
        "leaf_weights": numpy_helper.from_array(real(rng, trees * outer), "w"),
        **{name: [to for of, to in ways if of == name] for name in ("nodes_truenodeids", "nodes_falsenodeids")},
    }  # fmt: skip
    return classical("TreeEnsemble", {"x": x}, attributes, ml=5)


def normalised(rng: Random) -> Generated:
    x = real(rng, *shape(rng, int(rng.integers(2, 5))))
    constants = {name: real(rng, x.shape[1]) for name in ("s", "b", "m")} | {
        "v": rng.random(x.shape[1], np.float32) + 0.1
    }
    node = helper.make_node("BatchNormalization", ["x", *constants], ["y"], epsilon=float(rng.uniform(1e-5, 1e-2)))
    return network([node], {"x": x}, constants)


def averaged(rng: Random) -> Generated:
    x = real(rng, *shape(rng, int(rng.integers(3, 5))))
    return network([helper.make_node("GlobalAveragePool", ["x"], ["y"])], {"x": x})


def negated(rng: Random) -> Generated:
    x = rng.random(shape(rng, int(rng.integers(1, 4)))) < 0.5
    return network([helper.make_node("Not", ["x"], ["y"])], {"x": x})


def viewed(rng: Random, op: str) -> Generated:
    x = real(rng, *shape(rng, int(rng.integers(1, 4))))
    constants = {} if op == "Flatten" else {"s": np.array([0, -1], np.int64)}
    x = x.reshape(1, *x.shape, 1) if op == "Squeeze" else x
    attributes = {"axis": int(rng.integers(-x.ndim, x.ndim + 1))} if op == "Flatten" else {}
    nodes = [helper.make_node(op, ["x", *constants], ["a"], **attributes), helper.make_node("Neg", ["a"], ["y"])]
    return network(nodes, {"x": x}, constants)


def fourier(rng: Random, op: str) -> Generated:
    size, batch = int(rng.integers(2, 17)), int(rng.integers(1, 3))
    if op == "DFT":
        inverse = bool(rng.integers(2))
        x = real(rng, batch, size, 2 if inverse else int(rng.integers(1, 3)))
        one = int(rng.integers(2)) if not inverse and x.shape[-1] == 1 else 0
        node = helper.make_node("DFT", ["x", "", "a"], ["y"], inverse=int(inverse), onesided=one)
        return network([node], {"x": x}, {"a": np.int64(1)}, atol=1e-4)
    constants = {"step": np.int64(rng.integers(1, size + 1)), "w": real(rng, size)}
    node = helper.make_node("STFT", ["x", *constants], ["y"], onesided=1)
    return network([node], {"x": real(rng, batch, size + int(rng.integers(0, 20)), 1)}, constants, atol=1e-4)


def byte(rng: Random, *extents: int, dtype: Any = None) -> Array:
    info = np.iinfo(dtype or pick(rng, np.int8, np.uint8))
    return rng.integers(info.min, info.max + 1, extents).astype(info.dtype)


def scaled(rng: Random, op: str) -> Generated:
    """Return QuantizeLinear or DequantizeLinear, for the whole tensor or for each channel."""
    extents = shape(rng, 3)
    axis = int(rng.integers(0, 3))
    size = (extents[axis],) if rng.random() < 0.5 else ()
    zero = byte(rng, *size)
    constants = {"s": np.asarray(rng.uniform(0.01, 0.3, size), np.float32), "z": np.asarray(zero)}
    x = real(rng, *extents) * 9 if op == "QuantizeLinear" else byte(rng, *extents, dtype=zero.dtype)
    return network([helper.make_node(op, ["x", "s", "z"], ["y"], axis=axis)], {"x": x}, constants,
                   features=[str(zero.dtype), "channels" if size else "one"],
                   atol=1.01 if op[0] == "Q" else 2e-5)  # fmt: skip


def whole_product(rng: Random) -> Generated:
    m, k, n = shape(rng, 3)
    a, b = byte(rng, m, k), byte(rng, k, n)
    points = {"p": np.asarray(byte(rng, dtype=a.dtype)), "q": np.asarray(byte(rng, dtype=b.dtype))}
    node = helper.make_node("MatMulInteger", ["x", "w", "p", "q"], ["y"])
    return network([node], {"x": a}, {"w": b, **points}, features=[str(a.dtype), str(b.dtype)])


def linear(rng: Random, op: str) -> Generated:
    """Return QLinearConv or QLinearMatMul with a result within its range."""
    depth = int(rng.integers(1, 6))
    if op == "QLinearConv":
        x, w = byte(rng, 1, depth, 6, 5), byte(rng, int(rng.integers(1, 5)), depth, 3, 2, dtype=np.int8)
    else:
        x, w = byte(rng, int(rng.integers(1, 5)), depth), byte(rng, depth, int(rng.integers(1, 5)), dtype=np.int8)
    constants: dict[str, Array] = {
        "xs": np.float32(0.02), "xz": np.asarray(byte(rng, dtype=x.dtype)), "w": w, "ws": np.float32(0.01),
        "wz": np.int8(0), "ys": np.float32(0.2 * np.sqrt(depth)), "yz": np.asarray(byte(rng, dtype=x.dtype)),
    }  # fmt: skip
    if op == "QLinearConv" and rng.random() < 0.5:
        constants["b"] = rng.integers(-2000, 2000, w.shape[0]).astype(np.int32)
    found = network([helper.make_node(op, ["x", *constants], ["y"])], {"x": x}, constants, atol=1.01,
                    features=[str(x.dtype)])  # fmt: skip
    found.plain = True
    return found


def _of(function: Callable[[Random, str], Generated], op: str) -> Callable[[Random], Generated]:
    return lambda rng: function(rng, op)


SAMPLES: dict[str, Callable[[Random], Generated]] = {
    "TreeEnsemble": tree_ensemble, "BatchNormalization": normalised,
    "GlobalAveragePool": averaged, "Not": negated, "MatMulInteger": whole_product,
    **{op: _of(viewed, op) for op in ("Flatten", "Squeeze", "Unsqueeze")},
    **{op: _of(fourier, op) for op in ("DFT", "STFT")},
    **{op: _of(scaled, op) for op in ("QuantizeLinear", "DequantizeLinear")},
    **{op: _of(linear, op) for op in ("QLinearConv", "QLinearMatMul")},
}  # fmt: skip
