"""Which part of a graph is a network that runtimes of networks can take, and which part stays in front and behind.

The region has one float tensor going in and one coming out, and only operators that both converters know between them:
so the tensor that goes in dominates all that comes after it. The region with the most learned weights is it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import onnx
from onnx import TensorProto

#: what ``workers/operators.py`` knows
NEURAL = frozenset(
    """
    Abs Add AveragePool BatchNormalization Cast Clip Concat Conv Cos Div Elu Erf Exp Expand Flatten Gather Gelu Gemm
    GlobalAveragePool GlobalMaxPool HardSigmoid HardSwish Identity LayerNormalization LeakyRelu Log MatMul Max MaxPool
    Mean Min Mul Neg PRelu Pad Pow Reciprocal ReduceMax ReduceMean ReduceMin ReduceSum Relu Reshape Sigmoid Sin Slice
    Softmax Softplus Split Sqrt Squeeze Sub Sum Tanh Tile Transpose Unsqueeze
    """.split()
)
#: of these only the first input may depend on the row
_FIRST_ONLY = frozenset(
    """
    BatchNormalization Clip Conv Expand Gather LayerNormalization PRelu Pad ReduceMax ReduceMean ReduceMin ReduceSum
    Reshape Slice Split Squeeze Tile Unsqueeze
    """.split()
)
_WEIGHTED = frozenset({"Conv", "Gemm", "MatMul"})
_FLOATS = (TensorProto.FLOAT, TensorProto.DOUBLE)
_ROOT = ""  # stands above all graph inputs


@dataclass(frozen=True, kw_only=True)
class Region:
    """What lies between two tensors.

    Parameters
    ----------
    source, answer : str
        The tensor that goes in, and the one that comes out.
    nodes : tuple of int
        Positions in the graph, ascending.
    weights : int
        Learned numbers of its convolutions and products.
    """

    source: str
    answer: str
    nodes: tuple[int, ...]
    weights: int


class Analysis:
    """A graph of fixed shapes, read once; ``types`` are the element types of its values."""

    def __init__(self, model: onnx.ModelProto) -> None:
        graph = onnx.shape_inference.infer_shapes(model).graph
        self.graph = model.graph
        self.sizes = {t.name: _count(t.dims) for t in graph.initializer}
        self.types = {t.name: t.data_type for t in graph.initializer}
        for info in (*graph.input, *graph.value_info, *graph.output):
            self.types[info.name] = info.type.tensor_type.elem_type
        self.inputs = [i.name for i in graph.input if i.name not in self.sizes]
        self.producer = {name: at for at, node in enumerate(self.graph.node) for name in node.output if name}

    def variable(self, at: int) -> list[str]:
        """Return the inputs of a node that depend on the row."""
        return [n for n in self.graph.node[at].input if n in self._parents]

    @cached_property
    def _parents(self) -> dict[str, str]:
        """Return each value's immediate dominator; constants are not in it."""
        parents = dict.fromkeys(self.inputs, _ROOT)
        depth = dict.fromkeys(self.inputs, 1) | {_ROOT: 0}
        for node in self.graph.node:
            seen = [n for n in node.input if n in parents] + [n for n in inner_names(node) if n in parents]
            if not seen:
                continue
            meet = seen[0]
            for other in seen[1:]:
                while meet != other:
                    if depth[meet] < depth[other]:
                        meet, other = other, meet  # noqa: PLW2901 - the deeper one climbs
                    meet = parents[meet]
            for name in node.output:
                parents[name], depth[name] = meet, depth[meet] + 1
        return parents

    @cached_property
    def _clean(self) -> dict[str, bool]:
        """Return for each value whether all nodes between it and its dominator are a network's."""
        clean = dict.fromkeys(self.inputs, False)
        for at, node in enumerate(self.graph.node):
            for name in (n for n in node.output if n in self._parents):
                clean[name] = self._is_neural(at) and all(
                    clean[step] for value in self.variable(at) for step in self._climb(value, self._parents[name])
                )
        return clean

    def _climb(self, value: str, top: str) -> Iterator[str]:
        while value != top:
            yield value
            value = self._parents[value]

    def _is_neural(self, at: int) -> bool:
        node, known = self.graph.node[at], self.variable(at)
        if node.op_type not in NEURAL or node.domain not in ("", "ai.onnx") or not known:
            return False
        if node.op_type in _FIRST_ONLY and (known != [node.input[0]]):
            return False
        ends = [*known, *(n for n in node.output if n)]
        return all(self.types.get(n) in _FLOATS for n in ends)

    def regions(self) -> list[Region]:
        """Return the best region and the shorter ones that end alike and keep all its weights, the longest first."""
        longest: Region | None = None
        for answer in self._parents:
            source = answer
            while source != _ROOT and self._clean[source]:
                source = self._parents[source]
            if source not in (answer, _ROOT):
                found = self._region(source, answer)
                better = longest is None or _size(found) > _size(longest)
                longest = found if better and self._is_closed(found) else longest
        if longest is None or not longest.weights:
            return []
        above = list(self._climb(longest.answer, longest.source))[1:]
        shorter = [self._region(source, longest.answer) for source in reversed(above)]
        return [longest, *(r for r in shorter if r.weights == longest.weights)]

    @cached_property
    def _readers(self) -> dict[str, set[int]]:
        """Return the nodes that read each value; an output of the graph is read by -1."""
        readers: dict[str, set[int]] = {o.name: {-1} for o in self.graph.output}
        for at, node in enumerate(self.graph.node):
            for name in (*node.input, *inner_names(node)):
                readers.setdefault(name, set()).add(at)
        return readers

    def _is_closed(self, region: Region) -> bool:
        """Return whether nothing outside reads what the region makes, but for its answer."""
        inside = set(region.nodes)
        made = {name for at in inside for name in self.graph.node[at].output if name != region.answer}
        return all(self._readers.get(name, set()) <= inside for name in made)

    def _region(self, source: str, answer: str) -> Region:
        nodes: set[int] = set()
        waiting = [answer]
        while waiting:
            name = waiting.pop()
            at = self.producer.get(name)
            if name != source and at is not None and at not in nodes:
                nodes.add(at)
                waiting += self.variable(at)
        learned = {n for at in nodes if self.graph.node[at].op_type in _WEIGHTED for n in self.graph.node[at].input}
        return Region(
            source=source, answer=answer, nodes=tuple(sorted(nodes)), weights=sum(self.sizes.get(n, 0) for n in learned)
        )


def _size(region: Region) -> tuple[int, int]:
    return region.weights, len(region.nodes)


def inner_names(node: onnx.NodeProto) -> list[str]:
    """Return what the graphs inside a node read; names from outside among them."""
    inner = [g for a in node.attribute for g in ([a.g] if a.HasField("g") else list(a.graphs))]
    return [name for g in inner for n in g.node for name in (*n.input, *inner_names(n))]


def _count(dims: object) -> int:
    total = 1
    for size in dims:  # type: ignore[attr-defined]
        total *= int(size)
    return total
