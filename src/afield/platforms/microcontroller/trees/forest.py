"""Trees as flat arrays, whatever file they come from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from afield.platforms.microcontroller.ir import Array
from afield.platforms.microcontroller.trees.questions import Questions


@dataclass(frozen=True, kw_only=True)
class Forest(Questions):
    """T trees, tree after tree; the first node of a tree is its root, children follow their parents.

    Parameters
    ----------
    sizes : int64 [T]
        Nodes of each tree; it has one leaf more. 0: the tree is one leaf.
    yes, no : int64 [M]
        Node within the tree, or below 0 the leaf ``~child`` within the tree.
    leaves : float64 [L, W]
    target : int64 [T]
        The first of the W outputs that the leaves of a tree add to.
    outputs : int
    """

    sizes: Array
    yes: Array
    no: Array
    leaves: Array
    target: Array
    outputs: int

    @property
    def count(self) -> int:
        """Number of trees."""
        return len(self.sizes)

    @property
    def width(self) -> int:
        """Numbers in a leaf."""
        return int(self.leaves.shape[1])

    @property
    def owner(self) -> Array:
        """The tree of each leaf, int64 [L]."""
        return np.repeat(np.arange(self.count), self.sizes + 1)


def joined(forests: list[Forest]) -> Forest:
    """Return forests whose leaves are equally wide as one, their outputs side by side."""
    starts = np.cumsum([0, *(f.outputs for f in forests)])
    kept = ("feature", "split", "missing_yes", "member_count", "members", "sizes", "yes", "no", "leaves")
    return Forest(
        target=np.concatenate([f.target + s for f, s in zip(forests, starts, strict=False)]),
        outputs=int(starts[-1]),
        **{name: np.concatenate([getattr(f, name) for f in forests]) for name in kept},
    )
