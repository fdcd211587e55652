"""Nodes of trees in 32-bit words: rank limit, feature and both links; in two words where they do not fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from afield.platforms.microcontroller.ir import Array
from afield.platforms.microcontroller.trees.asking import Asked
from afield.platforms.microcontroller.trees.forest import Forest
from afield.platforms.microcontroller.trees.oblivious import Oblivious


@dataclass(frozen=True, kw_only=True)
class PackedOblivious:
    """Oblivious trees; those that are one leaf have gone into ``bias``.

    Parameters
    ----------
    words : uint16 or uint32 [S]
        ``limit << shift | feature``, for each tree from its highest bit down.
    shift : int
    depth : int64 [T]
    counts : int64 [K]
        Trees of each sum.
    leaves : float64 [L, W]
    bias : float64 [K, W]
    """

    words: Array
    shift: int
    depth: Array
    counts: Array
    leaves: Array
    bias: Array

    @property
    def width(self) -> int:
        """Numbers in a leaf."""
        return int(self.leaves.shape[1])


@dataclass(frozen=True, kw_only=True)
class Packed:
    """Trees in the order of their targets; trees that are one leaf have gone into ``bias``.

    A link is a node of the tree, or its number of nodes plus a leaf of the tree.

    Parameters
    ----------
    words : uint32 [M]
        ``limit << limit_shift | feature << feature_shift | no << link_bits | yes``, or without the links where
        ``links`` holds them.
    links : uint32 [M] or None
        ``no << 16 | yes``.
    sizes : int64 [T]
        Nodes of each tree.
    counts : int64 [K]
        Trees of each target.
    leaves : float64 [L, W]
    bias : float64 [K, W]
    """

    words: Array
    links: Array | None
    limit_shift: int
    feature_shift: int
    feature_bits: int
    link_bits: int
    sizes: Array
    counts: Array
    leaves: Array
    bias: Array

    @property
    def width(self) -> int:
        """Numbers in a leaf."""
        return int(self.leaves.shape[1])

    @property
    def step(self) -> float:
        """What 1 means in leaves of 16 bits: a float32, the smallest with which all leaves fit."""
        most = float(np.abs(self.leaves).max(initial=0.0))
        return float(np.nextafter(np.float32(most / 32767), np.float32(np.inf))) if most else 1.0

    @property
    def steps(self) -> Array:
        """The leaves in steps, int64."""
        return np.rint(self.leaves / self.step).astype(np.int64)

    @property
    def bounds(self) -> Array:
        """What rounding to steps changes of each target at most: the largest rounding of each of its trees."""
        off = np.abs(self.leaves - self.steps * self.step).max(axis=1, initial=0.0)
        worst = np.zeros(len(self.sizes))
        np.maximum.at(worst, np.repeat(np.arange(len(self.sizes)), self.sizes + 1), off)
        return np.bincount(np.repeat(np.arange(len(self.counts)), self.counts), worst, len(self.counts))

    @property
    def bound(self) -> float:
        """The largest of the bounds."""
        return float(self.bounds.max(initial=0.0))


def pack(forest: Forest, asked: Asked) -> Packed:
    """Lay the nodes of a forest out.

    Raises
    ------
    OverflowError
        A tree has more nodes and leaves than 16 bits count, or there are more features or ranks.
    """
    node_starts = np.cumsum([0, *forest.sizes])
    leaf_starts = np.cumsum([0, *(forest.sizes + 1)])
    targets = np.arange(0, forest.outputs, forest.width)
    bias = np.zeros((len(targets), forest.width))
    order: list[int] = []
    counts = []
    for k, target in enumerate(targets.tolist()):
        trees = np.flatnonzero(forest.target == target)
        bare = trees[forest.sizes[trees] == 0]
        bias[k] = forest.leaves[leaf_starts[bare]].sum(axis=0)
        grown = trees[forest.sizes[trees] > 0]
        order += grown.tolist()
        counts.append(len(grown))
    nodes = _taken(node_starts, order)
    leaves = _taken(leaf_starts, order)
    sizes = forest.sizes[order]
    size = np.repeat(sizes, sizes)
    yes, no = (np.where(c < 0, size + ~c, c) for c in (forest.yes[nodes], forest.no[nodes]))
    limit, feature = asked.limit[nodes], asked.test[nodes]
    bits = [_bits(v) for v in (limit, feature, np.maximum(yes, no))]
    rank_bits, feature_bits, link_bits = bits
    two = rank_bits + feature_bits + 2 * link_bits > 32
    if two and (link_bits > 16 or rank_bits + feature_bits > 32):
        raise OverflowError("the trees are too large for the tables of a microcontroller")
    if not two and max(rank_bits, feature_bits, link_bits) <= 8:
        feature_bits = link_bits = 8  # whole bytes are taken out in one step
    below = 0 if two else 2 * link_bits
    limit_shift = 24 if rank_bits <= 8 and feature_bits + below <= 24 else 32 - rank_bits
    words = limit << limit_shift | feature << below
    if not two:
        words |= no << link_bits | yes
    return Packed(
        words=words.astype(np.uint32), links=(no << 16 | yes).astype(np.uint32) if two else None,
        limit_shift=limit_shift, feature_shift=below, feature_bits=limit_shift - below,
        link_bits=16 if two else link_bits, sizes=sizes, counts=np.array(counts, np.int64),
        leaves=forest.leaves[leaves], bias=bias,
    )  # fmt: skip


def _taken(starts: Array, trees: list[int]) -> Array:
    parts = [np.arange(starts[t], starts[t + 1]) for t in trees]
    return np.concatenate([np.zeros(0, np.int64), *parts]).astype(np.int64)


def _bits(values: Array) -> int:
    return int(values.max(initial=0)).bit_length()


def pack_oblivious(trees: Oblivious, asked: Asked) -> PackedOblivious:
    """Lay the questions of oblivious trees out.

    Raises
    ------
    OverflowError
        A limit and a feature do not fit into 32 bits.
    """
    question = np.cumsum([0, *trees.depth])
    leaf = np.cumsum([0, *(2**trees.depth)])
    bias = np.zeros((len(trees.counts), trees.width))
    owner = np.repeat(np.arange(len(trees.counts)), trees.counts)
    grown = trees.depth > 0
    np.add.at(bias, owner[~grown], trees.leaves[leaf[:-1][~grown]])
    kept = np.flatnonzero(grown).tolist()
    order = [np.arange(question[t], question[t + 1])[::-1] for t in kept]
    places = np.concatenate([np.zeros(0, np.int64), *order]).astype(np.int64)
    limit, feature = asked.limit[places], asked.test[places]
    shift = max(1, _bits(feature))
    bits = shift + _bits(limit)
    if bits > 32:
        raise OverflowError("the trees are too large for the tables of a microcontroller")
    return PackedOblivious(
        words=(limit << shift | feature).astype(np.uint16 if bits <= 16 else np.uint32), shift=shift,
        depth=trees.depth[kept], counts=np.bincount(owner[kept], minlength=len(trees.counts)),
        leaves=trees.leaves[_taken(leaf, kept)], bias=bias,
    )  # fmt: skip
