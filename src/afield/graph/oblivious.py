"""Oblivious trees: all nodes of a level ask one question, so a tree is a row of bits that number its leaf.

Nothing is expanded into nodes: for 1,000 trees of depth 6 the file holds a seventh of the bytes of a ``TreeEnsemble``
node, and a row of a large batch takes a sixth of the time. Features lie as [F, N], so that each question is asked of
all rows at once, and the trees go in groups that bound the memory of a large batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from afield.graph.builder import Builder, Value

SCOPE = "oblivious"  # nodes of this form are known by it when they are read back

_GROUP_SPLITS = 2048  # 4,096 rows * 2,048 float32: 32 MB
_GROUP_NUMBERS = 1024  # trees * outputs; 4,096 rows * 1,024 float64: 32 MB
_GROUP_TREES = 16  # at least
_DEVIATIONS = 5.0


@dataclass(frozen=True, kw_only=True)
class ObliviousTrees:
    """T trees in flat arrays, tree after tree.

    Parameters
    ----------
    depth : int64 [T]
        Questions of each tree; 0: the tree is one leaf.
    feature : int64 [S]
        Column that a question asks about.
    border : float32 [S]
        A question is true when ``x > border``; never for NaN.
    leaves : float64 [L, W]
        ``2 ** depth`` leaves of each tree: the tree's first question is the lowest bit of a leaf's number.
    """

    depth: NDArray[np.int64]
    feature: NDArray[np.int64]
    border: NDArray[np.float32]
    leaves: NDArray[np.float64]

    @property
    def count(self) -> int:
        """Number of trees."""
        return len(self.depth)


@dataclass(frozen=True, kw_only=True)
class ObliviousNode:
    """What one group of trees in a file asks.

    Parameters
    ----------
    node : str
        Name of the node that compares.
    source : str
        Name of the value [N, F] that feeds it.
    trees : int
    feature : int64 [S]
    border : float32 [S]
        Without the places that only fill up shallow trees.
    """

    node: str
    source: str
    trees: int
    feature: NDArray[np.int64]
    border: NDArray[np.float32]


def join_oblivious(parts: Sequence[ObliviousTrees]) -> ObliviousTrees:
    """Return all trees of ``parts``, in order, as one."""
    return ObliviousTrees(
        depth=np.concatenate([p.depth for p in parts]),
        feature=np.concatenate([p.feature for p in parts]),
        border=np.concatenate([p.border for p in parts]),
        leaves=np.concatenate([p.leaves for p in parts]),
    )


def sum_oblivious(
    builder: Builder, features: Value, blocks: Sequence[ObliviousTrees], outputs: int, rounding: float
) -> Value:
    """Add the nodes that sum, for each block of trees, the leaves that a row ends in.

    Sums are float64. Leaves are stored as float32 where that changes no sum by more than ``rounding``.

    Parameters
    ----------
    features : Value
        float32 [N, F].
    blocks : sequence of ObliviousTrees
        Each of one tree or more, with leaves of ``outputs`` numbers.
    rounding : float
        What float32 leaves may change of a block's sum, above 0.

    Returns
    -------
    Value
        float64 [N, blocks * outputs], block after block.

    Raises
    ------
    ValueError
        The features are not float32, or the leaves have another width.
    """
    if features.dtype != "float32":
        raise ValueError(f"borders are compared in float32, not in {features.dtype}")
    if any(b.leaves.shape[1] != outputs or not b.count for b in blocks):
        raise ValueError(f"blocks need trees with leaves of {outputs} numbers")
    trees = join_oblivious(blocks)
    kind = leaf_type(blocks, rounding)
    owner = np.repeat(np.arange(len(blocks)), [b.count for b in blocks])
    size = max(_GROUP_TREES, min(_GROUP_SPLITS // max(1, int(trees.depth.max())), _GROUP_NUMBERS // outputs))
    sums: list[Value | None] = [None] * len(blocks)
    with builder.scope(SCOPE):
        columns = builder.transpose(features, [1, 0])
        for first in range(0, trees.count, size):
            part = slice(first, min(first + size, trees.count))
            fetched = _leaves(builder, columns, _cut(trees, part), outputs, kind)
            for block, run in _runs(builder, fetched, owner[part]):
                # one number a leaf: [1, N], so that the blocks stack without copying columns
                axis = builder.constant(np.array([0], dtype=np.int64))
                summed = builder.op("ReduceSum", run, axis, keepdims=int(outputs == 1))
                before = sums[block]
                sums[block] = summed if before is None else builder.op("Add", before, summed)
        ready = [s for s in sums if s is not None]
        if outputs == 1:
            return builder.transpose(builder.concat(ready, axis=0), [1, 0])
        return builder.concat(ready, axis=1)


def leaf_type(blocks: Sequence[ObliviousTrees], rounding: float) -> str:
    """Return float32 where rounding the leaves to it changes no sum by more than ``rounding``, else float64.

    A sum changes by the rounding of one leaf in each tree. These know nothing of each other, so five standard
    deviations bound what they add up to, taking for each tree the leaf that is rounded most.
    """
    for trees in blocks:
        with np.errstate(over="ignore"):
            off = np.abs(trees.leaves - trees.leaves.astype(np.float32)).max(axis=1)
        starts = np.cumsum(2**trees.depth) - 2**trees.depth
        worst = np.maximum.reduceat(off, starts)
        if not min(worst.sum(), _DEVIATIONS * np.sqrt(np.sum(worst**2) / 3.0)) <= rounding:
            return "float64"
    return "float32"


def _cut(trees: ObliviousTrees, part: slice) -> ObliviousTrees:
    splits, leaves = np.cumsum([0, *trees.depth]), np.cumsum([0, *(2**trees.depth)])
    split, leaf = slice(splits[part.start], splits[part.stop]), slice(leaves[part.start], leaves[part.stop])
    return ObliviousTrees(
        depth=trees.depth[part], feature=trees.feature[split], border=trees.border[split], leaves=trees.leaves[leaf]
    )


def _leaves(builder: Builder, columns: Value, trees: ObliviousTrees, outputs: int, kind: str) -> Value:
    """Return float64 [T, N] or [T, N, outputs]: the leaf of each tree."""
    count, deepest = trees.count, max(1, int(trees.depth.max()))
    feature = np.zeros((deepest, count), dtype=np.int32)
    border = np.full((deepest, count), np.inf, dtype=np.float32)  # never true: fills up shallow trees
    tree = np.repeat(np.arange(count), trees.depth)
    level = np.arange(len(tree)) - np.repeat(np.cumsum(trees.depth) - trees.depth, trees.depth)
    feature[level, tree], border[level, tree] = trees.feature, trees.border

    asked = builder.gather(columns, builder.constant(feature.reshape(-1)), axis=0)
    answers = builder.op("Greater", asked, builder.constant(border.reshape(-1, 1)), dtype="bool")
    bits = builder.reshape(builder.cast(answers, "float32"), [deepest, -1])
    powers = builder.constant((2.0 ** np.arange(deepest)).astype(np.float32)[None, :])
    number = builder.reshape(builder.op("MatMul", powers, bits), [count, -1])
    start = (np.cumsum(2**trees.depth) - 2**trees.depth).astype(np.float32)[:, None]  # whole, below 2 ** 24
    place = builder.cast(builder.op("Add", number, builder.constant(start)), "int32")
    table = trees.leaves.astype(kind)
    fetched = builder.op("Gather", builder.constant(table[:, 0] if outputs == 1 else table), place, axis=0)
    return builder.cast(fetched, "float64")


def _runs(builder: Builder, fetched: Value, owner: NDArray[np.int64]) -> Iterator[tuple[int, Value]]:
    """Yield the trees of each block in a group."""
    blocks, sizes = np.unique(owner, return_counts=True)
    if len(blocks) == 1:
        yield int(blocks[0]), fetched
        return
    parts = builder.op_many("Split", fetched, builder.constant(sizes.astype(np.int64)), dtypes=["float64"] * len(sizes))
    yield from zip(blocks.tolist(), parts, strict=True)


def oblivious_nodes(model: onnx.ModelProto) -> tuple[ObliviousNode, ...]:
    """Return what the groups of oblivious trees of the main graph ask, in order."""
    made = {out: node for node in model.graph.node for out in node.output}
    used = {name: node for node in model.graph.node for name in node.input}
    constants = {t.name: t for t in model.graph.initializer}
    found = []
    for node in model.graph.node:
        if node.op_type != "Greater" or f"/{SCOPE}/" not in node.name:
            continue
        gather = made[node.input[0]]
        feature = numpy_helper.to_array(constants[gather.input[1]]).astype(np.int64)
        border = numpy_helper.to_array(constants[node.input[1]])[:, 0]
        product = used[used[used[node.output[0]].output[0]].output[0]]
        real = border < np.inf
        found.append(
            ObliviousNode(
                node=node.name,
                source=made[gather.input[0]].input[0],
                trees=len(border) // constants[product.input[0]].dims[1],
                feature=feature[real],
                border=border[real],
            )
        )
    return tuple(found)
