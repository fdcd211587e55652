"""The compiler's own small graph: typed tensors of known shape, and nodes over them.

ONNX is read once (``reading``) and never seen again: passes, plan and operators know these four classes only. All are
frozen; a pass returns a new graph. ``validity`` says what every graph must satisfy, and tests run it between passes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
#: what an attribute may hold; lists come as tuples, tensors as arrays
Attribute = int | float | str | bool | tuple[Any, ...] | Array | None


class DType(Enum):
    """An element type: its name, its C type, its size in bytes on every device (string: none)."""

    FLOAT32 = ("float32", "float", 4)
    FLOAT64 = ("float64", "double", 8)
    INT8 = ("int8", "int8_t", 1)
    UINT8 = ("uint8", "uint8_t", 1)
    INT16 = ("int16", "int16_t", 2)
    UINT16 = ("uint16", "uint16_t", 2)
    INT32 = ("int32", "int32_t", 4)
    UINT32 = ("uint32", "uint32_t", 4)
    INT64 = ("int64", "int64_t", 8)
    UINT64 = ("uint64", "uint64_t", 8)
    BOOL = ("bool", "uint8_t", 1)  # 0 or 1
    STRING = ("string", "", 0)  # until tabular.py has made codes of it

    def __init__(self, label: str, c: str, size_bytes: int) -> None:
        self.label, self.c, self.size_bytes = label, c, size_bytes

    @property
    def numpy(self) -> np.dtype[Any]:
        """The numpy type; object for strings."""
        return np.dtype(object if self is DType.STRING else self.label)

    @property
    def is_float(self) -> bool:
        """Whether it has a fraction."""
        return self in (DType.FLOAT32, DType.FLOAT64)

    @classmethod
    def of(cls, array: Array) -> DType:
        """Return the type of an array's elements; KeyError where there is none."""
        return cls.named("string" if array.dtype.kind in "OUST" else array.dtype.name)

    @classmethod
    def named(cls, label: str) -> DType:
        """Return the type with this label; KeyError where there is none."""
        for one in cls:
            if one.label == label:
                return one
        raise KeyError(label)


@dataclass(frozen=True, kw_only=True)
class Quantisation:
    """How integers stand for real numbers: real = (integer - zero_point) * scale.

    Parameters
    ----------
    scale : float32 array, [] or [channels]
    zero_point : integer array of the same shape
    axis : int
        Axis of the channels; 0 for one scale.
    """

    scale: Array
    zero_point: Array
    axis: int = 0


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """A value: constant where ``value`` is given, otherwise computed or an input.

    Parameters
    ----------
    name : str
        Unique in the graph.
    dtype : DType
    shape : tuple of int
        Static, every extent at least 0; elements lie in row-major order.
    value : array or None
        Of ``dtype`` and ``shape`` where the tensor is a constant.
    quantisation : Quantisation or None
    """

    name: str
    dtype: DType
    shape: tuple[int, ...]
    value: Array | None = field(default=None, compare=False)
    quantisation: Quantisation | None = field(default=None, compare=False)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def size_bytes(self) -> int:
        """Bytes that the elements take."""
        return self.size * self.dtype.size_bytes

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.shape)


@dataclass(frozen=True, kw_only=True)
class Node:
    """One operation.

    Parameters
    ----------
    op : str
        The operator in the compiler's canonical form: an ONNX name, prefixed by its domain and a dot when that is not
        ai.onnx (``ai.onnx.ml.TreeEnsemble``), or a form of our own, such as ``View``.
    name : str
        Where it came from, for comments and messages.
    inputs, outputs : tuple of str
        Names of tensors; ``""`` for an optional input that is absent or an output that nobody reads.
    attributes : mapping
        Defaults of ONNX are filled in.
    """

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)

    def changed(self, **attributes: Attribute) -> Node:
        """Return the node with some attributes set."""
        return replace(self, attributes={**self.attributes, **attributes})


@dataclass(frozen=True, kw_only=True)
class Graph:
    """A whole network.

    Parameters
    ----------
    name : str
    nodes : tuple of Node
        In an order in which they can run.
    tensors : mapping of str to Tensor
        Every name that a node, an input or an output mentions.
    inputs, outputs : tuple of str
    """

    name: str
    nodes: tuple[Node, ...]
    tensors: Mapping[str, Tensor]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def producers(self) -> dict[str, Node]:
        """Return the node that writes each tensor."""
        return {name: node for node in self.nodes for name in node.outputs if name}

    def readers(self) -> dict[str, list[Node]]:
        """Return the nodes that read each tensor, each node once, in order; graph outputs are not among them."""
        found: dict[str, list[Node]] = {name: [] for name in self.tensors}
        for node in self.nodes:
            for name in dict.fromkeys(filter(None, node.inputs)):
                found[name].append(node)
        return found

    def constant(self, name: str) -> Array | None:
        """Return the value of a constant, or None."""
        return self.tensors[name].value if name else None

    def edited(
        self, nodes: Iterable[Node] | None = None, tensors: Iterable[Tensor] = (), outputs: Iterable[str] | None = None
    ) -> Graph:
        """Return the graph with other nodes, with tensors added or replaced, without tensors that nothing mentions."""
        kept = tuple(self.nodes if nodes is None else nodes)
        out = tuple(self.outputs if outputs is None else outputs)
        known = {**self.tensors, **{t.name: t for t in tensors}}
        named = dict.fromkeys([*self.inputs, *out, *(n for node in kept for n in (*node.inputs, *node.outputs))])
        return replace(self, nodes=kept, outputs=out, tensors={n: known[n] for n in named if n})

    def fresh(self, stem: str, taken: Iterable[str] = ()) -> str:
        """Return a tensor name that is not used yet."""
        used = {*taken}
        count = 0
        name = stem
        while name in self.tensors or name in used:
            count += 1
            name = f"{stem}_{count}"
        return name
