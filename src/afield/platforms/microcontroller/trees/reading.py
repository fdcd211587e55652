"""``TreeEnsemble`` of ai.onnx.ml 5 as a ``Forest``. Every comparison becomes ``x <= split`` or membership."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from afield.platforms.microcontroller.ir import Array, Node
from afield.platforms.microcontroller.trees.forest import Forest

OP = "ai.onnx.ml.TreeEnsemble"
LEQ, LT, GTE, GT, EQ, NEQ, MEMBER = range(7)
_SUM, _AVERAGE = 1, 0


@dataclass(frozen=True)
class Raw:
    """Trees with links between nodes of one table, as files have them; a link below 0 is the leaf ``~link``.

    ``split`` holds thresholds and the value of EQ and NEQ; ``sets`` the members of MEMBER nodes, by node.
    """

    roots: Array
    feature: Array
    split: Array
    mode: Array
    missing_yes: Array
    yes: Array
    no: Array
    sets: dict[int, Array]


@dataclass
class _Grown:
    """What ``grown`` collects, in its order."""

    sizes: list[int] = field(default_factory=list)
    nodes: list[int] = field(default_factory=list)
    yes: list[int] = field(default_factory=list)
    no: list[int] = field(default_factory=list)
    leaves: list[int] = field(default_factory=list)


def read(node: Node) -> Forest | str:
    """Return the trees of a TreeEnsemble node, or why they cannot be compiled."""
    a = {k: np.asarray(v) for k, v in node.attributes.items() if v is not None}
    if int(a.get("post_transform", 0)):
        return "its post_transform is not NONE; write Softmax or Sigmoid nodes behind it."
    if int(a["aggregate_function"]) not in (_SUM, _AVERAGE):
        return "it takes the least or the largest of its trees; only sums and averages are supported."
    count = len(a["nodes_featureids"])
    links = []
    for side in ("true", "false"):
        ids, is_leaf = a[f"nodes_{side}nodeids"].astype(np.int64), a[f"nodes_{side}leafs"].astype(bool)
        limit = np.where(is_leaf, len(a["leaf_weights"]), count)
        if len(ids) != count or ((ids < 0) | (ids >= limit)).any():
            return "its nodes point outside of its tables."
        links.append(np.where(is_leaf, ~ids, ids))
    mode = a["nodes_modes"].astype(np.int64)
    raw = Raw(
        roots=a["tree_roots"].astype(np.int64),
        feature=a["nodes_featureids"].astype(np.int64),
        split=a["nodes_splits"].astype(np.float64),
        mode=mode,
        missing_yes=a.get("nodes_missing_value_tracks_true", np.zeros(count, np.int64)).astype(bool),
        yes=links[0],
        no=links[1],
        sets=_sets(mode, a.get("membership_values", np.zeros(0)).astype(np.float64)),
    )
    scale = 1.0 if int(a["aggregate_function"]) == _SUM else 1.0 / max(1, len(raw.roots))
    weights, targets = a["leaf_weights"].astype(np.float64) * scale, a["leaf_targetids"].astype(np.int64)
    return forest_of(raw, weights, targets, int(a["n_targets"]))


def forest_of(raw: Raw, weights: Array, targets: Array, outputs: int) -> Forest | str:
    """Return trees whose leaves each hold one number for one target."""
    grown = _grown(raw)
    if isinstance(grown, str):
        return grown
    index = np.array(grown.nodes, dtype=np.int64)
    leaf = np.array(grown.leaves, dtype=np.int64)
    tree = np.repeat(np.arange(len(grown.sizes)), np.array(grown.sizes, dtype=np.int64) + 1)
    own = targets[leaf]
    first = own[np.searchsorted(tree, np.arange(len(grown.sizes)))] if len(leaf) else own
    if (own == first[tree]).all():
        leaves, target = weights[leaf][:, None], first
    else:  # leaves of one tree add to several targets: each leaf becomes a row
        leaves = np.zeros((len(leaf), outputs))
        leaves[np.arange(len(leaf)), own] = weights[leaf]
        target = np.zeros(len(grown.sizes), np.int64)
    return _settled(raw, index, grown, leaves, target, outputs)


def forest_of_rows(raw: Raw, rows: Array) -> Forest | str:
    """Return trees whose leaves hold a number for each output; as narrow as it can be."""
    grown = _grown(raw)
    if isinstance(grown, str):
        return grown
    leaves = rows[np.array(grown.leaves, dtype=np.int64)]
    target = np.zeros(len(grown.sizes), np.int64)
    tree = np.repeat(np.arange(len(grown.sizes)), np.array(grown.sizes, dtype=np.int64) + 1)
    used = np.zeros((len(grown.sizes), rows.shape[1]), dtype=bool)
    np.logical_or.at(used, tree, leaves != 0)
    if (used.sum(axis=1) <= 1).all():  # every tree adds to one output
        target = used.argmax(axis=1)
        leaves = leaves[np.arange(len(leaves)), target[tree]][:, None]
    return _settled(raw, np.array(grown.nodes, dtype=np.int64), grown, leaves, target, rows.shape[1])


def _settled(raw: Raw, index: Array, grown: _Grown, leaves: Array, target: Array, outputs: int) -> Forest:
    """Turn each comparison into ``x <= split`` or membership, swapping branches where that needs it."""
    mode, split = raw.mode[index], raw.split[index].copy()
    yes, no = np.array(grown.yes, np.int64), np.array(grown.no, np.int64)
    missing = raw.missing_yes[index].copy()
    below = np.isin(mode, (LT, GTE))
    split[below] = np.nextafter(split[below], -np.inf)  # x < t is x <= the double before t
    swapped = np.isin(mode, (GTE, GT, NEQ))
    yes, no = np.where(swapped, no, yes), np.where(swapped, yes, no)
    # NaN answers no to every comparison but !=; after the swap that is the other branch
    nan_yes = missing | (mode == NEQ)
    nan_yes = np.where(swapped, ~nan_yes, nan_yes)
    member = np.isin(mode, (EQ, NEQ, MEMBER))
    sets = [raw.sets.get(int(i), raw.split[[i]]) for i, m in zip(index, member, strict=True) if m]
    counts = np.full(len(index), -1)
    counts[member] = [len(s) for s in sets]
    split[member] = np.nan
    return Forest(
        sizes=np.array(grown.sizes, np.int64), feature=raw.feature[index], split=split, missing_yes=nan_yes,
        yes=yes, no=no, leaves=leaves, target=target, member_count=counts,
        members=np.concatenate([np.zeros(0), *sets]), outputs=outputs,
    )  # fmt: skip


def _sets(mode: Array, values: Array) -> dict[int, Array]:
    """Return the members of each MEMBER node; NaN ends a set."""
    ends = np.flatnonzero(np.isnan(values))
    parts = np.split(values, ends)
    nodes = np.flatnonzero(mode == MEMBER)
    return {int(n): part[~np.isnan(part)] for n, part in zip(nodes, parts, strict=False)}


def _grown(raw: Raw) -> _Grown | str:
    """Walk every tree from its root, yes before no, and number its nodes and leaves in that order."""
    found = _Grown()
    for root in raw.roots.tolist():
        if root >= len(raw.feature):
            return "a tree begins outside of its table."
        nodes, leaves = len(found.nodes), len(found.leaves)
        waiting = [(root, -1, True)]
        while waiting:
            link, parent, is_yes = waiting.pop()
            if link >= 0 and raw.yes[link] == raw.no[link] and raw.yes[link] < 0:
                link = int(raw.yes[link])  # both branches are the same leaf
            if link < 0:
                place = ~(len(found.leaves) - leaves)
                found.leaves.append(~link)
            else:
                place = len(found.nodes) - nodes
                if place > len(raw.feature):
                    return "its nodes go round in a circle."
                found.nodes.append(link)
                found.yes.append(0)
                found.no.append(0)
                waiting += [(int(raw.no[link]), len(found.nodes) - 1, False),
                            (int(raw.yes[link]), len(found.nodes) - 1, True)]  # fmt: skip
            if parent >= 0:
                (found.yes if is_yes else found.no)[parent] = place
        found.sizes.append(len(found.nodes) - nodes)
    return found
