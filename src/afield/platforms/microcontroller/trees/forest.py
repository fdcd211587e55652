"""Trees as flat arrays: the form in which they stand in the attributes of a ``Forest`` node."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from afield.platforms.microcontroller.ir import Array, Attribute, Node


@dataclass(frozen=True, kw_only=True)
class Forest:
    """T trees, tree after tree; the first node of a tree is its root, children follow their parents.

    Parameters
    ----------
    sizes : int64 [T]
        Nodes of each tree; it has one leaf more. 0: the tree is one leaf.
    feature : int64 [M]
        What a node asks about.
    split : float64 [M]
        The answer is yes when ``x <= split``; NaN in a node that asks for membership.
    missing_yes : bool [M]
        Whether NaN is a yes.
    yes, no : int64 [M]
        Node within the tree, or below 0 the leaf ``~child`` within the tree.
    leaves : float64 [L, W]
    target : int64 [T]
        The first of the W outputs that the leaves of a tree add to.
    member_count : int64 [M]
        -1: a threshold. Otherwise yes for so many values, the next ones of ``members``.
    members : float64 [S]
    outputs : int
    """

    sizes: Array
    feature: Array
    split: Array
    missing_yes: Array
    yes: Array
    no: Array
    leaves: Array
    target: Array
    member_count: Array
    members: Array
    outputs: int

    def attributes(self) -> dict[str, Attribute]:
        """Return the fields as attributes of a node."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def of(cls, node: Node) -> Forest:
        """Return the trees of a node."""
        return cls(**{f.name: node.attributes[f.name] for f in fields(cls)})  # type: ignore[arg-type]

    @property
    def count(self) -> int:
        """Number of trees."""
        return len(self.sizes)

    def sets(self) -> dict[int, Array]:
        """Return the members for each node that asks for membership."""
        ends = np.cumsum(np.maximum(self.member_count, 0))
        return {int(i): self.members[ends[i] - self.member_count[i] : ends[i]]
                for i in np.flatnonzero(self.member_count >= 0)}  # fmt: skip
