"""Small models for tight limits and for the front: few trees, a linear model, a tiny network.

Each is a trial like any other, on labels and on what the ensemble teaches; its out-of-fold answers decide which way of
learning serves this table. Without limits a few of the cheapest are tried, so that the front has its small end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from afield.core.registry import list_parts
from afield.search.combine import Price
from afield.search.lesson import AUGMENTED, SOFT
from afield.search.portfolio import LINEAR, TREE, Encoding, make_recipe
from afield.search.recipe import Recipe
from afield.search.shape import Shape

#: trees of all classes together, leaves, learning rate; the largest first, for time may end
SIZES: tuple[tuple[int, int, float], ...] = ((60, 16, 0.12), (40, 10, 0.2), (20, 8, 0.3), (10, 8, 0.4), (5, 4, 0.5))
FEW_SIZES = (SIZES[1], SIZES[3])
#: lessons are tried where they may pay: few leaves have no room for them, and made-up rows are dear
SOFT_SIZES, AUGMENTED_SIZES = (*SIZES[:2], SIZES[3]), SIZES[:2]
NETWORK = "small_network"
#: rows times classes up to which students are tried although nobody asked for a small model
CHEAP_ROWS = 100_000
#: kinds whose encoders may be heavier than a small model; left out together, the heaviest first
HEAVY = (("text",), ("text", "category"))


def students(shape: Shape, teacher: Mapping[str, float], *, limited: bool) -> list[Recipe]:
    """Return the recipes of small models for a table; ``teacher``: trial to weight."""
    if not limited and shape.rows * max(1, shape.classes) > CHEAP_ROWS:
        return []
    sizes = SIZES if limited else FEW_SIZES
    plain = [_trees(size, TREE, shape) for size in sizes]
    if not limited:
        return [r for recipe in plain for r in (recipe, _taught(recipe, SOFT, teacher))]
    linear = make_recipe("linear", _light(LINEAR, shape), "linear", {}, shape)
    others = [linear, *(_networks(shape) if _has(NETWORK) else [])]
    found = [*plain, *others[1:]]
    soft = [_trees(size, TREE, shape) for size in SOFT_SIZES]
    found += [_taught(r, SOFT, teacher) for r in [*soft, *others]]
    found += [_taught(_trees(size, TREE, shape), AUGMENTED, teacher) for size in AUGMENTED_SIZES]
    found += [_taught(r, AUGMENTED, teacher) for r in others[1:]]
    for left_out in HEAVY:
        kinds = shape.kinds - set(left_out)
        if kinds and kinds != shape.kinds and set(left_out) <= shape.kinds:
            found += _narrow(shape, kinds, teacher)
    return list({r.id: r for r in found}.values())


def _narrow(shape: Shape, kinds: set[str], teacher: Mapping[str, float]) -> list[Recipe]:
    """Return small models that look at columns of these kinds only."""
    trees = {k: v for k, v in TREE.items() if k in kinds}
    linear = {k: v for k, v in LINEAR.items() if k in kinds}
    plain = [_trees(size, trees, shape) for size in FEW_SIZES] + [make_recipe("linear", linear, "linear", {}, shape)]
    note = " and ".join(sorted(kinds)) + " only"
    return [_named(r, f"{r.name}, {note}") for r in [*plain, _taught(plain[0], SOFT, teacher)]]


def _trees(size: tuple[int, int, float], encoding: Encoding, shape: Shape) -> Recipe:
    trees, leaves, rate = size
    rounds = max(2, trees // (shape.classes if shape.classes > 2 else 1))
    settings: dict[str, Any] = {"max_rounds": rounds, "num_leaves": leaves, "learning_rate": rate, "patience": rounds}
    if shape.rows < 1_000:
        settings["min_data_in_leaf"] = 5
    return make_recipe(f"{rounds} small trees", encoding, "lightgbm", settings, shape)


def _networks(shape: Shape) -> Sequence[Recipe]:
    return [make_recipe("small network", _light(LINEAR, shape), NETWORK, {}, shape)]


def _light(encoding: Encoding, shape: Shape) -> Encoding:
    """Return the encoding with few columns for levels."""
    if "category" not in shape.kinds:
        return encoding
    return dict(encoding) | {"category": [("onehot", {"max_width": 100})]}


def _taught(recipe: Recipe, labels: str, teacher: Mapping[str, float]) -> Recipe:
    lesson = {"labels": labels, "teacher": dict(sorted(teacher.items()))}
    words = {SOFT: "taught by the ensemble", AUGMENTED: "taught by the ensemble, with made-up rows"}[labels]
    return Recipe(name=f"{recipe.name}, {words}", encoders=recipe.encoders, learner=recipe.learner, lesson=lesson)


def _named(recipe: Recipe, name: str) -> Recipe:
    return Recipe(name=name, encoders=recipe.encoders, learner=recipe.learner, lesson=recipe.lesson)


def _has(part: str) -> bool:
    return any(e.name == part for e in list_parts())


def limit_of(size_bytes: int | None, latency_us: float | None) -> Price | None:
    """Return the limits as a price; None where there are none."""
    if size_bytes is None and latency_us is None:
        return None
    return Price(10**15 if size_bytes is None else size_bytes, 1e15 if latency_us is None else latency_us)
