"""An ONNX graph of float operators as a torch module, one function for each operator.

Both converters take torch programs, so the graph is rebuilt once and both runtimes get the same network. One row,
fixed shapes, float32: whatever is not a float tensor is a constant by then.

Source: the operators of ONNX opset 21.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional

Values = list[Any]
Attributes = dict[str, Any]
Operator = Callable[[Values, Attributes], Any]


class Rebuilt(nn.Module):
    """The graph; weights are buffers, so that they are exported once."""

    def __init__(self, model: onnx.ModelProto) -> None:
        super().__init__()
        graph = model.graph
        self.source, self.answer = graph.input[0].name, graph.output[0].name
        self.constants: dict[str, Any] = {}
        for at, tensor in enumerate(graph.initializer):
            array = torch.from_numpy(numpy_helper.to_array(tensor).copy())
            if array.is_floating_point():
                self.register_buffer(f"weight_{at}", array)
                self.constants[tensor.name] = f"weight_{at}"
            else:
                self.constants[tensor.name] = [int(v) for v in array.flatten()] if array.dim() else int(array)
        self.nodes = [
            (
                n.op_type,
                list(n.input),
                list(n.output),
                {a.name: onnx.helper.get_attribute_value(a) for a in n.attribute},
            )
            for n in graph.node
        ]
        unknown = sorted({kind for kind, *_ in self.nodes} - set(OPERATORS))
        if unknown:
            raise ValueError(f"operators that cannot be rebuilt: {', '.join(unknown)}")

    def forward(self, source: Tensor) -> Tensor:
        """Return the graph's answer."""
        values: dict[str, Any] = {self.source: source}
        for kind, inputs, outputs, attributes in self.nodes:
            found = OPERATORS[kind]([self._value(values, name) for name in inputs], attributes)
            for name, value in zip(outputs, found if isinstance(found, tuple) else (found,), strict=False):
                values[name] = value
        return values[self.answer]

    def _value(self, values: dict[str, Any], name: str) -> Any:
        if name in values or not name:
            return values.get(name)
        constant = self.constants[name]
        return getattr(self, constant) if isinstance(constant, str) else constant


def rebuild(path: str) -> tuple[Rebuilt, tuple[int, ...]]:
    """Return the module and the shape of its input."""
    model = onnx.load(path)
    shape = tuple(d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim)
    return Rebuilt(model).eval(), shape


# Operators ------------------------------------------------------------------------------------------------------------


def _given(values: Values, at: int, attributes: Attributes, name: str) -> Any:
    """Return what newer opsets pass as an input and older ones as an attribute."""
    return values[at] if len(values) > at and values[at] is not None else attributes.get(name)


def _axes(values: Values, attributes: Attributes) -> list[int]:
    found = _given(values, 1, attributes, "axes")
    return list(range(values[0].dim())) if not found else _listed(found)


def _listed(value: Any) -> list[int]:
    return [int(value)] if isinstance(value, int) else [int(v) for v in value]


def _reduction(reduce: Callable[..., Tensor]) -> Operator:
    return lambda v, a: reduce(v[0], dim=_axes(v, a), keepdim=bool(a.get("keepdims", 1)))


def _many(both: Callable[[Tensor, Tensor], Tensor]) -> Operator:
    def over(v: Values, _: Attributes) -> Tensor:
        total: Tensor = v[0]
        for value in v[1:]:
            total = both(total, value)
        return total

    return over


def _window(v: Values, a: Attributes, kernel: list[int], fill: float) -> tuple[Tensor, list[int]]:
    """Return the padded input and the padding that is left for the operator itself: the even one."""
    spatial = len(kernel)
    pads = list(a.get("pads", [0] * 2 * spatial))
    mode = a.get("auto_pad", b"NOTSET").decode()
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        strides, dilations = a.get("strides", [1] * spatial), a.get("dilations", [1] * spatial)
        for i in range(spatial):
            size = v[0].shape[2 + i]
            wanted = (-(-size // strides[i]) - 1) * strides[i] + (kernel[i] - 1) * dilations[i] + 1
            extra = max(0, wanted - size)
            small, large = extra // 2, extra - extra // 2
            pads[i], pads[spatial + i] = (small, large) if mode == "SAME_UPPER" else (large, small)
    if pads[:spatial] == pads[spatial:] and fill == 0.0:
        return v[0], pads[:spatial]
    flat = [p for i in reversed(range(spatial)) for p in (pads[i], pads[spatial + i])]
    return (functional.pad(v[0], flat, value=fill) if any(flat) else v[0]), [0] * spatial


def _conv(v: Values, a: Attributes) -> Tensor:
    kernel = list(v[1].shape[2:])
    x, pads = _window(v, a, kernel, 0.0)
    ones = [1] * len(kernel)
    bias = v[2] if len(v) > 2 else None
    convolve: Any = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}[len(kernel)]
    return convolve(
        x, v[1], bias, list(a.get("strides", ones)), pads, list(a.get("dilations", ones)), a.get("group", 1)
    )


def _max_pool(v: Values, a: Attributes) -> Tensor:
    kernel = list(a["kernel_shape"])
    x, _ = _window(v, a, kernel, float("-inf"))
    ones = [1] * len(kernel)
    pool: Any = {1: functional.max_pool1d, 2: functional.max_pool2d}[len(kernel)]
    return pool(x, kernel, list(a.get("strides", ones)), 0, list(a.get("dilations", ones)), bool(a.get("ceil_mode", 0)))


def _average_pool(v: Values, a: Attributes) -> Tensor:
    kernel = list(a["kernel_shape"])
    x, pads = _window(v, a, kernel, 0.0)
    counted = bool(a.get("count_include_pad", 0))
    if not counted and pads == [0] * len(kernel) and x.shape != v[0].shape:
        raise ValueError("AveragePool that leaves out uneven padding cannot be rebuilt")
    pool: Any = {1: functional.avg_pool1d, 2: functional.avg_pool2d}[len(kernel)]
    return pool(x, kernel, list(a.get("strides", [1] * len(kernel))), pads, bool(a.get("ceil_mode", 0)), counted)


def _batch_normalization(v: Values, a: Attributes) -> Tensor:
    return functional.batch_norm(v[0], v[3], v[4], v[1], v[2], eps=a.get("epsilon", 1e-5))


def _layer_normalization(v: Values, a: Attributes) -> Tensor:
    bias = v[2] if len(v) > 2 else None
    return functional.layer_norm(v[0], v[0].shape[a.get("axis", -1) :], v[1], bias, a.get("epsilon", 1e-5))


def _gemm(v: Values, a: Attributes) -> Tensor:
    x = v[0].t() if a.get("transA") else v[0]
    w = v[1].t() if a.get("transB") else v[1]
    product = torch.matmul(x, w) * a["alpha"] if a.get("alpha", 1.0) != 1.0 else torch.matmul(x, w)
    if len(v) < 3 or v[2] is None:
        return product
    return product + (v[2] * a["beta"] if a.get("beta", 1.0) != 1.0 else v[2])


def _reshape(v: Values, a: Attributes) -> Tensor:
    sizes = _listed(v[1])
    if not a.get("allowzero"):
        sizes = [v[0].shape[i] if s == 0 else s for i, s in enumerate(sizes)]
    return v[0].reshape(sizes)


def _flatten(v: Values, a: Attributes) -> Tensor:
    axis = a.get("axis", 1) % (v[0].dim() + 1)
    rows = 1
    for size in v[0].shape[:axis]:
        rows *= size
    return v[0].reshape(rows, -1)


def _squeeze(v: Values, a: Attributes) -> Tensor:
    axes = _given(v, 1, a, "axes")
    gone = {x % v[0].dim() for x in _listed(axes)} if axes else {i for i, s in enumerate(v[0].shape) if s == 1}
    return v[0].reshape([s for i, s in enumerate(v[0].shape) if i not in gone])


def _unsqueeze(v: Values, a: Attributes) -> Tensor:
    axes = _listed(_given(v, 1, a, "axes"))
    rank = v[0].dim() + len(axes)
    new, sizes = {x % rank for x in axes}, iter(v[0].shape)
    return v[0].reshape([1 if i in new else next(sizes) for i in range(rank)])


def _slice(v: Values, a: Attributes) -> Tensor:
    starts, ends = _listed(_given(v, 1, a, "starts")), _listed(_given(v, 2, a, "ends"))
    axes, steps = _given(v, 3, a, "axes"), _given(v, 4, a, "steps")
    value = v[0]
    for i, axis in enumerate(_listed(axes) if axes else range(len(starts))):
        size, step = value.shape[axis], _listed(steps)[i] if steps else 1
        if step < 1:
            raise ValueError("Slice with a negative step cannot be rebuilt")
        first, last, _ = slice(starts[i], ends[i]).indices(size)
        value = value[(slice(None),) * (axis % value.dim()) + (slice(first, max(first, last), step),)]
    return value


def _split(v: Values, a: Attributes) -> Any:
    axis, sizes = a.get("axis", 0), _given(v, 1, a, "split")
    if sizes is None:
        return tuple(torch.chunk(v[0], a["num_outputs"], dim=axis))
    return tuple(torch.split(v[0], _listed(sizes), dim=axis))


def _pad(v: Values, a: Attributes) -> Tensor:
    if a.get("mode", b"constant") != b"constant":
        raise ValueError(f"Pad in mode {a['mode'].decode()} cannot be rebuilt")
    pads, rank = _listed(_given(v, 1, a, "pads")), v[0].dim()
    axes = [x % rank for x in _listed(v[3])] if len(v) > 3 and v[3] is not None else list(range(rank))
    around = {axis: (pads[i], pads[len(axes) + i]) for i, axis in enumerate(axes)}
    flat = [p for axis in reversed(range(rank)) for p in around.get(axis, (0, 0))]
    return functional.pad(v[0], flat, value=float(v[2]) if len(v) > 2 and v[2] is not None else a.get("value", 0.0))


def _clip(v: Values, a: Attributes) -> Tensor:
    low, high = _given(v, 1, a, "min"), _given(v, 2, a, "max")
    found = v[0] if low is None else torch.clamp(v[0], min=float(low))
    return found if high is None else torch.clamp(found, max=float(high))


def _gather(v: Values, a: Attributes) -> Tensor:
    axis = a.get("axis", 0)
    if isinstance(v[1], int):
        return v[0].select(axis, v[1] % v[0].shape[axis])
    at = torch.tensor([i % v[0].shape[axis] for i in _listed(v[1])])
    return torch.index_select(v[0], axis, at)


def _prelu(v: Values, _: Attributes) -> Tensor:
    return functional.relu(v[0]) - v[1] * functional.relu(-v[0])


def _cast(v: Values, a: Attributes) -> Tensor:
    if a["to"] != onnx.TensorProto.FLOAT:
        raise ValueError("only casts to float32 can be rebuilt")
    return v[0].to(torch.float32)


def _hard_sigmoid(v: Values, a: Attributes) -> Tensor:
    return torch.clamp(v[0] * a.get("alpha", 0.2) + a.get("beta", 0.5), 0.0, 1.0)


def _gelu(v: Values, a: Attributes) -> Tensor:
    return functional.gelu(v[0], approximate=a.get("approximate", b"none").decode())


def _unary(function: Callable[[Tensor], Tensor]) -> Operator:
    return lambda v, _: function(v[0])


def _binary(function: Callable[[Any, Any], Tensor]) -> Operator:
    return lambda v, _: function(v[0], v[1])


OPERATORS: dict[str, Operator] = {
    "Abs": _unary(torch.abs),
    "Add": _binary(torch.add),
    "AveragePool": _average_pool,
    "BatchNormalization": _batch_normalization,
    "Cast": _cast,
    "Clip": _clip,
    "Concat": lambda v, a: torch.cat(v, dim=a["axis"]),
    "Conv": _conv,
    "Cos": _unary(torch.cos),
    "Div": _binary(torch.div),
    "Elu": lambda v, a: functional.elu(v[0], a.get("alpha", 1.0)),
    "Erf": _unary(torch.erf),
    "Exp": _unary(torch.exp),
    "Expand": lambda v, _: v[0].expand(torch.broadcast_shapes(v[0].shape, tuple(_listed(v[1])))),
    "Flatten": _flatten,
    "Gather": _gather,
    "Gelu": _gelu,
    "Gemm": _gemm,
    "GlobalAveragePool": lambda v, _: torch.mean(v[0], dim=list(range(2, v[0].dim())), keepdim=True),
    "GlobalMaxPool": lambda v, _: torch.amax(v[0], dim=list(range(2, v[0].dim())), keepdim=True),
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _unary(functional.hardswish),
    "Identity": _unary(lambda x: x),
    "LayerNormalization": _layer_normalization,
    "LeakyRelu": lambda v, a: functional.leaky_relu(v[0], a.get("alpha", 0.01)),
    "Log": _unary(torch.log),
    "MatMul": _binary(torch.matmul),
    "Max": _many(torch.maximum),
    "MaxPool": _max_pool,
    "Mean": lambda v, _: sum(v) / len(v),
    "Min": _many(torch.minimum),
    "Mul": _binary(torch.mul),
    "Neg": _unary(torch.neg),
    "PRelu": _prelu,
    "Pad": _pad,
    "Pow": _binary(torch.pow),
    "Reciprocal": _unary(torch.reciprocal),
    "ReduceMax": _reduction(torch.amax),
    "ReduceMean": _reduction(torch.mean),
    "ReduceMin": _reduction(torch.amin),
    "ReduceSum": _reduction(torch.sum),
    "Relu": _unary(functional.relu),
    "Reshape": _reshape,
    "Sigmoid": _unary(torch.sigmoid),
    "Sin": _unary(torch.sin),
    "Slice": _slice,
    "Softmax": lambda v, a: torch.softmax(v[0], dim=a.get("axis", -1)),
    "Softplus": _unary(functional.softplus),
    "Split": _split,
    "Sqrt": _unary(torch.sqrt),
    "Squeeze": _squeeze,
    "Sub": _binary(torch.sub),
    "Sum": _many(torch.add),
    "Tanh": _unary(torch.tanh),
    "Tile": lambda v, _: v[0].repeat(_listed(v[1])),
    "Transpose": lambda v, a: v[0].permute(list(a.get("perm", reversed(range(v[0].dim()))))),
    "Unsqueeze": _unsqueeze,
}  # fmt: skip
