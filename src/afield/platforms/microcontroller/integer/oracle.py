"""What an integer network answers, to the bit, in numpy: the reference that emitted C is held to.

It runs the rewritten graph and knows nothing of kernels, packing or memory: zero points are subtracted, not folded into
biases, borders are padded with zeros, and all sums are 64 bits wide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from afield.platforms.microcontroller.integer.fixed import requantised, requantised_even
from afield.platforms.microcontroller.ir import Array, Graph
from afield.platforms.microcontroller.operators import Site
from afield.platforms.microcontroller.plan import VIEW

_ZERO = 2  # place of a zero point among inputs


def run(graph: Graph, inputs: Mapping[str, Array]) -> list[Array]:
    """Return the outputs for one row of inputs.

    Raises
    ------
    NotImplementedError
        An operator that computes in real numbers: the oracle is for networks of integers, and for the ends of those
        that speak floats outside.
    """
    values = {name: tensor.value for name, tensor in graph.tensors.items() if tensor.value is not None}
    values |= {name: np.asarray(inputs[name]) for name in graph.inputs}
    for node in graph.nodes:
        site = Site(graph, node)
        given = [values[n] for n in node.inputs if n]
        if node.op not in _OPERATORS:
            raise NotImplementedError(f"the integer reference has no {node.op}")
        values[node.outputs[0]] = computed(site, given)
    return [values[name] for name in graph.outputs]


def computed(at: Site, given: list[Array]) -> Array:
    """Return the output of one operator for its inputs."""
    found: Array = _OPERATORS[at.node.op](at, given)
    return found.reshape(at.output().shape).astype(at.output().dtype.numpy)


def _finished(at: Site, sums: Array, multiplier: Array) -> Array:
    ends = at.integer("y_zero"), at.integer("low"), at.integer("high")
    return requantised(sums, multiplier, at.integer("shift"), *ends)


def _dense(at: Site, given: list[Array]) -> Array:
    x, w, bias, multiplier = given
    sums = (x.astype(np.int64) - at.integer("x_zero")) @ w.astype(np.int64).T + bias.astype(np.int64)
    return _finished(at, sums, multiplier)


def _conv(at: Site, given: list[Array]) -> Array:
    x, w, bias, multiplier = given
    axes, group = w.ndim - 2, at.integer("group", 1)
    pads, strides, dilations = at.integers("pads"), at.integers("strides"), at.integers("dilations")
    out = at.output().shape[1:-1]
    wide = np.pad(x.astype(np.int64) - at.integer("x_zero"),
                  [(0, 0), *((pads[a], pads[a + axes]) for a in range(axes)), (0, 0)])  # fmt: skip
    each = w.shape[0] // group
    sums = np.tile(bias.astype(np.int64), (x.shape[0], *out, 1))
    for tap in np.ndindex(*w.shape[2:]):
        start = [t * d for t, d in zip(tap, dilations, strict=True)]
        window = tuple(
            slice(s, s + (n - 1) * step + 1, step) for s, n, step in zip(start, out, strides, strict=True)
        )  # fmt: skip
        part = wide[(slice(None), *window)].reshape(x.shape[0], *out, group, w.shape[1])
        taken = w[(slice(None), slice(None), *tap)].astype(np.int64).reshape(group, each, w.shape[1])
        sums += np.einsum("...gc,gmc->...gm", part, taken).reshape(sums.shape)
    return _finished(at, sums, multiplier)


def _add(at: Site, given: list[Array]) -> Array:
    a, b = (v.astype(np.int64) for v in given)
    sums = a * at.integer("m") + b * at.integer("n") + at.integer("offset")
    return np.clip(sums >> at.integer("bits"), at.integer("low"), at.integer("high"))


def _mul(at: Site, given: list[Array]) -> Array:
    a, b = (v.astype(np.int64) - at.integer(f"{n}_zero") for n, v in zip("ab", given, strict=True))
    ends = at.integer("y_zero"), at.integer("low"), at.integer("high")
    return requantised(a * b, np.asarray(at.integer("multiplier")), at.integer("shift"), *ends)


def _average(at: Site, given: list[Array]) -> Array:
    x, size = given[0].astype(np.int64) - at.integer("x_zero"), at.integers("kernel_shape")
    pads, strides, dilations = at.integers("pads"), at.integers("strides"), at.integers("dilations")
    axes, out = len(size), at.output().shape[1:-1]
    wide = np.pad(x, [(0, 0), *((pads[a], pads[axes + a]) for a in range(axes)), (0, 0)])
    sums = np.zeros(at.output().shape, np.int64)
    for tap in np.ndindex(*size):
        sums += wide[(slice(None), *(
            slice(t * d, t * d + (n - 1) * s + 1, s) for t, d, n, s in zip(tap, dilations, out, strides, strict=True)
        ))]  # fmt: skip
    ends = at.integer("y_zero"), at.integer("low"), at.integer("high")
    return requantised_even(sums, at.integer("multiplier"), at.integer("shift"), *ends)


def _mean(at: Site, given: list[Array]) -> Array:
    sums = (given[0].astype(np.int64) - at.integer("x_zero")).sum(axis=at.integers("axes"))
    ends = at.integer("y_zero"), at.integer("low"), at.integer("high")
    return requantised_even(sums, at.integer("multiplier"), at.integer("shift"), *ends)


def _table(at: Site, given: list[Array]) -> Array:
    return np.asarray(at.attribute("table"))[given[0].astype(np.int64) - at.integer("first")]


def _softmax(at: Site, given: list[Array]) -> Array:
    x, axis = given[0].astype(np.int64), at.integer("axis")
    exps = np.zeros(256, np.int64)
    stated = np.asarray(at.attribute("table"))
    exps[: len(stated)] = stated
    e = exps[x.max(axis=axis, keepdims=True) - x]
    total = e.sum(axis=axis, keepdims=True)
    shares = (e * at.integer("factor") + total * 8) // (total * 16) + at.integer("y_zero")
    return np.clip(shares, at.integer("low"), at.integer("high"))


def _maximum(at: Site, given: list[Array]) -> Array:
    x, size = given[0], at.integers("kernel_shape")
    pads, strides, dilations = at.integers("pads"), at.integers("strides"), at.integers("dilations")
    axes, out = len(size), at.output().shape[1:-1]
    beyond = [max(0, (n - 1) * s + (k - 1) * d + 1 - m - p) for n, s, k, d, m, p in
              zip(out, strides, size, dilations, x.shape[1:-1], pads, strict=False)]  # fmt: skip
    wide = np.pad(x.astype(np.int64), [(0, 0), *((pads[a], beyond[a]) for a in range(axes)), (0, 0)],
                  constant_values=np.iinfo(x.dtype).min)  # fmt: skip
    best = np.full(at.output().shape, np.iinfo(x.dtype).min, np.int64)
    for tap in np.ndindex(*size):
        window = tuple(
            slice(t * d, t * d + (n - 1) * s + 1, s) for t, d, n, s in zip(tap, dilations, out, strides, strict=True)
        )
        best = np.maximum(best, wide[(slice(None), *window)])
    return best


def _slice(at: Site, given: list[Array]) -> Array:
    starts, steps, shape = at.integers("starts"), at.integers("steps"), at.output().shape
    ranges = [start + step * np.arange(n) for start, step, n in zip(starts, steps, shape, strict=True)]
    return given[0][np.ix_(*ranges)]


def _quantise(at: Site, given: list[Array]) -> Array:
    x, scale = given[0].astype(np.float32), _along(at, given[1])
    info = np.iinfo(at.output().dtype.numpy)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        steps = np.rint(x / scale)  # float32 as in C
        if len(given) > _ZERO:
            steps = steps + _along(at, given[_ZERO]).astype(np.float32)
    return np.where(steps > info.min, np.minimum(steps, info.max), info.min)


def _dequantise(at: Site, given: list[Array]) -> Array:
    x, scale = given[0].astype(np.int64), _along(at, given[1])
    less = x - _along(at, given[_ZERO]).astype(np.int64) if len(given) > _ZERO else x
    return less.astype(np.float32) * scale


def _along(at: Site, value: Array) -> Array:
    """Return scales or zero points so that they broadcast against the input."""
    if value.size == 1:
        return value.reshape(())
    axis = at.integer("axis", 1)
    return value.reshape([-1 if a == axis else 1 for a in range(at.input().rank)])


_OPERATORS: dict[str, Callable[[Site, list[Array]], Array]] = {
    "IntegerDense": _dense,
    "IntegerConv": _conv,
    "IntegerGroupedConv": _conv,
    "IntegerAdd": _add,
    "IntegerMul": _mul,
    "IntegerAveragePool": _average,
    "IntegerMean": _mean,
    "IntegerTable": _table,
    "IntegerSoftmax": _softmax,
    "MaxPool": _maximum,
    "Slice": _slice,
    "Transpose": lambda at, given: given[0].transpose(at.integers("perm")),
    "Concat": lambda at, given: np.concatenate(given, axis=at.integer("axis")),
    VIEW: lambda at, given: given[0],
    "Copy": lambda at, given: given[0],
    "QuantizeLinear": _quantise,
    "DequantizeLinear": _dequantise,
}
#: operators that the reference knows, and those of them that compute in integers
KNOWN = frozenset(_OPERATORS)
INTEGER = frozenset(name for name in _OPERATORS if name.startswith("Integer"))
#: those that only move or compare what they are given
MOVING = KNOWN - INTEGER - {"QuantizeLinear", "DequantizeLinear"}
