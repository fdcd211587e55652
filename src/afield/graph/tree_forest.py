"""Turns the node tables of scikit-learn's decision trees into ``Trees``, the direction of missing values included."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from afield.graph.trees import Floats, Ints, Trees


def read_forest(
    *, counts: Ints, left: Ints, right: Ints, feature: Ints, threshold: Floats, missing_left: NDArray[np.bool_],
    leaves: Floats,
) -> Trees:  # fmt: skip
    """Return the trees.

    Parameters
    ----------
    counts : int64 [T]
        Nodes of each tree, leaves among them.
    left, right : int64 [M]
        Children within the tree; -1 at a leaf.
    feature, threshold, missing_left : [M]
    leaves : float64 [L, W]
        What each leaf adds, in the order of the nodes.
    """
    inner = left >= 0
    place = np.where(inner, np.cumsum(inner) - 1, ~(np.cumsum(~inner) - 1))
    start = np.repeat(np.cumsum(counts) - counts, counts)
    return Trees(
        sizes=(counts - 1) // 2,
        feature=feature[inner],
        split=threshold[inner],
        missing_true=missing_left[inner],
        true_child=place[(left + start)[inner]],
        false_child=place[(right + start)[inner]],
        leaves=leaves,
        leaf_target=np.zeros(len(leaves), dtype=np.int64),
        member_count=np.full(int(inner.sum()), -1, dtype=np.int64),
        members=np.zeros(0),
    )
