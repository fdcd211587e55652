"""Which nodes of a float model are quantised: layers with constant weights, and what stands between them.

What has no integer form stays in floats, with scales at its border only. A chain of elementwise operators over one
tensor gets no scales inside: it becomes one table.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from afield.platforms.microcontroller.integer.functions import FUNCTIONS

if TYPE_CHECKING:
    import onnx

#: layers: operators whose weights become int8
LAYERS = ("Conv", "Gemm", "MatMul")
#: operators of one tensor that are tables, or are cut off by the range of the layer before
_ACTIVATIONS = ("Relu", "Clip")
#: other operators with an integer form
BESIDE = (
    "Add", "Sub", "Mul", "Concat", "GlobalAveragePool", "AveragePool", "ReduceMean", "MaxPool", "Softmax", "Flatten",
    "Reshape", "Squeeze", "Unsqueeze", "Transpose",
)  # fmt: skip
_OF_TWO = ("Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "PRelu")
_TABLES = tuple(op for op in FUNCTIONS if op not in _OF_TWO)
QUANTISABLE = (*LAYERS, *BESIDE, *_TABLES)
_PLANE = 2


class Choice:
    """A model's nodes by what they write, and its constants."""

    def __init__(self, model: onnx.ModelProto) -> None:
        graph = model.graph
        self.nodes = list(graph.node)
        self.made = {name: node for node in self.nodes for name in node.output if name}
        self.sizes = {t.name: list(t.dims) for t in graph.initializer}
        self.front = self._front()

    def is_constant(self, name: str) -> bool:
        """Return whether a value is one of the file's constants."""
        return name in self.sizes

    def is_layer(self, node: onnx.NodeProto) -> bool:
        """Return whether a node is a layer whose weights can become int8."""
        if node.op_type not in LAYERS or node.domain not in ("", "ai.onnx") or node.output[0] in self.front:
            return False
        weights = self.sizes.get(node.input[1])
        if weights is None or self.is_constant(node.input[0]):
            return False
        if node.op_type == "Conv":
            return True
        plain = all(
            (a.name != "transA" or a.i == 0) and (a.name not in ("alpha", "beta") or a.f == 1.0) for a in node.attribute
        )
        bias = node.input[2] if len(node.input) > _PLANE else ""
        return plain and len(weights) == _PLANE and (not bias or len(self.sizes.get(bias, [0, 0])) <= 1)

    def sources(self, node: onnx.NodeProto) -> list[str]:
        """Return the inputs that are computed."""
        return list(dict.fromkeys(n for n in node.input if n and not self.is_constant(n)))

    def layers(self) -> list[onnx.NodeProto]:
        """Return the layers."""
        return [node for node in self.nodes if self.is_layer(node)]

    def linked(self) -> set[int]:
        """Return the places of layers that follow another layer, or lead to one: those of a network."""
        behind: dict[str, set[int]] = {}
        found: set[int] = set()
        for place, node in enumerate(self.nodes):
            before = set().union(*(behind.get(n, set()) for n in node.input))
            if self.is_layer(node):
                if before:
                    found |= before | {place}
                before = {place}
            elif node.op_type not in FUNCTIONS:
                before = set()
            for name in node.output:
                behind[name] = before
        return found

    def chosen(self, within: Iterable[int] | None = None) -> list[str]:
        """Return the names of the nodes to quantise; all of the model's, or only among those ``within``."""
        allowed = set(range(len(self.nodes))) if within is None else set(within)
        inside = self._inside()
        return [
            node.name for place, node in enumerate(self.nodes)
            if place in allowed and place not in inside and self._fits(node)
        ]  # fmt: skip

    def _front(self) -> set[str]:
        """Return what leads to a logarithm that a layer reads later: spectra, whose range bytes cannot hold."""
        needed: set[str] = set()  # what some layer reads, at once or later
        found: set[str] = set()
        for node in reversed(self.nodes):
            ahead = needed & {*node.output}
            if found & {*node.output} or (ahead and node.op_type == "Log"):
                found |= {*node.output, *node.input}
            if ahead or (node.op_type in LAYERS and self.is_constant(node.input[1])):
                needed |= {*node.input}
        return found

    def _fits(self, node: onnx.NodeProto) -> bool:
        if node.output[0] in self.front:
            return False
        if node.op_type in LAYERS:
            return self.is_layer(node)
        if node.op_type not in QUANTISABLE:
            return False
        constants = [self.sizes[n] for n in node.input if n in self.sizes]
        if node.op_type in _OF_TWO:  # a vector beside a tensor has no integer form
            return all(size in ([], [1]) for size in constants)
        return node.op_type != "Concat" or not constants

    def _inside(self) -> set[int]:
        """Return the places of nodes in chains of several elementwise operators over one tensor."""
        root: dict[str, str] = {}
        chains: dict[str, list[int]] = {}
        for place, node in enumerate(self.nodes):
            scalar = all(self.sizes[n] in ([], [1]) for n in node.input if n in self.sizes)
            roots = {root.get(n, n) for n in self.sources(node)}
            if node.op_type not in FUNCTIONS or len(roots) != 1 or not scalar or self._ends_a_layer(node):
                continue
            (of,) = roots
            root[node.output[0]] = of
            chains.setdefault(of, []).append(place)
        return {
            place for of, places in chains.items() for place in places
            if any(of != n for p in places for n in self.sources(self.nodes[p])) and self._joins(place, of, places)
        }  # fmt: skip

    def _joins(self, place: int, of: str, places: list[int]) -> bool:
        """Return whether a node reads, or is read by, another one of its chain."""
        node, others = self.nodes[place], [self.nodes[p] for p in places if p != place]
        return any(n != of for n in self.sources(node)) or any(
            node.output[0] in other.input for other in others
        )  # fmt: skip

    def _ends_a_layer(self, node: onnx.NodeProto) -> bool:
        """Return whether a node is a Relu or Clip that the layer before takes into its range."""
        before = self.made.get(node.input[0])
        return node.op_type in _ACTIVATIONS and before is not None and before.op_type in (*LAYERS, "Add", "Sub", "Mul")
