"""The recipes that are worth a try on a table of a shape, and the order in which they add most."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from afield.core.registry import is_ready
from afield.search.order import learned_order
from afield.search.recipe import Recipe, Use, kind_there
from afield.search.shape import Shape

#: column kind, or kinds joined by + -> encoders with settings, for learners that split and for learners that weigh
Prepared = tuple[str, Mapping[str, Any]]
Encoding = Mapping[str, Sequence[Prepared]]

TREE: Encoding = {
    "number": [("number", {})],
    "category": [("codes", {})],
    "datetime": [("datetime", {"form": "tree"})],
    "text": [("text", {})],
}
TREE_MEANS: Encoding = {**TREE, "category": [("codes", {}), ("target_mean", {})]}
#: oblivious trees split a column by one threshold for a whole level of theirs: few levels are told apart at once
FEW: Prepared = ("onehot", {"few_levels": 12})
#: what columns say together, which a tree would need many splits for
TOGETHER: Prepared = ("arithmetic", {})
TWICE: Prepared = ("arithmetic", {"rounds": 2})
GROUPS: Prepared = ("group_stats", {})
BOTH = "category+number"
LINEAR: Encoding = {
    "number": [("scaled_number", {})],
    "category": [("onehot", {})],
    "datetime": [("datetime", {"form": "linear"})],
    "text": [("text", {})],
}


def make_recipe(name: str, encoding: Encoding, learner: str, settings: Mapping[str, Any], shape: Shape) -> Recipe:
    """Return the recipe with encoders for the kinds that the table has."""
    encoders = tuple(
        Use(part=part, settings=chosen, kind=there)
        for kind, uses in encoding.items()
        for part, chosen in uses
        if (there := kind_there(part, kind, shape.kinds))
    )
    return Recipe(name=name, encoders=encoders, learner=Use(part=learner, settings=settings))


def with_few(encoding: Encoding, shape: Shape) -> Encoding:
    """Return the encoding with 0/1 columns for the levels of categories that have few."""
    few = any(s.kind == "category" and len(s.levels) <= FEW[1]["few_levels"] for s in shape.specs)
    return {**encoding, "category": [*encoding["category"], FEW]} if few else encoding


def prepared(encoding: Encoding, *uses: Prepared) -> Encoding:
    """Return the encoding with encoders of numbers beside categories."""
    return {**encoding, BOTH: uses}


#: rows that bear no wide matrix, and need no such care
MANY_ROWS = 200_000
#: for tables of fewer rows than the first figure: learning rate and leaves
PACES: tuple[tuple[float, float, int], ...] = ((100_000, 0.1, 31), (300_000, 0.1, 63), (math.inf, 0.2, 127))


#: numbers learned from so many rows bear deeper oblivious trees in smaller steps: alone an error 0.3, 0.8 and 4 % lower
#: on three tables; on classes no gain
DEEP_ROWS = 10_000


def _pace(shape: Shape) -> dict[str, Any]:
    """Return how boosting strides: more rows bear larger trees and, since each round costs more, larger steps."""
    many = shape.classes > 10
    rate, leaves = next((r, n) for below, r, n in PACES if shape.rows < below)
    patience = 20 if many or shape.rows > 50_000 else 30
    rounds = _rounds(shape, 1_000)
    return {"learning_rate": 0.2 if many else rate, "num_leaves": leaves, "patience": patience, "max_rounds": rounds}


def _rounds(shape: Shape, most: int) -> int:
    """Return how many rounds boosting may take: each is a tree for every class, and many rows have the larger trees."""
    most = most if shape.rows < 100_000 else most // 2
    return max(100, 2 * most // max(2, shape.classes))


def _width(shape: Shape) -> int:
    """Return how many columns levels may fill: at most 40 million cells."""
    return int(min(2_000, max(50, 40_000_000 // max(shape.rows, 1))))


def first_recipes(shape: Shape) -> list[Recipe]:
    """Return the catalogue for a table of this shape, what adds most first."""
    recipes = catalogue(shape)
    return [recipes[i] for i in learned_order(shape, [r.name for r in recipes])]


def catalogue(shape: Shape) -> list[Recipe]:
    """Return every recipe that differs, each with a name of its own, the defaults first."""
    families = (_boosted, _oblivious, _linear, _networks, _forests)
    return list({r.id: r for family in families for r in family(shape)}.values())


def _boosted(shape: Shape) -> list[Recipe]:
    pace = _pace(shape)
    small_leaf = {"min_data_in_leaf": 5} if shape.rows < 1_000 else {}
    numbers = {"categories": "numbers"}
    slow = {"learning_rate": pace["learning_rate"] / 2, "max_rounds": 2 * pace["max_rounds"]}

    def boosted(name: str, encoding: Encoding, **settings: Any) -> Recipe:
        return make_recipe(name, encoding, "lightgbm", pace | small_leaf | settings, shape)

    return [
        boosted("boosted trees", TREE),
        boosted("boosted trees, small leaves", TREE_MEANS, num_leaves=12, feature_fraction=0.7, **slow),
        boosted("boosted trees, random splits", TREE_MEANS, extra_trees=True, feature_fraction=0.8, **numbers),
        boosted("boosted trees, stumps and pairs", TREE_MEANS, num_leaves=5, feature_fraction=0.6),
        boosted("boosted trees, deep", TREE, num_leaves=96, feature_fraction=0.5, lambda_l2=5.0),
        boosted(
            "boosted trees, smoothed",
            with_few(TREE, shape),
            num_leaves=24,
            path_smooth=10.0,
            lambda_l2=1.0,
            **numbers,
            **slow,
        ),
        boosted("boosted trees, bagged", TREE, num_leaves=20, bagging_fraction=0.7, feature_fraction=0.5, **slow),
        boosted("boosted trees, prepared", prepared(TREE_MEANS, TOGETHER), feature_fraction=0.8),
        boosted("boosted trees, groups", prepared(TREE_MEANS, GROUPS), feature_fraction=0.8),
        boosted(
            "boosted trees, prepared twice", prepared(TREE_MEANS, TWICE), num_leaves=12, feature_fraction=0.6, **slow
        ),
        boosted(
            "boosted trees, prepared, random splits",
            prepared(TREE_MEANS, TOGETHER, GROUPS),
            extra_trees=True,
            **numbers,
            **slow,
        ),
    ]


def _oblivious(shape: Shape) -> list[Recipe]:
    """CatBoost: a round costs more than LightGBM's, and each class of many costs as much again."""
    rounds, means = _rounds(shape, 2_000), with_few(TREE_MEANS, shape)
    slow = {"learning_rate": 0.07, "max_rounds": 2 * rounds}
    base: dict[str, Any] = {"max_rounds": rounds, "patience": 40}
    if shape.task == "regression" and shape.rows >= DEEP_ROWS:
        base |= {"depth": 6, "learning_rate": 0.1}

    def oblivious(name: str, encoding: Encoding, **settings: Any) -> Recipe:
        return make_recipe(name, encoding, "catboost", base | settings, shape)

    return [
        oblivious("oblivious trees", means),
        oblivious("oblivious trees, slow", means, depth=6, rsm=0.6, **slow),
        oblivious("oblivious trees, shallow", means, depth=3, l2_leaf_reg=1.0),
        oblivious("oblivious trees, deep", with_few(TREE, shape), depth=8, l2_leaf_reg=6.0),
        oblivious("oblivious trees, all columns", means, depth=6, rsm=1.0, random_strength=1.0),
        oblivious("oblivious trees, prepared", prepared(means, TOGETHER)),
        oblivious("oblivious trees, prepared twice", prepared(means, TWICE, GROUPS), depth=6, rsm=0.6, **slow),
    ]


def _linear(shape: Shape) -> list[Recipe]:
    encoding = dict(LINEAR) | {"category": [("onehot", {"max_width": _width(shape)})]}
    if shape.rows > MANY_ROWS:  # a column for each level of each would take gigabytes, and these rows need no such care
        encoding["category"] = [("target_mean", {})]

    def linear(name: str, strength: float) -> Recipe:
        # C weighs the data against the penalty, alpha the penalty against the data
        settings = {"alpha": 1.0 / strength} if shape.task == "regression" else {"C": strength}
        return make_recipe(name, encoding, "linear", settings, shape)

    return [linear("linear", 1.0), linear("linear, held back", 0.05), linear("linear, free", 20.0)]


def _networks(shape: Shape) -> list[Recipe]:
    """Return small networks by numpy; those by PyTorch, much stronger, want the extra ``neural``."""
    encoding = {**LINEAR, "category": [("onehot", {"max_width": 200})]}
    one_layer = {"width": 16, "depth": 1, "weight_decay": 0.1}
    found = [
        make_recipe("small network", encoding, "small_network", one_layer, shape),
        make_recipe("small network, two layers", encoding, "small_network", {}, shape),
    ]
    if shape.rows > MANY_ROWS:
        found = []
    if not is_ready("network"):
        return found

    def network(name: str, **settings: Any) -> Recipe:
        return make_recipe(name, TREE, "network", settings, shape)

    return [
        *found,
        network("network"),
        network("network, piecewise", embedding="piecewise", activation="relu"),
        network("network, ranked", embedding="plain", numbers="ranked", dropout=0.15, weight_decay=0.3),
        network("network, wide", width=128, learning_rate=3e-3),
    ]


def _forests(shape: Shape) -> list[Recipe]:
    def forest(name: str, encoding: Encoding, **settings: Any) -> Recipe:
        return make_recipe(name, encoding, "forest", {"max_bytes": 400_000} | settings, shape)

    return [
        forest("extra trees", TREE_MEANS, kind="extra"),
        forest("random forest", TREE_MEANS, kind="random"),
        forest("extra trees, all columns", TREE_MEANS, kind="extra", max_features=1.0, max_bytes=800_000),
        forest(
            "extra trees, prepared", prepared(TREE_MEANS, TOGETHER), kind="extra", max_features=1.0, max_bytes=800_000
        ),
    ]
