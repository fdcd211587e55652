"""Ids of recipes and of their parts: equal for equal work, whatever its name or the order of its settings."""

from __future__ import annotations

import json
from dataclasses import replace

from afield.search.recipe import Recipe, Use
from small_studies import NUMBERS, linear_recipe, tree_recipe


def test_the_id_depends_on_the_work_alone() -> None:
    one = Use(part="lightgbm", settings={"a": 1, "b": 2.5})
    other = Use(part="lightgbm", settings={"b": 2.5, "a": 1})
    assert one.id == other.id
    first = Recipe(name="x", encoders=NUMBERS, learner=one)
    assert first.id == Recipe(name="y", encoders=NUMBERS, learner=other).id


def test_every_change_of_the_work_changes_the_id() -> None:
    recipe = tree_recipe()
    changed = [
        tree_recipe(rounds=21),
        replace(recipe, learner=replace(recipe.learner, part="forest")),
        replace(recipe, encoders=()),
        replace(recipe, encoders=(replace(recipe.encoders[0], kind="category"),)),
        replace(recipe, encoders=recipe.encoders * 2),
        linear_recipe(),
    ]
    assert len({recipe.id, *(r.id for r in changed)}) == 1 + len(changed)


def test_a_recipe_survives_json() -> None:
    recipe = tree_recipe(extra_trees=True, bagging_fraction=0.7)
    again = Recipe.from_json(json.loads(json.dumps(recipe.to_json())))
    assert again.to_json() == recipe.to_json()
    assert again.id == recipe.id
    assert again.encoders[0].id == recipe.encoders[0].id
