"""Operators that compute, in torch, and the table of all.

Source: the operators of ONNX opset 21.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import onnx
import torch
from torch import Tensor
from torch.nn import functional

from .moves import MOVES, Attributes, Values, Whole, given, listed

Operator = Callable[[Values, Attributes], Any]

#: inputs that torch wants as plain numbers
LITERALS: dict[str, tuple[int, ...]] = {"Clip": (1, 2), "Pad": (2,)}


def _axes(values: Values, attributes: Attributes) -> list[int]:
    found = given(values, 1, attributes, "axes")
    return list(range(values[0].dim())) if not found else listed(found)


def _reduction(reduce: Callable[..., Tensor]) -> Operator:
    def over(v: Values, a: Attributes) -> Tensor:
        if a.get("noop_with_empty_axes") and not given(v, 1, a, "axes"):
            return v[0]
        return reduce(v[0], dim=_axes(v, a), keepdim=bool(a.get("keepdims", 1)))

    return over


def _many(both: Callable[[Tensor, Tensor], Tensor]) -> Operator:
    def over(v: Values, _: Attributes) -> Tensor:
        total: Tensor = v[0]
        for value in v[1:]:
            total = both(total, value)
        return total

    return over


def _pads(v: Values, a: Attributes, kernel: list[int]) -> list[int]:
    """Return the padding before each axis, then after each."""
    spatial = len(kernel)
    pads = list(a.get("pads", [0] * 2 * spatial))
    if a.get("ceil_mode") and any(pads):
        raise ValueError("padding together with ceil_mode cannot be rebuilt")
    mode = a.get("auto_pad", b"NOTSET").decode()
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        strides, dilations = a.get("strides", [1] * spatial), a.get("dilations", [1] * spatial)
        for i in range(spatial):
            size = v[0].shape[2 + i]
            wanted = (-(-size // strides[i]) - 1) * strides[i] + (kernel[i] - 1) * dilations[i] + 1
            extra = max(0, wanted - size)
            small, large = extra // 2, extra - extra // 2
            pads[i], pads[spatial + i] = (small, large) if mode == "SAME_UPPER" else (large, small)
    return pads


def _window(v: Values, a: Attributes, kernel: list[int]) -> tuple[Tensor, list[int]]:
    """Return the input, padded by zeros, and the padding that is left for the operator itself: the even one."""
    pads, spatial = _pads(v, a, kernel), len(kernel)
    if pads[:spatial] == pads[spatial:]:
        return v[0], pads[:spatial]
    flat = [p for i in reversed(range(spatial)) for p in (pads[i], pads[spatial + i])]
    return functional.pad(v[0], flat), [0] * spatial


def _by_rank(what: str, kernel: list[int], *functions: Any) -> Any:
    """Return the function for this number of axes."""
    if len(kernel) > len(functions):
        raise ValueError(f"{what} over {len(kernel)} axes cannot be rebuilt")
    return functions[len(kernel) - 1]


def _conv(v: Values, a: Attributes) -> Tensor:
    kernel = list(v[1].shape[2:])
    convolve = _by_rank("Conv", kernel, functional.conv1d, functional.conv2d)
    x, pads = _window(v, a, kernel)
    ones = [1] * len(kernel)
    bias = v[2] if len(v) > 2 else None
    strides, dilations = list(a.get("strides", ones)), list(a.get("dilations", ones))
    return convolve(x, v[1], bias, strides, pads, dilations, a.get("group", 1))


def _max_pool(v: Values, a: Attributes) -> Tensor:
    kernel = list(a["kernel_shape"])
    pool = _by_rank("MaxPool", kernel, functional.max_pool1d, functional.max_pool2d)
    ones, spatial, x = [1] * len(kernel), len(kernel), v[0]
    pads, dilations = _pads(v, a, kernel), list(a.get("dilations", ones))
    own = pads[:spatial]
    if own != pads[spatial:] or any(2 * p > size for p, size in zip(own, kernel, strict=True)):
        if dilations != ones:
            raise ValueError("MaxPool with gaps and uneven padding cannot be rebuilt")
        for i in range(spatial):  # a window that reaches out has the edge in it, so the edge again changes nothing
            axis, size = 2 + i, x.shape[2 + i]
            first, last = x.narrow(axis, 0, 1), x.narrow(axis, size - 1, 1)
            x = torch.cat([first] * pads[i] + [x] + [last] * pads[spatial + i], dim=axis)
        own = [0] * spatial
    return pool(x, kernel, list(a.get("strides", ones)), own, dilations, bool(a.get("ceil_mode", 0)))


def _average_pool(v: Values, a: Attributes) -> Tensor:
    kernel = list(a["kernel_shape"])
    pool = _by_rank("AveragePool", kernel, functional.avg_pool1d, functional.avg_pool2d)
    ones = [1] * len(kernel)
    if list(a.get("dilations", ones)) != ones:
        raise ValueError("AveragePool with gaps cannot be rebuilt")
    x, pads = _window(v, a, kernel)
    rest, ceil = [p for p in reversed(pads) for _ in (0, 1)], bool(a.get("ceil_mode", 0))

    def mean(value: Tensor) -> Tensor:
        return pool(functional.pad(value, rest), kernel, list(a.get("strides", ones)), 0, ceil, True)

    if a.get("count_include_pad", 0) or (x is v[0] and not any(pads)):
        return mean(x)
    there = _window([torch.ones(v[0].shape)], a, kernel)[0]
    return mean(x) / mean(there)  # what lies outside counts for nothing


def _batch_normalization(v: Values, a: Attributes) -> Tensor:
    if a.get("training_mode"):
        raise ValueError("BatchNormalization in training cannot be rebuilt")
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


def _clip(v: Values, a: Attributes) -> Tensor:
    low, high = given(v, 1, a, "min"), given(v, 2, a, "max")
    found = v[0] if low is None else torch.clamp(v[0], min=low)
    return found if high is None else torch.clamp(found, max=high)


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


OPERATORS: dict[str, Operator] = MOVES | {
    "Abs": _unary(torch.abs),
    "Add": _binary(torch.add),
    "AveragePool": _average_pool,
    "BatchNormalization": _batch_normalization,
    "Cast": _cast,
    "Clip": _clip,
    "Conv": _conv,
    "Cos": _unary(torch.cos),
    "Div": _binary(torch.div),
    "Elu": lambda v, a: functional.elu(v[0], a.get("alpha", 1.0)),
    "Erf": _unary(torch.erf),
    "Exp": _unary(torch.exp),
    "Gelu": _gelu,
    "Gemm": _gemm,
    "GlobalAveragePool": lambda v, _: torch.mean(v[0], dim=list(range(2, v[0].dim())), keepdim=True),
    "GlobalMaxPool": lambda v, _: torch.amax(v[0], dim=list(range(2, v[0].dim())), keepdim=True),
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _unary(functional.hardswish),
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
    "Pow": lambda v, _: torch.pow(v[0], torch.tensor(v[1]) if isinstance(v[1], Whole) else v[1]),
    "Reciprocal": _unary(torch.reciprocal),
    "ReduceMax": _reduction(torch.amax),
    "ReduceMean": _reduction(torch.mean),
    "ReduceMin": _reduction(torch.amin),
    "ReduceSum": _reduction(torch.sum),
    "Relu": _unary(functional.relu),
    "Sigmoid": _unary(torch.sigmoid),
    "Sin": _unary(torch.sin),
    "Softmax": lambda v, a: torch.softmax(v[0], dim=a.get("axis", -1)),
    "Softplus": _unary(functional.softplus),
    "Sqrt": _unary(torch.sqrt),
    "Sub": _binary(torch.sub),
    "Sum": _many(torch.add),
    "Tanh": _unary(torch.tanh),
}
