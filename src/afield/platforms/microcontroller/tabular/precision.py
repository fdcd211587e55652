"""What is computed in float32 and what stays double.

- Whatever a tree compares stays double where the file has it so: a rounding there would turn a row into another leaf.
- All other doubles are computed in float32. A constant that is subtracted is split into two floats, so that a number
  beside a large centre keeps its digits: ``x - c`` is ``(x - high) - low``.
- Constants beyond the floats become infinities, which keep what ``Min`` and ``Max`` are for.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from afield.platforms.microcontroller.ir import DType, Graph, Node, Tensor
from afield.platforms.microcontroller.plan import VIEW


def settle(graph: Graph, *, exact: bool = False) -> Graph:
    """Return the graph with every double that needs not be one as float32; all stay where ``exact``."""
    if exact:
        return graph
    return _Change(graph, _compared(graph)).run()


def _compared(graph: Graph) -> set[str]:
    """Return the doubles upstream of what trees compare."""
    made = graph.producers()
    waiting = [n for node in graph.nodes if node.op == "Ranks" for n in node.inputs]
    found: set[str] = set()
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if graph.tensors[name].dtype is DType.FLOAT64:
            found.add(name)
        node = made.get(name)
        if node is not None and node.op not in ("Ranks", "Forest", "Oblivious"):
            waiting += filter(None, node.inputs)
    return found


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
            outputs = [n for n in node.outputs if n]
            stays = any(self.tensors[n].dtype is DType.FLOAT64 for n in outputs)
            inputs = node.inputs if stays else tuple(self._narrowed(n, node.op) for n in node.inputs)
            self._add(replace(node, inputs=inputs))
        return replace(self.graph, nodes=tuple(self.nodes), tensors=self.tensors).edited()

    def _narrowed(self, name: str, op: str) -> str:
        """Return a value's float32 form, made now where it is a constant or stays double."""
        if not name or self.tensors[name].dtype is not DType.FLOAT64 or op in ("Cast", "Ranks"):
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
        result = self.tensors[node.outputs[0]]
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
