"""Generated networks of one operator each, and of several, with inputs: what the property tests of the compiler run.

A generator takes a random source and returns a ``Generated``. Add one for each new operator to ``GENERATORS``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import helper, numpy_helper

import integer_networks

Array = NDArray[Any]
Random = np.random.Generator


@dataclass
class Generated:
    """A model, rows of inputs by name, and the features that it covers."""

    model: bytes
    inputs: dict[str, Array]
    features: list[str] = field(default_factory=list)
    atol: float = 2e-5
    plain: bool = False  # operator by operator: the runtime's fused int8 kernels gave 0 for 255 once: unexplained


def runtime(case: Generated) -> list[Array] | None:
    """Return onnxruntime's answers; None where it cannot run the case either."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    if case.plain:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        return ort.InferenceSession(case.model, options).run(None, case.inputs)
    except (ort.capi.onnxruntime_pybind11_state.NotImplemented, ort.capi.onnxruntime_pybind11_state.Fail,
            ort.capi.onnxruntime_pybind11_state.RuntimeException,
            ort.capi.onnxruntime_pybind11_state.InvalidArgument):  # fmt: skip
        return None


def real(rng: Random, *shape: int) -> Array:
    return rng.normal(size=shape).astype(np.float32)


def network(
    nodes: list[onnx.NodeProto],
    inputs: dict[str, Array],
    constants: dict[str, Array] | None = None,
    outputs: tuple[str, ...] = ("y",),
    opset: int = 21,
    features: list[str] | None = None,
    atol: float = 2e-5,
) -> Generated:
    """Return a network; constants that are None are left out."""
    kinds = {n: helper.np_dtype_to_tensor_dtype(a.dtype) for n, a in inputs.items()}
    graph = helper.make_graph(
        nodes,
        "generated",
        [helper.make_tensor_value_info(n, kinds[n], list(a.shape)) for n, a in inputs.items()],
        [onnx.ValueInfoProto(name=n) for n in outputs],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in (constants or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    return Generated(onnx.shape_inference.infer_shapes(model).SerializeToString(), inputs, features or [], atol)


def pick(rng: Random, *options: Any) -> Any:
    return options[int(rng.integers(0, len(options)))]


def shape(rng: Random, rank: int, most: int = 5) -> tuple[int, ...]:
    return tuple(int(n) for n in rng.integers(1, most + 1, rank))


def finished(rng: Random, nodes: list[onnx.NodeProto], source: str) -> list[onnx.NodeProto]:
    """Return nodes that end in y, by way of an activation or a plain copy of the name."""
    op = pick(rng, "Relu", "LeakyRelu", "Sigmoid", "HardSwish", "Identity", "Identity")
    return [*nodes, helper.make_node(op, [source], ["y"])]


def _window(rng: Random, axes: int, extents: tuple[int, ...]) -> dict[str, Any]:
    kernel = [int(rng.integers(1, min(4, n) + 1)) for n in extents]
    found: dict[str, Any] = {"kernel_shape": kernel}
    if rng.random() < 0.7:
        found["strides"] = [int(n) for n in rng.integers(1, 4, axes)]
    mode = pick(rng, "pads", "pads", "none", "SAME_UPPER", "SAME_LOWER", "VALID")
    if mode == "pads":
        found["pads"] = [int(rng.integers(0, k)) for k in kernel * 2]
    elif mode != "none":
        found["auto_pad"] = mode
    return found


def conv(rng: Random) -> Generated:
    axes, batch = int(rng.integers(1, 3)), int(rng.integers(1, 3))
    extents = tuple(int(n) for n in rng.integers(3, 9, axes))
    kind = pick(rng, "dense", "dense", "depthwise", "grouped", "multiplied")
    group = 1 if kind == "dense" else int(rng.integers(2, 5))
    depth = int(rng.integers(1, 6)) if kind in ("dense", "grouped") else 1
    outs = group * (1 if kind == "depthwise" else int(rng.integers(1, 7)))
    window = _window(rng, axes, extents)
    if "auto_pad" not in window and rng.random() < 0.3:
        window["dilations"] = [int(rng.integers(1, max(1, (n - 1) // max(1, k - 1)) + 1)) if k > 1 else 1
                               for n, k in zip(extents, window["kernel_shape"], strict=True)]  # fmt: skip
    weights = real(rng, outs, depth, *window["kernel_shape"])
    names, constants = ["x", "w"], {"w": weights}
    if rng.random() < 0.6:
        names.append("b")
        constants["b"] = real(rng, outs)
    nodes = [helper.make_node("Conv", names, ["c"], group=group, **window)]
    last = "c"
    if rng.random() < 0.3:
        constants |= {n: np.abs(real(rng, outs)) + 0.3 for n in ("s", "o", "m", "v")}
        nodes.append(helper.make_node("BatchNormalization", ["c", "s", "o", "m", "v"], ["n"]))
        last = "n"
    features = [kind, f"{axes}-D", *(k for k in ("dilations", "auto_pad", "strides") if k in window)]
    inputs = {"x": real(rng, batch, group * depth, *extents)}
    return network(finished(rng, nodes, last), inputs, constants, features=features)


def conv_transpose(rng: Random) -> Generated:
    axes = int(rng.integers(1, 3))
    extents = tuple(int(n) for n in rng.integers(1, 6, axes))
    group, depth, each = int(rng.integers(1, 4)), int(rng.integers(1, 4)), int(rng.integers(1, 4))
    kernel = [int(n) for n in rng.integers(1, 4, axes)]
    strides = [int(n) for n in rng.integers(1, 4, axes)]
    # each output has an element: no more is cut off than one kernel reaches
    pads = [int(rng.integers(0, (k + 1) // 2)) for k in kernel] * 2
    extra = [int(rng.integers(0, s)) for s in strides]
    constants = {"w": real(rng, group * depth, each, *kernel), "b": real(rng, group * each)}
    node = helper.make_node("ConvTranspose", ["x", "w", "b"], ["c"], group=group, kernel_shape=kernel, strides=strides,
                            pads=pads, output_padding=extra)  # fmt: skip
    inputs = {"x": real(rng, int(rng.integers(1, 3)), group * depth, *extents)}
    return network(finished(rng, [node], "c"), inputs, constants, features=[f"{axes}-D", f"group {min(group, 2)}"])


def pool(rng: Random, op: str) -> Generated:
    axes = int(rng.integers(1, 4))
    extents = tuple(int(n) for n in rng.integers(3, 8, axes))
    window = _window(rng, axes, extents)
    if (
        "SAME" in window.get("auto_pad", "") and "strides" in window
    ):  # onnxruntime crops where a stride passes the kernel
        window["strides"] = [min(s, k) for s, k in zip(window["strides"], window["kernel_shape"], strict=True)]
    if op == "AveragePool" and rng.random() < 0.5:
        window["count_include_pad"] = 1
    if "auto_pad" not in window and rng.random() < 0.3:
        window["ceil_mode"] = 1
    inputs = {"x": real(rng, int(rng.integers(1, 3)), int(rng.integers(1, 5)), *extents)}
    features = [f"{axes}-D", *(k for k in ("ceil_mode", "count_include_pad", "auto_pad") if k in window)]
    return network(finished(rng, [helper.make_node(op, ["x"], ["c"], **window)], "c"), inputs, features=features)


def gemm(rng: Random) -> Generated:
    rows, depth, outs = shape(rng, 3, 9)
    a, b = int(rng.integers(0, 2)), int(rng.integers(0, 2))
    inputs = {"x": real(rng, *((depth, rows) if a else (rows, depth)))}
    constants = {"w": real(rng, *((outs, depth) if b else (depth, outs)))}
    names = ["x", "w"]
    bias = pick(rng, None, (outs,), (1, outs), (rows, outs), (), (rows, 1))
    if bias is not None:
        constants["b"] = real(rng, *bias)
        names.append("b")
    factors = {"alpha": 0.5, "beta": -1.5} if rng.random() < 0.4 else {}
    if rng.random() < 0.2:
        inputs["w"] = constants.pop("w")
    nodes = [helper.make_node("Gemm", names, ["c"], transA=a, transB=b, **factors)]
    return network(finished(rng, nodes, "c"), inputs, constants, features=[f"transA {a}", f"bias {bias is not None}"])


def matmul(rng: Random) -> Generated:
    rows, depth, outs = shape(rng, 3, 7)
    stack = shape(rng, int(rng.integers(0, 3)), 3)
    kind = pick(rng, "stacks", "dense", "vector", "broadcast")
    left, right = (*stack, rows, depth), (*stack, depth, outs)
    if kind in ("dense", "broadcast"):
        right = (depth, outs)
    elif kind == "vector":
        left, right = pick(rng, ((depth,), right), (left, (depth,)))
    values = {"x": real(rng, *left)}
    constants: dict[str, Array] = {}
    (constants if kind == "dense" else values)["w"] = real(rng, *right)
    nodes = [helper.make_node("MatMul", ["x", "w"], ["c"])]
    last = "c"
    if kind == "dense" and rng.random() < 0.5:
        constants["b"] = real(rng, outs)
        nodes.append(helper.make_node("Add", ["c", "b"], ["d"]))
        last = "d"
    return network(finished(rng, nodes, last), values, constants, features=[kind])


def unary(rng: Random, op: str) -> Generated:
    x = real(rng, *shape(rng, int(rng.integers(0, 4)))) * np.float32(pick(rng, 0.5, 3, 20))
    if op in ("Sqrt", "Log"):
        x = np.abs(x)
    if op == "IsNaN":
        x = np.where(rng.random(x.shape) < 0.3, np.float32(np.nan), x)
    attributes: dict[str, Any] = {}
    if op in ("LeakyRelu", "Elu", "HardSigmoid"):
        attributes["alpha"] = float(rng.uniform(0.05, 0.6))
    if op == "Gelu":
        attributes["approximate"] = pick(rng, "none", "tanh")
    if op in ("Abs", "Neg", "Relu") and rng.random() < 0.3:
        x = np.round(x).astype(np.int32)
    return network([helper.make_node(op, ["x"], ["y"], **attributes)], {"x": np.asarray(x)}, features=[str(x.dtype)])


def _pair(rng: Random) -> tuple[tuple[int, ...], tuple[int, ...]]:
    whole = shape(rng, int(rng.integers(1, 5)))
    left, right = (tuple(1 if rng.random() < 0.3 else n for n in whole)[int(rng.integers(0, len(whole))) :]
                   for _ in range(2))  # fmt: skip
    return (whole, right) if rng.random() < 0.5 else (left, whole)


def binary(rng: Random, op: str) -> Generated:
    left, right = _pair(rng)
    a, b = real(rng, *left) * 3, real(rng, *right) * 3
    if op == "Pow":
        a, b = np.abs(a), np.asarray(pick(rng, 2.0, 0.5, 3.0, -1.0), np.float32) * np.ones(right, np.float32)
    elif op in ("And", "Or", "Xor"):
        a, b = a > 0, b > 0
    elif op == "PRelu":
        b = np.abs(real(rng, *(right if len(right) <= len(left) else left)))
        a = real(rng, *np.broadcast_shapes(left, b.shape))
    elif rng.random() < 0.35:
        kind = pick(rng, np.int32, np.int64)
        a, b = np.round(a).astype(kind), np.round(b).astype(kind)
        b = np.where(b == 0, 1, b).astype(kind) if op == "Div" else b
    elif op in ("Equal", "LessOrEqual", "GreaterOrEqual"):
        a, b = np.round(a), np.round(b)
    inputs, constants = {"x": np.asarray(a)}, {"z": np.asarray(b)}
    if rng.random() < 0.5:
        inputs |= constants
        constants = {}
    return network([helper.make_node(op, ["x", "z"], ["y"])], inputs, constants, features=[str(a.dtype)])


def where(rng: Random) -> Generated:
    left, right = _pair(rng)
    inputs = {
        "c": rng.random(shape_of := np.broadcast_shapes(left, right)) < 0.5,
        "a": real(rng, *left),
        "b": real(rng, *right),
    }
    del shape_of
    return network([helper.make_node("Where", ["c", "a", "b"], ["y"])], inputs)


def clip(rng: Random) -> Generated:
    low, high = sorted(float(v) for v in rng.normal(size=2) * 2)
    names, constants = ["x", "", ""], {}
    for index, value in ((1, low), (2, high)):
        if rng.random() < 0.8:
            names[index] = f"limit{index}"
            constants[f"limit{index}"] = np.float32(value)
    return network([helper.make_node("Clip", names, ["y"])], {"x": real(rng, *shape(rng, 3)) * 3}, constants)


def softmax(rng: Random) -> Generated:
    rank = int(rng.integers(1, 5))
    opset = pick(rng, 11, 13, 21)
    node = helper.make_node("Softmax", ["x"], ["y"], axis=int(rng.integers(-rank if opset > 11 else 0, rank)))
    return network([node], {"x": real(rng, *shape(rng, rank)) * 5}, opset=opset, features=[f"opset {opset}"])


def argmax(rng: Random) -> Generated:
    rank = int(rng.integers(1, 5))
    x = np.round(real(rng, *shape(rng, rank)) * 2)
    attributes = {"axis": int(rng.integers(-rank, rank)), "keepdims": int(rng.integers(0, 2))}
    node = helper.make_node("ArgMax", ["x"], ["y"], select_last_index=int(rng.integers(0, 2)), **attributes)
    return network([node], {"x": x})


def reduce(rng: Random, op: str) -> Generated:
    rank = int(rng.integers(1, 5))
    axes = sorted({int(a) for a in rng.integers(-rank, rank, int(rng.integers(1, 4)))}, key=lambda a: a % rank)
    axes = list({a % rank: a for a in axes}.values())
    x = real(rng, *shape(rng, rank))
    if op != "ReduceMean" and rng.random() < 0.3:
        x = np.round(x * 5).astype(np.int32)
    names, constants = (["x"], {}) if rng.random() < 0.2 else (["x", "axes"], {"axes": np.array(axes, np.int64)})
    return network([helper.make_node(op, names, ["y"], keepdims=int(rng.integers(0, 2)))], {"x": x}, constants)


def transpose(rng: Random) -> Generated:
    rank = int(rng.integers(1, 6))
    perm = [int(a) for a in rng.permutation(rank)]
    return network([helper.make_node("Transpose", ["x"], ["y"], perm=perm)], {"x": real(rng, *shape(rng, rank))})


def slice_(rng: Random) -> Generated:
    rank = int(rng.integers(1, 5))
    extents = shape(rng, rank, 7)
    axes = [int(a) for a in rng.permutation(rank)[: int(rng.integers(1, rank + 1))]]
    steps = [int(pick(rng, 1, 1, 2, 3, -1, -2)) for _ in axes]
    starts = [int(rng.integers(0, extents[a])) for a in axes]
    ends = [int(rng.integers(b + 1, extents[a] + 4)) if s > 0 else int(rng.integers(-extents[a] - 3, b - extents[a]))
            for a, b, s in zip(axes, starts, steps, strict=True)]  # fmt: skip
    parts = {"starts": starts, "ends": ends, "axes": axes, "steps": steps}
    constants = {n: np.array(v, np.int64) for n, v in parts.items()}
    return network([helper.make_node("Slice", ["x", *parts], ["y"])], {"x": real(rng, *extents)}, constants)


def pad(rng: Random) -> Generated:
    rank, mode = int(rng.integers(1, 5)), pick(rng, "constant", "constant", "edge", "reflect", "wrap")
    extents = tuple(int(n) for n in rng.integers(3, 7, rank))
    pads = [int(rng.integers(0, 3)) for _ in range(2 * rank)]
    constants = {"p": np.array(pads, np.int64), "v": np.float32(1.5)}
    names = ["x", "p", "v"] if mode == "constant" else ["x", "p"]
    constants = {n: constants[n] for n in names[1:]}
    return network(
        [helper.make_node("Pad", names, ["y"], mode=mode)], {"x": real(rng, *extents)}, constants, features=[mode]
    )


def concat(rng: Random) -> Generated:
    rank = int(rng.integers(1, 5))
    axis, extents = int(rng.integers(0, rank)), list(shape(rng, rank))
    inputs = {}
    for index in range(int(rng.integers(1, 5))):
        extents[axis] = int(rng.integers(1, 5))
        inputs[f"x{index}"] = real(rng, *extents)
    return network([helper.make_node("Concat", list(inputs), ["y"], axis=pick(rng, axis, axis - rank))], inputs)


def split(rng: Random) -> Generated:
    rank = int(rng.integers(1, 5))
    axis, extents = int(rng.integers(0, rank)), list(shape(rng, rank))
    sizes = [int(n) for n in rng.integers(1, 5, int(rng.integers(1, 4)))]
    extents[axis] = sum(sizes)
    outputs = tuple(f"y{i}" for i in range(len(sizes)))
    node = helper.make_node("Split", ["x", "s"], list(outputs), axis=axis)
    return network([node], {"x": real(rng, *extents)}, {"s": np.array(sizes, np.int64)}, outputs)


def gather(rng: Random) -> Generated:
    rank = int(rng.integers(1, 4))
    axis, extents = int(rng.integers(0, rank)), shape(rng, rank)
    indices = rng.integers(-extents[axis], extents[axis], shape(rng, int(rng.integers(0, 3)))).astype(
        pick(rng, np.int32, np.int64)
    )
    inputs, constants = {"x": real(rng, *extents)}, {"i": np.asarray(indices)}
    if rng.random() < 0.5:
        inputs, constants = inputs | constants, {}
    return network([helper.make_node("Gather", ["x", "i"], ["y"], axis=axis)], inputs, constants)


def reshape(rng: Random) -> Generated:
    extents = shape(rng, int(rng.integers(1, 5)))
    kind = pick(rng, "Reshape", "Flatten", "Unsqueeze", "Squeeze")
    x, constants, names, attributes = real(rng, *extents), {}, ["x"], {}
    if kind == "Reshape":
        constants, names = {"s": np.array([-1, extents[-1]], np.int64)}, ["x", "s"]
    elif kind == "Flatten":
        attributes = {"axis": int(rng.integers(0, len(extents) + 1))}
    elif kind == "Unsqueeze":
        constants, names = {"s": np.array([0, -1], np.int64)}, ["x", "s"]
    else:
        x = x.reshape(1, *extents, 1)
        constants, names = {"s": np.array([0, -1], np.int64)}, ["x", "s"]
    nodes = [helper.make_node(kind, names, ["a"], **attributes)]
    return network(finished(rng, nodes, "a"), {"x": x}, constants, features=[kind])


def cast(rng: Random) -> Generated:
    of, to = (pick(rng, np.float32, np.int32, np.int64, np.uint8, np.int8, np.bool_) for _ in range(2))
    x = (
        np.abs(np.round(real(rng, *shape(rng, 2)) * 20, 1))
        if np.uint8 in (of, to)
        else np.round(real(rng, 3, 4) * 20, 1)
    )
    node = helper.make_node("Cast", ["x"], ["y"], to=helper.np_dtype_to_tensor_dtype(np.dtype(to)))
    return network([node], {"x": np.clip(x, -127, 127).astype(of)}, features=[f"{np.dtype(of)} to {np.dtype(to)}"])


def resize(rng: Random) -> Generated:
    mode = pick(rng, "nearest", "linear")
    place = pick(rng, "half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")
    extents = tuple(int(n) for n in rng.integers(2, 7, 2))
    sizes = [int(n) for n in rng.integers(1, 12, 2)]
    constants = {"e": np.zeros(0, np.float32), "sizes": np.array([1, 2, *sizes], np.int64)}
    attributes = {"nearest_mode": pick(rng, "floor", "round_prefer_floor", "ceil")} if mode == "nearest" else {}
    node = helper.make_node("Resize", ["x", "", "e", "sizes"], ["y"], mode=mode,
                            coordinate_transformation_mode=place, **attributes)  # fmt: skip
    return network([node], {"x": real(rng, 1, 2, *extents)}, constants, features=[mode, place])


def layer_normalization(rng: Random) -> Generated:
    rank = int(rng.integers(1, 5))
    extents, axis = tuple(int(n) for n in rng.integers(2, 6, rank)), int(rng.integers(0, rank))
    constants = {"s": real(rng, *extents[axis:]), "b": real(rng, *extents[axis:])}
    node = helper.make_node("LayerNormalization", ["x", "s", "b"], ["y"], axis=axis)
    return network([node], {"x": real(rng, *extents) + 2}, constants, atol=1e-4)


def recurrent(rng: Random, op: str) -> Generated:
    gates = {"LSTM": 4, "GRU": 3}[op]
    steps, batch, ins, hidden = (int(n) for n in rng.integers(1, 6, 4))
    direction = pick(rng, "forward", "reverse", "bidirectional")
    ways = 2 if direction == "bidirectional" else 1
    constants = {"w": real(rng, ways, gates * hidden, ins), "r": real(rng, ways, gates * hidden, hidden)}
    names = ["x", "w", "r", ""]
    if rng.random() < 0.7:
        names[3], constants["b"] = "b", real(rng, ways, 2 * gates * hidden)
    attributes: dict[str, Any] = {"hidden_size": hidden, "direction": direction}
    if op == "GRU":
        attributes["linear_before_reset"] = int(rng.integers(0, 2))
    inputs = {"x": real(rng, steps, batch, ins)}
    if rng.random() < 0.4:
        names += ["", "h"]
        inputs["h"] = real(rng, ways, batch, hidden)
    node = helper.make_node(op, names, ["y", "yh"], **attributes)
    return network([node], inputs, constants, ("y", "yh"), features=[direction])


def spatial(rng: Random) -> Generated:
    """Several convolutions, pools, sums, concatenations and transposes: what the layout pass must keep right."""
    channels, size = int(rng.integers(1, 5)), int(rng.integers(4, 8))
    last, image = rng.random() < 0.4, (size, int(rng.integers(4, 8)))
    inputs = {"x": real(rng, 1, *image, channels) if last else real(rng, 1, channels, *image)}
    nodes, constants, now, count = [], {}, "x", 0

    def add(op: str, names: list[str], **attributes: Any) -> str:
        nonlocal count
        count += 1
        nodes.append(helper.make_node(op, names, [f"v{count}"], **attributes))
        return f"v{count}"

    if last:
        now = add("Transpose", [now], perm=[0, 3, 1, 2])
    for _ in range(int(rng.integers(2, 7))):
        op = pick(rng, "conv", "conv", "residual", "pool", "concat", "scale", "softmax", "pad", "turn")
        if op == "conv":
            outs = int(rng.integers(1, 7))
            constants[f"w{count}"] = real(rng, outs, channels, 3, 3) / 3
            now, channels = add("Conv", [now, f"w{count}"], pads=[1, 1, 1, 1]), outs
        elif op == "residual":
            constants[f"w{count}"] = real(rng, channels, channels, 1, 1)
            now = add("Relu", [add("Add", [add("Conv", [now, f"w{count}"]), now])])
        elif op == "pool":
            now = add(pick(rng, "MaxPool", "AveragePool"), [now], kernel_shape=[2, 2], pads=[0, 0, 1, 1])
        elif op == "concat":
            now, channels = add("Concat", [now, add("Sigmoid", [now])], axis=1), 2 * channels
        elif op == "scale":
            constants[f"s{count}"] = real(rng, channels, 1, 1)
            now = add("Mul", [now, f"s{count}"])
        elif op == "softmax":
            now = add("Softmax", [now], axis=1)
        elif op == "pad":
            constants[f"p{count}"] = np.array([0, 0, 1, 0, 0, 0, 0, 1])
            now = add("Pad", [now, f"p{count}"])
        else:
            now = add("Transpose", [now], perm=[0, 1, 3, 2])
    end = pick(rng, "mean", "flatten", "last", "none")
    if end == "mean":
        now = add("Flatten", [add("GlobalAveragePool", [now])])
    elif end == "flatten":
        now = add("ReduceSum", [add("Flatten", [now])], keepdims=0)
    elif end == "last":
        now = add("Transpose", [now], perm=[0, 2, 3, 1])
    nodes.append(helper.make_node("Identity", [now], ["y"]))
    return network(nodes, inputs, constants, features=[end, "channels last" if last else "channels first"], atol=1e-3)


def _of(function: Callable[[Random, str], Generated], op: str) -> Callable[[Random], Generated]:
    return lambda rng: function(rng, op)


def quantised(rng: Random) -> Generated:
    """Return a chain of quantised operators, held to the runtime within a step of its output."""
    model, x = integer_networks.generated(int(rng.integers(2**31)))
    named = sorted({node.op_type for node in onnx.ModelProto.FromString(model).graph.node})
    return Generated(model, {"x": x}, [*named, x.dtype.name], atol=1.01, plain=True)


GENERATORS: dict[str, Callable[[Random], Generated]] = {
    "Conv": conv, "ConvTranspose": conv_transpose, "Gemm": gemm, "MatMul": matmul, "Where": where, "Clip": clip,
    "Softmax": softmax, "ArgMax": argmax, "Transpose": transpose, "Slice": slice_, "Pad": pad, "Concat": concat,
    "Split": split, "Gather": gather, "Reshape": reshape, "Cast": cast, "Resize": resize, "Spatial": spatial,
    "LayerNormalization": layer_normalization, "Quantised": quantised,
    **{op: _of(pool, op) for op in ("MaxPool", "AveragePool")},
    **{op: _of(reduce, op) for op in ("ReduceMean", "ReduceSum", "ReduceMax")},
    **{op: _of(recurrent, op) for op in ("LSTM", "GRU")},
    **{op: _of(unary, op) for op in ("Sqrt", "Exp", "Log", "Abs", "Neg", "Relu", "LeakyRelu", "Elu", "HardSigmoid",
                                     "HardSwish", "Gelu", "Sigmoid", "Tanh", "IsNaN")},
    **{op: _of(binary, op) for op in ("Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "PRelu", "Equal", "Less",
                                      "Greater", "LessOrEqual", "GreaterOrEqual", "And", "Or", "Xor")},
}  # fmt: skip
