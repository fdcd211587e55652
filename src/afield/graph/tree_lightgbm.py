"""Reads LightGBM's text form of a model into ``Trees``; LightGBM itself is not needed.

Source: ``src/io/tree.cpp`` and ``include/LightGBM/tree.h`` of LightGBM 4: a node's ``decision_type`` holds bit 0
categorical, bit 1 default left, bits 2 and 3 how missing values are treated (0 none, 1 zero, 2 NaN). Leaf values carry
shrinkage and the starting score.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from afield.graph.trees import Floats, Ints, Trees

_CATEGORICAL, _DEFAULT_LEFT = 1, 2
_ZERO_IS_MISSING, _NAN_IS_MISSING = 1, 2
_ZERO = float(np.float32(1e-35))  # LightGBM drops features this small from a row: they count as 0


def read_lightgbm(text: str, outputs: int) -> Trees:
    """Return the trees of a LightGBM model; tree ``i`` adds to output ``i % outputs``.

    Raises
    ------
    ValueError
        The model has linear leaves, averages its trees or treats zeros as missing: afield trains none of these.
    """
    head, *blocks = text.split("\n\nend of trees", maxsplit=1)[0].split("\nTree=")
    if "average_output" in head.splitlines():
        raise ValueError("a model that averages its trees")
    fields = [dict(line.split("=", 1) for line in block.splitlines()[1:] if "=" in line) for block in blocks]
    if any(f.get("is_linear", "0") != "0" for f in fields):
        raise ValueError("a model with linear leaves")

    def ints(key: str) -> Ints:
        return np.array(" ".join(f.get(key, "") for f in fields).split(), dtype=np.int64)

    def floats(key: str) -> Floats:
        return np.array(" ".join(f.get(key, "") for f in fields).split(), dtype=np.float64)

    sizes = np.array([int(f["num_leaves"]) - 1 for f in fields], dtype=np.int64)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    start = (np.cumsum(sizes) - sizes)[owner]
    leaf_start = (np.cumsum(sizes + 1) - sizes - 1)[owner]
    left, right, kind, split = ints("left_child"), ints("right_child"), ints("decision_type"), floats("threshold")
    categorical, default_left, missing = (kind & _CATEGORICAL) > 0, (kind & _DEFAULT_LEFT) > 0, (kind >> 2) & 3
    if (missing[~categorical] == _ZERO_IS_MISSING).any():
        raise ValueError("a model that treats zeros as missing")
    counts, members = _categories(fields, categorical, split)
    split = np.where((split >= -_ZERO) & (split < 0.0), np.nextafter(-_ZERO, -1.0), split)
    split = np.where((split >= 0.0) & (split < _ZERO), _ZERO, split)
    return Trees(
        sizes=sizes,
        feature=ints("split_feature"),
        split=split,
        # without missing values in training NaN counts as 0; a set never holds NaN
        missing_true=~categorical & np.where(missing == _NAN_IS_MISSING, default_left, split >= 0.0),
        true_child=np.where(left >= 0, left + start, left - leaf_start),
        false_child=np.where(right >= 0, right + start, right - leaf_start),
        leaves=floats("leaf_value")[:, None],
        leaf_target=np.repeat(np.arange(len(sizes)) % outputs, sizes + 1),
        member_count=counts,
        members=members,
    )


def _categories(fields: list[dict[str, str]], categorical: NDArray[np.bool_], split: Floats) -> tuple[Ints, Floats]:
    """Return how many categories each node holds (-1: none, a threshold node), and all of them in order."""
    counts = np.full(len(split), -1, dtype=np.int64)
    members: list[Ints] = []
    node = 0
    for field in fields:
        size = int(field["num_leaves"]) - 1
        if int(field["num_cat"]):
            bounds = np.array(field["cat_boundaries"].split(), dtype=np.int64)
            words = np.array(field["cat_threshold"].split(), dtype=np.uint32)
            for at in np.flatnonzero(categorical[node : node + size]) + node:
                which = int(split[at])  # a categorical node's threshold is the number of its set
                bits = np.unpackbits(
                    words[bounds[which] : bounds[which + 1]].astype("<u4").view(np.uint8), bitorder="little"
                )
                members.append(np.flatnonzero(bits))
                counts[at] = len(members[-1])
        node += size
    return counts, np.concatenate([np.zeros(0, np.int64), *members]).astype(np.float64)
