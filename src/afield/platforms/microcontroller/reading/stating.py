"""A node as ONNX states it, typed but not yet in canonical form, and how to read it while making that form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from afield.platforms.microcontroller.ir import Array, Attribute, DType, Node, Tensor


class NotStatic(Exception):  # noqa: N818 - a reason, caught where the node is read
    """Why a node cannot be made into C; the text goes to the user."""


@dataclass(frozen=True, kw_only=True)
class Stated:
    """A node of the file.

    Parameters
    ----------
    op : str
        With its domain, as in ``ir.Node``.
    version : int
        Of the operator: the opset in which its present form began.
    name, inputs, outputs, attributes
        As in ``ir.Node``.
    tensors : mapping
        All that is known so far, this node's outputs included.
    added : list of Tensor
        What the canonical form needs beyond that.
    """

    op: str
    version: int
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]
    tensors: Mapping[str, Tensor]
    added: list[Tensor] = field(default_factory=list)

    def tensor(self, index: int = 0) -> Tensor:
        """Return an input that must be there."""
        if index >= len(self.inputs) or not self.inputs[index]:
            raise NotStatic(f"input {index} is missing.")
        return self.tensors[self.inputs[index]]

    def output(self, index: int = 0) -> Tensor:
        """Return an output."""
        return self.tensors[self.outputs[index]]

    def has(self, index: int) -> bool:
        """Return whether an optional input is there."""
        return index < len(self.inputs) and bool(self.inputs[index])

    def constant(self, index: int, what: str) -> Array | None:
        """Return a constant input, None where it is absent; refuses one that is computed."""
        if not self.has(index):
            return None
        value = self.tensor(index).value
        if value is None:
            raise NotStatic(f"its {what} must be constant; export the model with a fixed {what}.")
        return value

    def integers(self, key: str, index: int = -1, what: str = "") -> tuple[int, ...] | None:
        """Return a list given as an attribute, or by later versions as input ``index``; None where absent."""
        value = self.attributes.get(key)
        if isinstance(value, tuple):
            return tuple(int(v) for v in value)
        if isinstance(value, int):
            return (value,)
        array = self.constant(index, what or key) if index >= 0 else None
        return None if array is None else tuple(int(v) for v in np.ravel(array))

    def axis(self, default: int, rank: int | None = None, key: str = "axis") -> int:
        """Return an axis counted from 0."""
        value = self.attributes.get(key, default)
        axis = int(value) if isinstance(value, int | float) else default
        known = self.tensor(0).rank if rank is None else rank
        if not -known <= axis < max(known, 1):
            raise NotStatic(f"axis {axis} is outside the rank {known}.")
        return axis + known if axis < 0 else axis

    def add(self, stem: str, dtype: DType, shape: tuple[int, ...], value: Array | None = None) -> str:
        """Add a tensor under a name made from ``stem``; returns the name."""
        known = {t.name for t in self.added}
        name, count = f"{self.outputs[0]}_{stem}", 1
        while name in self.tensors or name in known:
            count += 1
            name = f"{self.outputs[0]}_{stem}{count}"
        self.added.append(Tensor(name=name, dtype=dtype, shape=shape, value=value))
        return name

    def node(
        self,
        op: str = "",
        inputs: tuple[str, ...] | None = None,
        outputs: tuple[str, ...] | None = None,
        **attributes: Attribute,
    ) -> Node:
        """Return a node of the graph; what is not given is this node's own, attributes only where op is not given."""
        own = {} if op else dict(self.attributes)
        return Node(
            op=op or self.op,
            name=self.name,
            inputs=self.inputs if inputs is None else inputs,
            outputs=self.outputs if outputs is None else outputs,
            attributes={**own, **attributes},
        )
