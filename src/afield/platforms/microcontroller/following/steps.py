"""What may happen to one number or text on its way through a graph, computed in numpy as the operators state it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from afield.platforms.microcontroller.ir import Array, Attribute, DType

#: operators of two inputs, one of which may be a constant
BINARY = {
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide, "Min": np.minimum, "Max": np.maximum,
    "Equal": np.equal, "Less": np.less, "Greater": np.greater, "LessOrEqual": np.less_equal,
    "GreaterOrEqual": np.greater_equal, "And": np.logical_and, "Or": np.logical_or,
}  # fmt: skip
UNARY = {"IsNaN": np.isnan, "Not": np.logical_not, "Abs": np.abs, "Neg": np.negative, "Sign": np.sign}
LABELS = "ai.onnx.ml.LabelEncoder"


@dataclass(frozen=True)
class Step:
    """One operator on one element.

    Parameters
    ----------
    op : str
        As in ``ir.Node``.
    constant : scalar, array or None
        The other operand; of Gather the table [rows] that is looked up.
    left : bool
        Whether the constant is the first operand.
    dtype : DType
        Of the result.
    attributes : mapping or None
        Of the node, where the operator has such.
    """

    op: str
    constant: Any = None
    left: bool = False
    dtype: DType = DType.FLOAT32
    attributes: Mapping[str, Attribute] | None = None

    def __call__(self, values: Array) -> Array:
        """Return the results for many values of the element."""
        with np.errstate(all="ignore"):
            return self._computed(values)

    def _computed(self, values: Array) -> Array:
        if self.op == "Cast":
            return values.astype(self.dtype.numpy)
        if self.op == "StringConcat":
            pairs = ((self.constant, v) if self.left else (v, self.constant) for v in values)
            return np.array([a + b for a, b in pairs], dtype=object)
        if self.op == LABELS:
            keys, results, default = table_of(self.attributes or {})
            known = dict(zip(keys, results, strict=True))
            return np.array([known.get(v, default) for v in values], dtype=self.dtype.numpy)
        if self.op == "Gather":
            return np.asarray(self.constant)[values]
        if self.op in UNARY:
            return np.asarray(UNARY[self.op](values))
        sides = (self.constant, values) if self.left else (values, self.constant)
        return np.asarray(BINARY[self.op](*sides))

    @property
    def rising(self) -> bool:
        """Whether a larger number never gives a smaller one, and NaN stays NaN."""
        if self.op == "Cast":
            return self.dtype.is_float
        if self.op in ("Add", "Min", "Max"):
            return not np.isnan(self.constant)
        if self.op == "Sub":
            return not self.left and bool(np.isfinite(self.constant))
        if self.op in ("Mul", "Div"):
            return not self.left and bool(np.isfinite(self.constant)) and bool(self.constant > 0)
        return False


def run(steps: tuple[Step, ...], values: Array) -> Array:
    """Return what all steps make of many values."""
    for step in steps:
        values = step(values)
    return values


def table_of(attributes: Mapping[str, Attribute]) -> tuple[list[Any], list[Any], Any]:
    """Return keys, values and the default of a LabelEncoder, whichever attributes hold them."""

    def found(side: str) -> tuple[str, list[Any]]:
        for name in ("strings", "int64s", "floats", "tensor"):
            value = attributes.get(f"{side}_{name}")
            if isinstance(value, tuple) and value:
                return name, list(value)
            if isinstance(value, np.ndarray):
                return name, value.ravel().tolist()
        return "", []

    _, keys = found("keys")
    kind, values = found("values")
    given = (
        attributes.get("default_tensor") if kind == "tensor" else attributes.get(f"default_{kind.removesuffix('s')}")
    )
    default = given.ravel()[0].item() if isinstance(given, np.ndarray) else given
    return keys, values, default
