"""Tree ensembles as flat arrays, whatever library grew them, and the nodes that run them.

All comparisons and sums are float64: a float32 feature cast to float64 meets the very threshold that the training
library compares it with, so no decision can differ, not even one float beside a threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.graph.builder import Builder, Value

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

LEQ, MEMBER = 0, 6  # codes of the operator's nodes_modes
NEVER = float(np.finfo(np.float64).min)  # `x <= NEVER` is false for every float32: the empty set of categories

#: onnxruntime may turn each member of a set into a node below the last one and recurse over them
MEMBERS_LIMIT = 256

_GROUP_TREES, _GROUP_NUMBERS = 16, 1024  # 4,096 rows * 1,024 float64: 32 MB


@dataclass(frozen=True, kw_only=True)
class Trees:
    """T trees in flat arrays, tree after tree; the first node of a tree is its root.

    Parameters
    ----------
    sizes : int64 [T]
        Nodes of each tree. A tree has one leaf more than nodes; 0: the tree is one leaf.
    feature : int64 [M]
        Column that a node tests.
    split : float64 [M]
        Threshold: true when ``x <= split``. Unused where ``member_count`` is 0 or more.
    missing_true : bool [M]
        Whether NaN takes the true branch.
    true_child, false_child : int64 [M]
        A node, or below 0 the leaf ``~child``.
    leaves : float64 [L, W]
        What a leaf adds.
    leaf_target : int64 [L]
        The first of the W outputs that the leaf adds to.
    member_count : int64 [M]
        -1: a threshold node. Otherwise the node is true for so many whole numbers, the next ones of ``members``.
    members : float64 [S]
    """

    sizes: Ints
    feature: Ints
    split: Floats
    missing_true: NDArray[np.bool_]
    true_child: Ints
    false_child: Ints
    leaves: Floats
    leaf_target: Ints
    member_count: Ints
    members: Floats

    @property
    def count(self) -> int:
        """Number of trees."""
        return len(self.sizes)


def join(parts: Sequence[Trees]) -> Trees:
    """Return all trees of ``parts``, in order, as one."""
    nodes = np.cumsum([0, *(len(p.feature) for p in parts)])
    leaves = np.cumsum([0, *(len(p.leaves) for p in parts)])

    def moved(name: str) -> Ints:
        links = [getattr(p, name) for p in parts]
        return np.concatenate([np.where(c >= 0, c + n, c - v) for c, n, v in zip(links, nodes, leaves, strict=False)])

    kept = ("sizes", "feature", "split", "missing_true", "leaves", "leaf_target", "member_count", "members")
    return Trees(
        true_child=moved("true_child"),
        false_child=moved("false_child"),
        **{name: np.concatenate([getattr(p, name) for p in parts]) for name in kept},
    )


def sum_leaves(builder: Builder, features: Value, trees: Trees, outputs: int) -> Value:
    """Add the nodes that sum what the trees' leaves add, for each of ``outputs``, in float64.

    ``TreeEnsemble`` (ai.onnx.ml 5) holds one number a leaf. Vector leaves therefore go into a table: the node gives the
    number of the leaf that each tree ends in, Gather fetches its vector, rounded to float32 once, and the sum is
    float64 again.

    Parameters
    ----------
    features : Value
        float32 or float64 [N, F].

    Returns
    -------
    Value
        float64 [N, outputs].

    Raises
    ------
    ValueError
        A set of categories is too long for the runtime.
    """
    features = builder.cast(features, "float64")
    if trees.leaves.shape[1] == 1:
        return _ensemble(builder, features, trees, trees.leaves[:, 0], trees.leaf_target, outputs)
    # The fetched vectors take rows * trees * outputs numbers: trees go in groups that keep this small.
    size = max(_GROUP_TREES, _GROUP_NUMBERS // outputs)
    groups = [_vectors(builder, features, part, outputs) for part in in_groups(trees, size)]
    summed = groups[0]
    for group in groups[1:]:
        summed = builder.op("Add", summed, group)
    return summed


def in_groups(trees: Trees, size: int) -> list[Trees]:
    """Return the trees in groups of ``size``; what they hold is as in the whole."""
    if trees.count <= size:
        return [trees]
    nodes, leaves = np.cumsum([0, *trees.sizes]), np.cumsum([0, *(trees.sizes + 1)])
    sets = np.cumsum([0, *np.maximum(trees.member_count, 0)])
    groups = []
    for first in range(0, trees.count, size):
        last = min(first + size, trees.count)
        node, leaf = slice(nodes[first], nodes[last]), slice(leaves[first], leaves[last])

        def moved(links: Ints, node: slice = node, leaf: slice = leaf) -> Ints:
            return np.where(links[node] >= 0, links[node] - node.start, links[node] + leaf.start)

        groups.append(
            Trees(
                sizes=trees.sizes[first:last],
                feature=trees.feature[node],
                split=trees.split[node],
                missing_true=trees.missing_true[node],
                true_child=moved(trees.true_child),
                false_child=moved(trees.false_child),
                leaves=trees.leaves[leaf],
                leaf_target=trees.leaf_target[leaf],
                member_count=trees.member_count[node],
                members=trees.members[sets[node.start] : sets[node.stop]],
            )
        )
    return groups


def _vectors(builder: Builder, features: Value, trees: Trees, outputs: int) -> Value:
    if trees.leaves.shape[1] != outputs:
        raise ValueError(f"leaves of {trees.leaves.shape[1]} numbers for {outputs} outputs")
    tree = np.repeat(np.arange(trees.count), trees.sizes + 1)
    number = _ensemble(builder, features, trees, np.arange(len(tree), dtype=np.float64), tree, trees.count)
    table = builder.constant(trees.leaves.astype(np.float32))
    fetched = builder.op("Gather", table, builder.cast(number, "int64"), axis=0)  # [N, trees, outputs]
    axis = builder.constant(np.array([1], dtype=np.int64))
    return builder.op("ReduceSum", builder.cast(fetched, "float64"), axis, keepdims=0)


def _ensemble(builder: Builder, features: Value, trees: Trees, weights: Floats, targets: Ints, outputs: int) -> Value:
    counts = trees.member_count[trees.member_count > 0]
    if counts.size and counts.max() > MEMBERS_LIMIT:
        raise ValueError(f"a set of {counts.max()} categories is longer than {MEMBERS_LIMIT}")
    sets: dict[str, Any] = {}
    if counts.size:
        sets["membership_values"] = np.insert(trees.members, np.cumsum(counts), np.nan)

    # The operator wants a node in each tree: a bare leaf gets one whose two branches are that leaf.
    bare = trees.sizes == 0
    added, extra = int(bare.sum()), len(trees.feature)
    roots = np.cumsum(trees.sizes) - trees.sizes
    roots[bare] = extra + np.arange(added)
    leaf = ~(np.cumsum(trees.sizes + 1) - 1)[bare]
    true, false = np.append(trees.true_child, leaf), np.append(trees.false_child, leaf)
    count = np.append(trees.member_count, np.full(added, -1))
    split = np.where(count == 0, NEVER, np.where(count > 0, 0.0, np.append(trees.split, np.zeros(added))))
    missing = np.append(trees.missing_true, np.zeros(added, bool)) & (count < 0)
    return builder.op(
        "TreeEnsemble",
        features,
        n_targets=outputs,
        aggregate_function=1,
        post_transform=0,
        tree_roots=roots.tolist(),
        nodes_featureids=np.append(trees.feature, np.zeros(added, np.int64)).tolist(),
        nodes_splits=split,
        nodes_modes=np.where(count > 0, MEMBER, LEQ).astype(np.uint8),
        nodes_missing_value_tracks_true=missing.astype(np.int64).tolist(),
        nodes_truenodeids=np.where(true < 0, ~true, true).tolist(),
        nodes_falsenodeids=np.where(false < 0, ~false, false).tolist(),
        nodes_trueleafs=(true < 0).astype(np.int64).tolist(),
        nodes_falseleafs=(false < 0).astype(np.int64).tolist(),
        leaf_targetids=targets.tolist(),
        leaf_weights=np.ascontiguousarray(weights),
        **sets,
    )
