"""What is known of quantised values while a graph is walked: activations with one scale, constants with any."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from afield.platforms.microcontroller.ir import Array, DType, Graph, Node

BYTES = (DType.INT8, DType.UINT8)


def limits(dtype: DType) -> tuple[int, int]:
    """Return the least and the greatest value of an integer type."""
    info = np.iinfo(dtype.numpy)
    return int(info.min), int(info.max)


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How the integers of one tensor stand for real numbers: real = (integer - zero) * step."""

    step: float
    zero: int
    dtype: DType


@dataclass(frozen=True, kw_only=True)
class Activation:
    """A computed tensor of bytes, by name, and its scale."""

    name: str
    scale: Scale


@dataclass(frozen=True, kw_only=True)
class Constant:
    """Constant integers less their zero point, int64, with float64 steps [] or [channels] along ``axis``."""

    value: Array
    step: Array
    axis: int

    def real(self) -> Array:
        """Return the numbers that stand behind it."""
        step = self.step
        if step.ndim:
            step = step.reshape([-1 if a == self.axis else 1 for a in range(self.value.ndim)])
        return self.value * step


def scale_of(graph: Graph, node: Node, first: int = 1, dtype: DType | None = None) -> Scale | None:
    """Return the one scale that inputs ``first`` and ``first + 1`` state; None where it is not constant, or several."""
    step = graph.constant(node.inputs[first])
    name = node.inputs[first + 1] if len(node.inputs) > first + 1 else ""
    zero = graph.constant(name)
    if step is None or step.size != 1 or (name and (zero is None or zero.size != 1)):
        return None
    of = DType.of(zero) if zero is not None else (dtype or DType.UINT8)
    value = float(step.reshape(-1)[0])
    if of not in BYTES or not np.isfinite(value) or value <= 0:
        return None
    return Scale(step=value, zero=int(zero.reshape(-1)[0]) if zero is not None else 0, dtype=of)


def constant_of(graph: Graph, names: tuple[str, ...], axis: int) -> Constant | None:
    """Return the constant that a value, a scale and perhaps a zero point state; None where they are not constant."""
    arrays = [graph.constant(name) for name in names if name]
    value, step = arrays[0], arrays[1]
    zero = arrays[2] if len(arrays) > 2 else np.zeros((), np.int64)
    if value is None or step is None or zero is None or step.ndim > 1 or value.dtype.kind not in "iu":
        return None
    if step.size == 1:
        step, zero = step.reshape(()), zero.reshape(()) if zero.size == 1 else zero
    shift = zero.astype(np.int64)
    if shift.ndim:
        shift = shift.reshape([-1 if a == axis else 1 for a in range(value.ndim)])
    return Constant(value=value.astype(np.int64) - shift, step=step.astype(np.float64), axis=axis)
