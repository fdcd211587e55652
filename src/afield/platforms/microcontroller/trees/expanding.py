"""Ensembles of the old form as trees and the plain operators behind them: base values, transform, label."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from afield.platforms.microcontroller.ir import Array, DType, Graph, Node, Tensor
from afield.platforms.microcontroller.plan import VIEW
from afield.platforms.microcontroller.trees.reading_old import CLASSIFIER, REGRESSOR, Old, read_old

#: trees that were read already: the attribute ``forest`` holds them
TREES = "Trees"


def expand(graph: Graph) -> tuple[Graph, list[str]]:
    """Return the graph without ensembles of the old form, and a sentence for each that cannot be compiled."""
    problems = []
    for node in graph.nodes:
        if node.op in (REGRESSOR, CLASSIFIER):
            old = read_old(node)
            if isinstance(old, str):
                problems.append(f"{node.op.rpartition('.')[2]} {node.name!r}: {old}")
            elif old.one_sided and old.transform == "Softmax":
                problems.append(f"{node.op.rpartition('.')[2]} {node.name!r}: SOFTMAX of one number is not supported.")
            else:
                graph = _Expansion(graph, node, old).run()
    return graph, problems


class _Expansion:
    def __init__(self, graph: Graph, node: Node, old: Old) -> None:
        self.graph, self.node, self.old = graph, node, old
        self.tensors = dict(graph.tensors)
        self.nodes: list[Node] = []
        source = graph.tensors[node.inputs[0]]
        self.rows = source.shape[0] if source.rank == 2 else 1

    def run(self) -> Graph:
        old, node = self.old, self.node
        scores = node.outputs[0] if old.labels is None else (*node.outputs, "", "")[1]
        raw = self.made("raw", old.forest.outputs)
        self.nodes.append(Node(op=TREES, name=node.name, inputs=node.inputs, outputs=(raw,),
                               attributes={"forest": (old.forest,)}))  # fmt: skip
        if old.base.any():
            base = self.constant("base", old.base.astype(np.float32)[None, :])
            raw = self.op("Add", (raw, base), old.forest.outputs)
        result, chosen = raw, raw
        if old.one_sided:
            chosen = self.both(raw, rest=old.positive)
            result = chosen
            if old.transform:
                result = self.op(old.transform, (self.both(raw, rest=False),), 2)
        elif old.transform:
            attributes = {"axis": 1} if old.transform == "Softmax" else {}
            result = self.op(old.transform, (raw,), old.forest.outputs, **attributes)
        if scores:
            self.tensors[scores] = replace(self.tensors[scores], shape=self.tensors[result].shape)
            self.nodes.append(Node(op=VIEW, name=node.name, inputs=(result,), outputs=(scores,)))
        if old.labels is not None and node.outputs[0]:
            self.label(chosen, node.outputs[0])
        nodes: list[Node] = []
        for one in self.graph.nodes:
            nodes += self.nodes if one is node else [one]
        return replace(self.graph, nodes=tuple(nodes), tensors=self.tensors).edited()

    def both(self, raw: str, *, rest: bool) -> str:
        """Return the scores of two labels from one sum: what it lacks to 1, or its negative, and itself."""
        if rest:
            other = self.op("Sub", (self.constant("one", np.ones((1, 1), np.float32)), raw), 1)
        else:
            other = self.op("Neg", (raw,), 1)
        return self.op("Concat", (other, raw), 2, axis=1)

    def label(self, scores: str, output: str) -> None:
        """Add the choice of the largest."""
        labels = self.old.labels or ()
        best = self.graph.fresh(f"{output}/best", self.tensors)
        self.tensors[best] = Tensor(name=best, dtype=DType.INT64, shape=(self.rows,))
        self.nodes.append(Node(op="ArgMax", name=self.node.name, inputs=(scores,), outputs=(best,),
                               attributes={"axis": 1, "keepdims": 0, "select_last_index": 0}))  # fmt: skip
        texts = bool(labels) and isinstance(labels[0], str)
        table = self.constant("labels", np.array(labels, dtype=object if texts else np.int64))
        self.nodes.append(Node(op="Gather", name=self.node.name, inputs=(table, best), outputs=(output,),
                               attributes={"axis": 0}))  # fmt: skip

    def constant(self, stem: str, value: Array) -> str:
        name = self.graph.fresh(f"{self.node.outputs[0]}/{stem}", self.tensors)
        self.tensors[name] = Tensor(name=name, dtype=DType.of(value), shape=value.shape, value=value)
        return name

    def made(self, stem: str, width: int) -> str:
        name = self.graph.fresh(f"{self.node.outputs[0]}/{stem}", self.tensors)
        self.tensors[name] = Tensor(name=name, dtype=DType.FLOAT32, shape=(self.rows, width))
        return name

    def op(self, op: str, inputs: tuple[str, ...], width: int, **attributes: int) -> str:
        name = self.made(op.lower(), width)
        self.nodes.append(Node(op=op, name=self.node.name, inputs=inputs, outputs=(name,), attributes=attributes))
        return name
