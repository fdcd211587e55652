"""Packed trees as nested ifs: about three instructions for each level on a Cortex-M."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from afield.platforms.microcontroller.trees.packing import Packed

#: C99 promises 127 levels of blocks
DEEPEST = 120


def depth(packed: Packed) -> int:
    """Return the most nodes that lie above one another in a tree."""
    yes, no = _links(packed)
    deepest, start = 0, 0
    for size in packed.sizes.tolist():
        levels = np.ones(size, np.int64)
        for i in range(size):  # children follow their parents
            for child in (yes[start + i], no[start + i]):
                if child < size:
                    levels[child] = levels[i] + 1
        deepest = max(deepest, int(levels.max()))
        start += size
    return deepest


def lines(packed: Packed, leaf: list[str]) -> Iterator[str]:
    """Yield the C of all trees of all targets; ``leaf`` holds the literal of each leaf.

    The code adds to ``sum`` and stores it into ``y`` behind the trees of each target.
    """
    yes, no = _links(packed)
    limit = (packed.words >> np.uint32(packed.limit_shift)).tolist()
    mask = 2**packed.feature_bits - 1
    feature = ((packed.words >> np.uint32(packed.feature_shift)) & np.uint32(mask)).tolist()
    start = first = tree = 0
    for target, count in enumerate(packed.counts.tolist()):
        yield f"sum = bias[{target}];"
        for size in packed.sizes[tree : tree + count].tolist():
            yield from _tree(size, start, first, (feature, limit, yes, no), leaf)
            start += size
            first += size + 1
        tree += count
        yield f"y[{target}] = sum;"


def _tree(
    size: int, start: int, first: int, nodes: tuple[list[int], list[int], list[int], list[int]], leaf: list[str]
) -> Iterator[str]:
    feature, limit, yes, no = nodes
    waiting: list[tuple[str, int, int]] = [("", 0, 0)]  # text to write first, node, level
    while waiting:
        text, at, level = waiting.pop()
        if text:
            yield "    " * level + text
            continue
        if at >= size:
            yield "    " * level + f"sum += {leaf[first + at - size]};"
            continue
        yield "    " * level + f"if (rank[{feature[start + at]}] <= {limit[start + at]}u) {{"
        waiting += [("}", 0, level), ("", no[start + at], level + 1), ("} else {", 0, level)]
        waiting.append(("", yes[start + at], level + 1))


def _links(packed: Packed) -> tuple[list[int], list[int]]:
    source = packed.words if packed.links is None else packed.links
    mask = np.uint32(2**packed.link_bits - 1)
    return (source & mask).tolist(), (source >> np.uint32(packed.link_bits) & mask).tolist()
