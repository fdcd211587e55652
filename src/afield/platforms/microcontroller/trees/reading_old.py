"""``TreeEnsembleRegressor`` and ``TreeEnsembleClassifier`` (ai.onnx.ml 1 to 4) as a ``Forest`` and what follows it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from afield.platforms.microcontroller.ir import Array, Node
from afield.platforms.microcontroller.trees.forest import Forest
from afield.platforms.microcontroller.trees.reading import Raw, forest_of_rows

REGRESSOR, CLASSIFIER = "ai.onnx.ml.TreeEnsembleRegressor", "ai.onnx.ml.TreeEnsembleClassifier"
_MODES = {"BRANCH_LEQ": 0, "BRANCH_LT": 1, "BRANCH_GTE": 2, "BRANCH_GT": 3, "BRANCH_EQ": 4, "BRANCH_NEQ": 5}
TRANSFORMS = {"NONE": "", "LOGISTIC": "Sigmoid", "SOFTMAX": "Softmax"}


@dataclass(frozen=True)
class Old:
    """An ensemble of the old form.

    Parameters
    ----------
    forest : Forest
    base : float64 [outputs]
        What is added to the sums.
    transform : str
        ``Sigmoid``, ``Softmax`` or "".
    labels : tuple or None
        Of a classifier.
    one_sided : bool
        A classifier of two labels that sums one number, which speaks for the second label.
    positive : bool
        Whether all weights of a one-sided one are at least 0: then its sum is a probability.
    """

    forest: Forest
    base: Array
    transform: str
    labels: tuple[str | int, ...] | None = None
    one_sided: bool = False
    positive: bool = False


def read_old(node: Node) -> Old | str:  # noqa: PLR0911 - a reason each
    """Return the ensemble of a node, or why it cannot be compiled."""
    a = node.attributes
    transform = a.get("post_transform", "NONE")
    if transform not in TRANSFORMS:
        return f"its post_transform {transform} is not supported; only NONE, LOGISTIC and SOFTMAX are."
    kind = a.get("aggregate_function", "SUM")
    if kind not in ("SUM", "AVERAGE"):
        return "it takes the least or the largest of its trees; only sums and averages are supported."
    stem = "class" if node.op == CLASSIFIER else "target"
    labels = None
    if node.op == CLASSIFIER:
        strings, whole = a.get("classlabels_strings"), a.get("classlabels_int64s")
        given = strings if isinstance(strings, tuple) and strings else whole
        labels = tuple(given) if isinstance(given, tuple) else ()
    ids = _whole(node, f"{stem}_ids")
    one_sided = labels is not None and len(labels) == 2 and len(np.unique(ids)) == 1
    if one_sided and ids[0]:
        return "all its weights are of the second of two labels, for which runtimes disagree; give them to the first."
    count = a.get("n_targets")
    outputs = 1 if one_sided else len(labels) if labels is not None else int(count if isinstance(count, int) else 1)
    raw = _raw(node)
    if isinstance(raw, str):
        return raw
    nodes, index = raw
    weights = _numbers(node, f"{stem}_weights")
    rows = np.zeros((len(index.leaves), outputs))
    keys = zip(*(_whole(node, f"{stem}_{k}").tolist() for k in ("treeids", "nodeids")), strict=True)
    for (tree, place), target, weight in zip(keys, ids, weights, strict=True):
        if (tree, place) not in index.leaves or not (one_sided or 0 <= target < outputs):
            return "its weights belong to no leaf."
        rows[index.leaves[tree, place], 0 if one_sided else target] += weight
    if kind == "AVERAGE":
        rows /= max(1, len(nodes.roots))
    forest = forest_of_rows(nodes, rows)
    if isinstance(forest, str):
        return forest
    base = _numbers(node, "base_values")
    return Old(
        forest=forest,
        base=base if len(base) == outputs else np.zeros(outputs),
        transform=TRANSFORMS[str(transform)],
        labels=labels,
        one_sided=one_sided,
        positive=bool((weights >= 0).all()),
    )


@dataclass(frozen=True)
class _Index:
    leaves: dict[tuple[int, int], int]


def _numbers(node: Node, name: str) -> Array:
    """Return an attribute of floats, whether stated as a list or as a tensor."""
    for key in (f"{name}_as_tensor", name):
        value = node.attributes.get(key)
        if isinstance(value, tuple | np.ndarray) and np.size(value):
            return np.asarray(value, dtype=np.float64).ravel()
    return np.zeros(0)


def _whole(node: Node, name: str) -> Array:
    """Return an attribute of whole numbers; empty where it is absent."""
    value = node.attributes.get(name)
    return np.array(value if isinstance(value, tuple) else (), dtype=np.int64)


def _raw(node: Node) -> tuple[Raw, _Index] | str:
    def whole(name: str) -> Array:
        return _whole(node, name)

    stated = node.attributes.get("nodes_modes")
    modes = [str(m) for m in stated] if isinstance(stated, tuple) else []
    unknown = sorted({m for m in modes if m not in _MODES and m != "LEAF"})
    if unknown:
        return f"its nodes ask {', '.join(unknown)}, which is not known."
    trees, places = whole("nodes_treeids").tolist(), whole("nodes_nodeids").tolist()
    inner: dict[tuple[int, int], int] = {}
    leaves: dict[tuple[int, int], int] = {}
    for key, mode in zip(zip(trees, places, strict=True), modes, strict=True):
        group = leaves if mode == "LEAF" else inner
        group[key] = len(group)

    def link(tree: int, place: int) -> int:
        key = (tree, place)
        return inner[key] if key in inner else ~leaves[key]

    asks = np.array([m != "LEAF" for m in modes], dtype=bool)
    owner = np.array(trees)[asks].tolist()
    try:
        yes, no = (
            np.array([link(t, p) for t, p in zip(owner, whole(f"nodes_{side}nodeids")[asks].tolist(), strict=True)],
                     dtype=np.int64)
            for side in ("true", "false")
        )  # fmt: skip
    except KeyError:
        return "its nodes point outside of their tree."
    children = {(t, int(c)) for side in ("true", "false")
                for t, c in zip(owner, whole(f"nodes_{side}nodeids")[asks], strict=True)}  # fmt: skip
    roots = [link(*key) for key in zip(trees, places, strict=True) if key not in children]
    missing = whole("nodes_missing_value_tracks_true")
    return Raw(
        roots=np.array(roots, dtype=np.int64),
        feature=whole("nodes_featureids")[asks],
        split=_numbers(node, "nodes_values")[asks],
        mode=np.array([_MODES[m] for m in modes if m != "LEAF"], dtype=np.int64),
        missing_yes=missing[asks].astype(bool) if len(missing) else np.zeros(int(asks.sum()), bool),
        yes=yes,
        no=no,
        sets={},
    ), _Index(leaves)
