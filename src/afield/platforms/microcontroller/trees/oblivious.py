"""Oblivious trees in a graph: the operators by which a row of answers numbers a leaf, found and read back as trees.

The form is Gather (features asked about), Greater (borders), Cast, MatMul with powers of two (the leaf's number), Add
(where the tree's leaves begin), Gather (leaves), and a sum over the trees, or over each run of them behind a Split.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from afield.platforms.microcontroller.ir import Array, Graph, Node
from afield.platforms.microcontroller.plan import VIEW
from afield.platforms.microcontroller.trees.questions import Questions


@dataclass(frozen=True, kw_only=True)
class Oblivious(Questions):
    """T trees, tree after tree; each level asks one question, and a no sets the level's bit of the leaf's number.

    Parameters
    ----------
    depth : int64 [T]
    leaves : float64 [L, W]
        ``2 ** depth`` rows for each tree.
    counts : int64 [K]
        Trees of each sum.
    """

    depth: Array
    leaves: Array
    counts: Array

    @property
    def width(self) -> int:
        """Numbers in a leaf."""
        return int(self.leaves.shape[1])


def joined(trees: Sequence[Oblivious]) -> Oblivious:
    """Return all trees as one, their sums side by side."""
    kept = ("feature", "split", "missing_yes", "member_count", "members", "depth", "leaves", "counts")
    return Oblivious(**{name: np.concatenate([getattr(t, name) for t in trees]) for name in kept})


@dataclass(frozen=True)
class Found:
    """Trees in a graph: the value [F, 1] that they ask about, their nodes, and the values that are their sums."""

    source: str
    trees: Oblivious
    nodes: tuple[Node, ...]
    sums: tuple[str, ...]


def find(graph: Graph) -> list[Found]:
    """Return all oblivious trees; what only looks like them stays as it is."""
    made, readers = graph.producers(), graph.readers()
    found = [_found(graph, node, made, readers) for node in graph.nodes if node.op == "Greater"]
    return [f for f in found if f is not None]


def _found(graph: Graph, compare: Node, made: dict[str, Node], readers: dict[str, list[Node]]) -> Found | None:
    fetch, border = made.get(compare.inputs[0]), graph.constant(compare.inputs[1])
    if fetch is None or fetch.op != "Gather" or fetch.attributes["axis"] != 0 or border is None:
        return None
    feature = graph.constant(fetch.inputs[1])
    chain = _chain(compare, readers, ("Cast", VIEW, "MatMul", VIEW, "Add", "Cast", "Gather"))
    if feature is None or chain is None or readers[fetch.outputs[0]] != [compare]:
        return None
    product, start, leaf = chain[2], chain[4], chain[6]
    powers, begin, table = (graph.constant(n) for n in (product.inputs[0], start.inputs[1], leaf.inputs[0]))
    if powers is None or begin is None or table is None or leaf.attributes["axis"] != 0:
        return None
    deepest = powers.size
    if not np.array_equal(powers.ravel(), 2.0 ** np.arange(deepest)) or border.size != deepest * begin.size:
        return None
    sums = _sums(leaf, begin.size, graph, readers)
    trees = _trees(feature.reshape(deepest, -1), border.reshape(deepest, -1), begin.ravel(), table)
    if sums is None or trees is None:
        return None
    last, names, counts = sums
    used = (fetch, compare, *chain, *last)
    named = Oblivious(**{**trees, "counts": counts})
    return Found(fetch.inputs[0], named, used, tuple(names))


def _chain(start: Node, readers: dict[str, list[Node]], ops: tuple[str, ...]) -> list[Node] | None:
    """Return the only readers of one another behind a node, where they have these operators."""
    chain = [start]
    for op in ops:
        following = readers[chain[-1].outputs[0]]
        if len(following) != 1 or following[0].op != op:
            return None
        chain.append(following[0])
    return chain[1:]


def _sums(
    leaf: Node, trees: int, graph: Graph, readers: dict[str, list[Node]]
) -> tuple[list[Node], list[str], Array] | None:
    """Return the nodes behind the leaves, the names of the sums over trees, and how many trees each takes."""
    nodes, name = list[Node](), leaf.outputs[0]
    if [n.op for n in readers[name]] == ["Cast"]:
        nodes.append(readers[name][0])
        name = nodes[-1].outputs[0]
    parts, counts = [name], [trees]
    if [n.op for n in readers[name]] == ["Split"]:
        split = readers[name][0]
        sizes = split.attributes["sizes"]
        if split.attributes["axis"] != 0 or not isinstance(sizes, tuple):
            return None
        nodes.append(split)
        parts, counts = list(split.outputs), [int(s) for s in sizes]
    names = []
    for part in parts:
        reader = readers[part] if part else []
        if len(reader) != 1 or reader[0].op != "ReduceSum" or reader[0].attributes.get("axes") != (0,):
            return None
        nodes.append(reader[0])
        names.append(reader[0].outputs[0])
    if any(n in graph.outputs for node in nodes[: -len(names)] for n in node.outputs):
        return None
    return nodes, names, np.array(counts)


def _trees(feature: Array, border: Array, begin: Array, table: Array) -> dict[str, Array] | None:
    """Return the fields of ``Oblivious`` from arrays by level and tree; a border of infinity is no question."""
    asks = border < np.inf
    depth = asks.sum(axis=0)
    if not (asks == (np.arange(len(asks))[:, None] < depth)).all():
        return None
    rows = table.reshape(len(table), -1)
    first = begin.astype(np.int64)
    if len(first) and (first + 2**depth).max() > len(rows):
        return None
    leaves = [rows[f : f + 2**d] for f, d in zip(first, depth, strict=True)]
    tree, level = np.nonzero(asks.T)
    count = len(tree)
    return {
        "feature": feature[level, tree].astype(np.int64),
        "split": border[level, tree].astype(np.float64),
        "missing_yes": np.ones(count, dtype=bool),  # NaN is never above a border
        "member_count": np.full(count, -1),
        "members": np.zeros(0),
        "depth": depth,
        "leaves": np.concatenate(leaves).astype(np.float64),
    }
