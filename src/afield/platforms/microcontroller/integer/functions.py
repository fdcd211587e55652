"""Functions of one quantised tensor: what elementwise operators make of each of its 256 bytes, in float64.

A whole chain is one function, such as ``x * Sigmoid(x)`` or a GELU that was written out, and becomes one table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from afield.platforms.microcontroller.integer.quantised import Activation, Constant, Scale, limits
from afield.platforms.microcontroller.ir import Array, Attribute, Graph, Node

Attributes = Mapping[str, Attribute]
#: nodes in a chain, counted along its longest path
_DEEPEST = 24


@dataclass(frozen=True, kw_only=True)
class Function:
    """A tensor of bytes, and the real number that each byte, from the least on, becomes: float64 [256]."""

    of: Activation
    values: Array


def reals(scale: Scale) -> Array:
    """Return the real number behind each byte, from the least on, float64 [256]."""
    least, most = limits(scale.dtype)
    return (np.arange(least, most + 1) - scale.zero) * scale.step


def function_of(
    graph: Graph,
    producers: Mapping[str, Node],
    activations: Mapping[str, Activation],
    constants: Mapping[str, Constant],
    name: str,
) -> Function | None:
    """Return a value as a function of one quantised tensor of its own shape; None where it is none.

    Parameters
    ----------
    activations, constants : mapping
        What stands behind dequantised values, by their names.
    """
    found: dict[str, Activation] = {}
    shape = graph.tensors[name].shape

    def value(name: str, depth: int) -> Array | None:
        if name in activations:
            of = activations[name]
            found[of.name] = of
            return reals(of.scale) if len(found) == 1 and graph.tensors[name].shape == shape else None
        constant = constants[name].real() if name in constants else graph.constant(name)
        if constant is not None:
            return constant.astype(np.float64).reshape(()) if constant.size == 1 and constant.dtype != object else None
        node = producers.get(name)
        if node is None or node.op not in FUNCTIONS or depth == _DEEPEST:
            return None
        given = [value(n, depth + 1) for n in node.inputs if n]
        if any(g is None for g in given) or len(given) != (2 if node.op in _OF_TWO else 1):
            return None
        with np.errstate(all="ignore"):  # an infinity is cut to the range, no number is refused below
            return FUNCTIONS[node.op](node.attributes, *(g for g in given if g is not None))

    got = value(name, 0)
    if got is None or len(found) != 1 or np.isnan(got).any():
        return None
    (of,) = found.values()
    return Function(of=of, values=np.broadcast_to(got, (256,)))


def _number(attributes: Attributes, name: str, default: float) -> float:
    value = attributes.get(name, default)
    return float(np.float32(value)) if isinstance(value, int | float) else default


def _elu(v: Array, alpha: float) -> Array:
    return np.where(v < 0, alpha * np.expm1(np.minimum(v, 0)), v)


def _softplus(v: Array) -> Array:
    return np.logaddexp(v, 0.0)


def _sigmoid(v: Array) -> Array:
    return 1 / (1 + np.exp(-v))


def _erf(v: Array) -> Array:
    return np.vectorize(math.erf, otypes=[np.float64])(v)


def _gelu(a: Attributes, v: Array) -> Array:
    if a.get("approximate") == "tanh":
        return 0.5 * v * (1 + np.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3)))
    return 0.5 * v * (1 + _erf(v / math.sqrt(2)))


def _clip(a: Attributes, v: Array) -> Array:
    low, high = a.get("min"), a.get("max")
    v = np.maximum(v, low) if isinstance(low, int | float) else v
    return np.minimum(v, high) if isinstance(high, int | float) else v


_OF_ONE: dict[str, Callable[[Attributes, Array], Array]] = {
    "Relu": lambda a, v: np.maximum(v, 0),
    "Clip": _clip,
    "Sigmoid": lambda a, v: _sigmoid(v),
    "Tanh": lambda a, v: np.tanh(v),
    "Elu": lambda a, v: _elu(v, _number(a, "alpha", 1.0)),
    "Celu": lambda a, v: _elu(v / _number(a, "alpha", 1.0), 1.0) * _number(a, "alpha", 1.0),
    "Selu": lambda a, v: (
        _number(a, "gamma", 1.05070102214813232421875) * _elu(v, _number(a, "alpha", 1.67326319217681884765625))
    ),
    "Gelu": _gelu,
    "HardSwish": lambda a, v: v * np.clip(v / 6 + 0.5, 0, 1),
    "HardSigmoid": lambda a, v: np.clip(_number(a, "alpha", 0.2) * v + _number(a, "beta", 0.5), 0, 1),
    "LeakyRelu": lambda a, v: np.where(v < 0, _number(a, "alpha", 0.01) * v, v),
    "ThresholdedRelu": lambda a, v: np.where(v > _number(a, "alpha", 1.0), v, 0),
    "Softplus": lambda a, v: _softplus(v),
    "Softsign": lambda a, v: v / (1 + np.abs(v)),
    "Mish": lambda a, v: v * np.tanh(_softplus(v)),
    "Swish": lambda a, v: v * _sigmoid(_number(a, "alpha", 1.0) * v),
    "Erf": lambda a, v: _erf(v),
    "Abs": lambda a, v: np.abs(v),
    "Neg": lambda a, v: -v,
    "Exp": lambda a, v: np.exp(v),
    "Log": lambda a, v: np.log(v),
    "Sqrt": lambda a, v: np.sqrt(v),
    "Reciprocal": lambda a, v: 1 / v,
}
_OF_TWO: dict[str, Callable[[Attributes, Array, Array], Array]] = {
    "Add": lambda a, v, w: v + w,
    "Sub": lambda a, v, w: v - w,
    "Mul": lambda a, v, w: v * w,
    "Div": lambda a, v, w: v / w,
    "Pow": lambda a, v, w: v**w,
    "Min": lambda a, v, w: np.minimum(v, w),
    "Max": lambda a, v, w: np.maximum(v, w),
    "PRelu": lambda a, v, w: np.where(v < 0, v * w, v),
}
#: elementwise operators that may stand in a function
FUNCTIONS: dict[str, Callable[..., Array]] = {**_OF_ONE, **_OF_TWO}
