"""Integer forms of single operators: what stands between quantised inputs and a quantised output.

Each function returns the node and its constants, or None where the operator must stay in real numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from afield.platforms.microcontroller.integer.fixed import ADD_BITS, SUM_LIMIT, quantised, scaling
from afield.platforms.microcontroller.integer.quantised import Activation, Constant, Scale, limits
from afield.platforms.microcontroller.ir import Array, Attribute, Node

Made = tuple[Node, dict[str, Array]]
_PLANE = 4  # axes of the weights of a 2-D convolution
#: the table of softmax has 16 bits; more elements than this would overflow 32 bits of sum
SOFTMAX_MOST, SOFTMAX_STEPS = 4095, 4096


@dataclass(frozen=True, kw_only=True)
class Result:
    """Where a result goes: tensor, scale, and the range that activations leave."""

    name: str
    scale: Scale
    low: int
    high: int

    def attributes(self) -> dict[str, Attribute]:
        """Return them as a node bears them."""
        return {"y_zero": self.scale.zero, "low": self.low, "high": self.high}


def result(name: str, scale: Scale, activations: Sequence[Node]) -> Result:
    """Return the range of bytes that Relu and Clip leave, whatever their order."""
    least, most = limits(scale.dtype)
    low, high = least, most
    for node in activations:
        bottom, top = (0.0, None) if node.op == "Relu" else (node.attributes.get("min"), node.attributes.get("max"))
        if isinstance(bottom, int | float):
            low = max(low, int(quantised(np.asarray(bottom, np.float64), scale.step, scale.zero, least, most)))
        if isinstance(top, int | float):
            high = min(high, int(quantised(np.asarray(top, np.float64), scale.step, scale.zero, least, most)))
    return Result(name=name, scale=scale, low=min(low, high), high=high)


def layer(node: Node, x: Activation, w: Constant, bias: Array | None, to: Result) -> Made | None:
    """Return a convolution or dense layer; weights come with their outputs first, ``bias`` as real numbers."""
    outs = w.value.shape[0]
    if (w.step.ndim and w.axis != 0) or w.value.min(initial=0) < -128 or w.value.max(initial=0) > 127:
        return None
    steps = np.broadcast_to(x.scale.step * w.step, (outs,))
    found = scaling(steps / to.scale.step)
    if found is None or (steps <= 0).any():
        return None
    whole = np.zeros(outs) if bias is None else np.rint(bias / steps)
    flat = np.abs(w.value).reshape(outs, -1).sum(axis=1)
    if ((np.abs(whole) + flat * (255 + 128)) * 2**found.shift).max(initial=0) >= SUM_LIMIT:
        return None
    each = found.multiplier
    constants: dict[str, Array] = {
        "weights": w.value.astype(np.int8),
        "bias": whole.astype(np.int32),
        "multiplier": each[:1] if (each == each[0]).all() else each,
    }
    op = "IntegerDense" if node.op != "Conv" else "IntegerConv" if _is_fast(node, w.value) else "IntegerGroupedConv"
    attributes = {"transB": 1} if op == "IntegerDense" else dict(node.attributes)
    attributes |= to.attributes() | {"x_zero": x.scale.zero, "shift": found.shift}
    return Node(op=op, name=node.name, inputs=(x.name,), outputs=(to.name,), attributes=attributes), constants


def _is_fast(node: Node, weights: Array) -> bool:
    """Return whether a convolution has one of the fast kernels: one group, or one channel in each."""
    group, dilations = node.attributes.get("group", 1), node.attributes.get("dilations")
    depthwise = group == weights.shape[0] and weights.shape[1] == 1 and not (isinstance(dilations, tuple) and any(
        d != 1 for d in dilations))  # fmt: skip
    return weights.ndim <= _PLANE and (group == 1 or depthwise)


def addition(node: Node, a: Activation, b: Activation, to: Result) -> Made | None:
    """Return a sum, or difference, of two tensors of one shape: (a * m + b * n + c) >> bits."""
    ratios = [a.scale.step / to.scale.step, b.scale.step / to.scale.step * (-1 if node.op == "Sub" else 1)]
    bits = ADD_BITS
    while max(map(abs, ratios)) * 2.0**bits >= 2.0 ** (ADD_BITS - 1):
        bits -= 1
    if bits < 1:
        return None
    m, n = (int(np.rint(r * 2.0**bits)) for r in ratios)
    offset = (to.scale.zero << bits) + (1 << (bits - 1)) - a.scale.zero * m - b.scale.zero * n
    least = offset + sum(min(k * v for v in limits(t.scale.dtype)) for k, t in ((m, a), (n, b)))
    most = offset + sum(max(k * v for v in limits(t.scale.dtype)) for k, t in ((m, a), (n, b)))
    if max(abs(least), abs(most), abs(offset)) + max(abs(m), abs(n)) * 256 >= SUM_LIMIT:
        return None
    attributes = to.attributes() | {"m": m, "n": n, "offset": offset, "bits": bits}
    return Node(op="IntegerAdd", name=node.name, inputs=(a.name, b.name), outputs=(to.name,),
                attributes=attributes), {}  # fmt: skip


def product(node: Node, a: Activation, b: Activation, to: Result) -> Made | None:
    """Return a product of two tensors, one of which may be repeated along axes."""
    found = scaling(np.asarray([a.scale.step * b.scale.step / to.scale.step]))
    if found is None or 255 * 255 * 2**found.shift >= SUM_LIMIT:
        return None
    attributes = to.attributes() | {"a_zero": a.scale.zero, "b_zero": b.scale.zero, "shift": found.shift,
                                    "multiplier": int(found.multiplier[0])}  # fmt: skip
    return Node(op="IntegerMul", name=node.name, inputs=(a.name, b.name), outputs=(to.name,),
                attributes=attributes), {}  # fmt: skip


def pool(node: Node, x: Activation, to: Result) -> Made | None:
    """Return averages of windows that all count the same number of taps."""
    window, pads = node.attributes.get("kernel_shape"), node.attributes.get("pads")
    if not isinstance(window, tuple) or not isinstance(pads, tuple):
        return None
    padded = any(pads)
    if (padded and not node.attributes.get("count_include_pad")) or node.attributes.get("ceil_mode"):
        return None
    made = mean(node, x, int(np.prod(window)), (), to)
    if made is None:
        return None
    kept = {k: node.attributes[k] for k in ("kernel_shape", "strides", "dilations", "pads")}
    attributes = {k: v for k, v in made[0].attributes.items() if k != "axes"} | kept
    return Node(op="IntegerAveragePool", name=node.name, inputs=(x.name,), outputs=(to.name,),
                attributes=attributes), {}  # fmt: skip


def mean(node: Node, x: Activation, count: int, axes: tuple[int, ...], to: Result) -> Made | None:
    """Return an average over ``count`` elements: their sum, requantised once."""
    found = scaling(np.asarray([x.scale.step / to.scale.step / count]))
    if found is None or count * 255 * 2**found.shift >= SUM_LIMIT:
        return None
    attributes = to.attributes() | {"axes": axes, "x_zero": x.scale.zero, "shift": found.shift,
                                    "multiplier": int(found.multiplier[0])}  # fmt: skip
    return Node(op="IntegerMean", name=node.name, inputs=(x.name,), outputs=(to.name,), attributes=attributes), {}


def softmax(node: Node, x: Activation, count: int, axis: int, to: Result) -> Made | None:
    """Return a softmax by a table of exp(-difference * step), 16 bits, cut where it is 0."""
    factor = int(np.rint(16 / to.scale.step))
    if count > SOFTMAX_MOST or not 0 < factor < 16 * SOFTMAX_STEPS:
        return None
    table = np.rint(65535 * np.exp(-np.arange(256) * x.scale.step)).astype(np.uint16)
    table = table[: max(1, int((table > 0).sum()))]
    attributes = to.attributes() | {"axis": axis, "factor": factor, "table": table}
    return Node(op="IntegerSoftmax", name=node.name, inputs=(x.name,), outputs=(to.name,), attributes=attributes), {}


def table(node: Node, x: Activation, real: Array, to: Result) -> Made:
    """Return a function of one byte as a table; ``real`` holds its value for each byte from the least on."""
    values = quantised(real, to.scale.step, to.scale.zero, to.low, to.high).astype(to.scale.dtype.numpy)
    first = limits(x.scale.dtype)[0]
    return Node(op="IntegerTable", name=node.name, inputs=(x.name,), outputs=(to.name,),
                attributes={"table": values, "first": first}), {}  # fmt: skip
