"""What is computed in float32 and what stays double.

- Doubles of which ``doubles`` says so stay doubles.
- All others are computed in float32. A constant that is subtracted is split into two floats, so that a number
  beside a large centre keeps its digits: ``x - c`` is ``(x - high) - low``.
- Constants beyond the floats become infinities, which keep what ``Min`` and ``Max`` are for.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from afield.platforms.microcontroller.ir import DType, Graph, Node, Tensor
from afield.platforms.microcontroller.plan import VIEW
from afield.platforms.microcontroller.tabular.doubles import kept

#: operators that take a double where another type comes out
_MIXED = ("Cast", "Ranks", "SignedLog")


def settle(graph: Graph, *, exact: bool = False) -> Graph:
    """Return the graph with every double that needs not be one as float32; all stay where ``exact``."""
    if exact:
        return graph
    return _Change(graph, kept(graph)).run()


class _Change:
    def __init__(self, graph: Graph, kept: set[str]) -> None:
        self.graph, self.kept = graph, kept
        self.tensors = dict(graph.tensors)
        self.nodes: list[Node] = []
        self.narrow: dict[str, str] = {}  # value to its float32 form, where both are needed

    def run(self) -> Graph:
        wide = [t for t in self.graph.tensors.values() if t.dtype is DType.FLOAT64]
        for tensor in wide:
            if tensor.value is None and tensor.name not in self.kept:
                self.tensors[tensor.name] = replace(tensor, dtype=DType.FLOAT32)
        for node in self.graph.nodes:
            stays = self._stays(node)
            inputs = node.inputs if stays else tuple(self._narrowed(n, node.op) for n in node.inputs)
            self._add(replace(node, inputs=inputs))
        return replace(self.graph, nodes=tuple(self.nodes), tensors=self.tensors).edited()

    def _stays(self, node: Node) -> bool:
        """Return whether a node works on doubles: its results are such, or it asks about some and about no others."""
        results = [self.tensors[n].dtype for n in node.outputs if n]
        if DType.FLOAT64 in results or any(r.is_float for r in results):
            return DType.FLOAT64 in results
        asked = [self.tensors[n] for n in node.inputs if n and self.graph.tensors[n].dtype is DType.FLOAT64]
        return any(t.value is None for t in asked) and all(t.dtype is DType.FLOAT64 for t in asked)

    def _narrowed(self, name: str, op: str) -> str:
        """Return a value's float32 form, made now where it is a constant or stays double."""
        if not name or self.tensors[name].dtype is not DType.FLOAT64 or op in _MIXED:
            return name
        if name not in self.narrow:
            tensor = self.tensors[name]
            value = tensor.value
            with np.errstate(over="ignore"):
                cast = None if value is None else value.astype(np.float32)
            made = Tensor(name=self._free(f"{name}/float"), dtype=DType.FLOAT32, shape=tensor.shape, value=cast)
            self.tensors[made.name] = made
            if value is None:
                self.nodes.append(Node(op="Cast", name=name, inputs=(name,), outputs=(made.name,)))
            self.narrow[name] = made.name
        return self.narrow[name]

    def _add(self, node: Node) -> None:
        result = self.tensors[next(filter(None, node.outputs))]
        if node.op == "Cast" and self.tensors[node.inputs[0]].dtype is result.dtype:
            node = replace(node, op=VIEW)
        low = self._rest(node) if node.op == "Sub" and result.dtype is DType.FLOAT32 else None
        if low is not None:
            part = replace(result, name=self._free(f"{result.name}/high"))
            self.tensors |= {part.name: part, low.name: low}
            self.nodes.append(replace(node, outputs=(part.name,)))
            node = replace(node, inputs=(part.name, low.name))
        self.nodes.append(node)

    def _rest(self, node: Node) -> Tensor | None:
        """Return what rounding takes from a constant that is subtracted; None where it takes nothing."""
        source = next((n for n, f in self.narrow.items() if f == node.inputs[1]), "")
        value = self.graph.constant(source) if source else None
        if value is None:
            return None
        with np.errstate(over="ignore", invalid="ignore"):
            low = (value - value.astype(np.float32)).astype(np.float32)
        low = np.where(np.isfinite(low), low, np.float32(0))
        if not low.any():
            return None
        return Tensor(name=self._free(f"{source}/low"), dtype=DType.FLOAT32, shape=low.shape, value=low)

    def _free(self, stem: str) -> str:
        name, count = stem, 1
        while name in self.tensors:
            count += 1
            name = f"{stem}_{count}"
        return name
