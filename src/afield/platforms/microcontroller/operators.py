"""What an operator is, where it stands in a graph, and the registry that finds it by name.

The emitters themselves live in ``ops``, one file each, and do not know one another; see ``ops/__init__.py``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, ClassVar, TypeVar

import numpy as np

from afield.core.lazy import modules
from afield.platforms.microcontroller.ir import Attribute, DType, Graph, Node, Tensor

if TYPE_CHECKING:
    from afield.platforms.microcontroller.emission.kernel import Kernel

PACKAGE = "afield.platforms.microcontroller.ops"


@dataclass(frozen=True)
class Site:
    """A node in its graph: what an operator looks at."""

    graph: Graph
    node: Node

    @property
    def count(self) -> int:
        """Number of inputs, absent ones in the middle included."""
        return len(self.node.inputs)

    def given(self, index: int) -> Tensor | None:
        """Return an input, or None where it is absent."""
        name = self.node.inputs[index] if index < len(self.node.inputs) else ""
        return self.graph.tensors[name] if name else None

    def input(self, index: int = 0) -> Tensor:
        """Return an input that must be there; IndexError where it is not."""
        tensor = self.given(index)
        if tensor is None:
            raise IndexError(f"{self.node.op} {self.node.name!r} has no input {index}")
        return tensor

    def inputs(self) -> list[Tensor]:
        """Return the inputs that are there."""
        return [self.graph.tensors[name] for name in self.node.inputs if name]

    def wants(self, index: int) -> bool:
        """Return whether anybody reads this output."""
        return index < len(self.node.outputs) and bool(self.node.outputs[index])

    def output(self, index: int = 0) -> Tensor:
        """Return an output; IndexError where nobody reads it."""
        if not self.wants(index):
            raise IndexError(f"{self.node.op} {self.node.name!r} has no output {index}")
        return self.graph.tensors[self.node.outputs[index]]

    def attribute(self, name: str, default: Attribute = None) -> Attribute:
        """Return an attribute as it stands."""
        return self.node.attributes.get(name, default)

    def integer(self, name: str, default: int = 0) -> int:
        """Return an integer attribute."""
        value = self.node.attributes.get(name, default)
        return int(value) if isinstance(value, int | float) else default

    def number(self, name: str, default: float = 0.0) -> float:
        """Return a float attribute, rounded to float32 as ONNX stores it."""
        value = self.node.attributes.get(name, default)
        return float(np.float32(value)) if isinstance(value, int | float) else default

    def text(self, name: str, default: str = "") -> str:
        """Return a string attribute."""
        value = self.node.attributes.get(name, default)
        return value if isinstance(value, str) else default

    def integers(self, name: str) -> tuple[int, ...]:
        """Return a list of integers; empty where it is absent."""
        value = self.node.attributes.get(name)
        return tuple(int(v) for v in value) if isinstance(value, tuple) else ()


class Operator(ABC):
    """One operator: what it supports, what it costs, and its C. Has no state."""

    names: ClassVar[tuple[str, ...]]

    def problems(self, at: Site) -> list[str]:
        """Return one sentence for each thing about this node that cannot be done, with what to do; none by default."""
        del at
        return []

    def macs(self, at: Site) -> int:
        """Return multiply-accumulate steps, or comparable work, for one run; an element of the output by default."""
        return sum(at.output(i).size for i in range(len(at.node.outputs)) if at.wants(i))

    def scratch_bytes(self, at: Site) -> int:
        """Return the bytes of working memory that ``emit`` asks for by ``kernel.scratch``; none by default."""
        del at
        return 0

    def overwrites(self, at: Site) -> tuple[int, ...]:
        """Return the inputs over which output 0 may be written because each element is read before its place is.

        The plan uses it only where such an input is not needed any more and is not smaller. None by default.
        """
        del at
        return ()

    def lead_bytes(self, at: Site) -> int | None:
        """Return by how many bytes output 0 must begin before input 0 so that it may be written over what was read.

        Where it does, no byte of the input is written before it was read for the last time. None, the default: never.
        See ``leads``.
        """
        del at
        return None

    @abstractmethod
    def emit(self, at: Site, kernel: Kernel) -> None:
        """Write the C of this node: declare operands, then lines or a snippet."""


Kind = TypeVar("Kind", bound=type[Operator])
_registered: dict[str, Operator] = {}


def register(*names: str) -> Callable[[Kind], Kind]:
    """Register a class for these operators of the canonical form."""

    def enter(kind: Kind) -> Kind:
        kind.names = names
        one = kind()
        for name in names:
            if name in _registered:
                raise ValueError(f"{name} is registered twice: {kind.__module__}")
            _registered[name] = one
        return kind

    return enter


@cache
def registry() -> dict[str, Operator]:
    """Return every operator by its name; imports the whole of ``ops`` once."""
    modules(PACKAGE)
    return dict(sorted(_registered.items()))


def same_types(at: Site, allowed: tuple[DType, ...]) -> list[str]:
    """Return a problem for each input or output whose type is not among ``allowed``."""
    tensors = [*at.inputs(), *(at.output(i) for i in range(len(at.node.outputs)) if at.wants(i))]
    wrong = dict.fromkeys(t.dtype.label for t in tensors if t.dtype not in allowed)
    return [f"{label} is not supported here, only {', '.join(d.label for d in allowed)}" for label in wrong]
