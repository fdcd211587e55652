"""What is tried next: the portfolio for a table's shape, then neighbours within declared bounds; by seed alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from afield.core.registry import load
from afield.parts.settings import settle
from afield.problem.schema import KINDS, ColumnSpec
from afield.search.portfolio import first_recipes
from afield.search.propose import ALONE, PARDONED, PortfolioThenNeighbours, move, neighbour
from afield.search.recipe import kind_there
from afield.search.shape import Shape
from afield.search.trial import Trial

SHAPES = [
    Shape(task, rows, classes, tuple(ColumnSpec(name=k, kind=k) for k in kinds))  # type: ignore[arg-type]
    for task, classes in (("binary", 2), ("multiclass", 30), ("regression", 0))
    for rows in (50, 5_000, 500_000)
    for kinds in (("number",), ("category", "text"), KINDS)
]


def trial(number: int, recipe: Any, loss: float, status: Any = "ok") -> Trial:
    return Trial(id=f"{number:04d}", split="main", recipe=recipe, status=status, loss=loss, score=loss)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: f"{s.task}-{s.rows}-{len(s.specs)}")
def test_the_portfolio_fits_the_table(shape: Shape) -> None:
    recipes = first_recipes(shape)
    assert len({r.id for r in recipes}) == len(recipes) >= 8
    early = [r.learner.part for r in recipes[:8]]
    assert {"linear", "small_network"} & set(early[:4])  # known within a second, and hard to beat on few rows
    assert {"linear", "lightgbm"} <= set(early)
    assert len(set(early)) >= 3  # learners that err otherwise
    for recipe in recipes:
        asked = {kind for use in recipe.encoders for kind in use.kind.split("+")}
        assert asked == shape.kinds  # no column is left out, none is asked for in vain
        for use in (*recipe.encoders, recipe.learner):
            settle(load("parts", use.part).space, use.settings)  # refuses what a part does not declare
            assert not use.kind or kind_there(use.part, use.kind, shape.kinds) == use.kind


def test_recipes_are_never_proposed_twice_and_depend_on_the_seed_alone() -> None:
    def run(seed: int) -> list[str]:
        proposer, history = PortfolioThenNeighbours(SHAPES[2], seed), []
        while len(history) < 40:
            wave = proposer.propose(history, 4)
            assert len(wave) == 4
            draw = np.random.default_rng(len(history))
            history += [trial(len(history) + i, r, draw.random()) for i, r in enumerate(wave)]
        return [t.recipe.id for t in history]

    first = run(0)
    assert len(set(first)) == 40
    assert first == run(0)
    assert first[:12] == run(1)[:12]
    assert first != run(1)


def test_after_the_strong_defaults_half_of_a_wave_are_neighbours() -> None:
    proposer, history = PortfolioThenNeighbours(SHAPES[2], 0), []
    while len(history) < ALONE + 4:
        wave = proposer.propose(history, 4)
        near = [r for r in wave if r.name.startswith("near ")]
        assert len(near) == (0 if len(history) < ALONE else 2)
        history += [trial(len(history) + i, r, 1.0 + i) for i, r in enumerate(wave)]


@pytest.mark.parametrize("ended", ["discarded", "failed"])
def test_a_learner_that_was_given_up_again_and_again_waits_for_all_others(ended: str) -> None:
    proposer = PortfolioThenNeighbours(SHAPES[2], 0)
    history: list[Trial] = []
    while len(history) < 100:
        for recipe in proposer.propose(history, 4):
            status = ended if recipe.learner.part == "lightgbm" else "ok"
            history.append(trial(len(history), recipe, 1.0, status))
    order = [t.recipe.learner.part for t in history if not t.recipe.name.startswith("near ")]
    early = [place for place, part in enumerate(order) if part == "lightgbm"][: PARDONED + 1]
    others = max(place for place, part in enumerate(order) if part != "lightgbm")
    between = [part for part in order[early[-1] + 4 : others] if part == "lightgbm"]  # the wave under way runs on
    assert between == []
    assert order.count("lightgbm") == sum(r.learner.part == "lightgbm" for r in first_recipes(SHAPES[2]))


def test_neighbours_stay_within_declared_bounds() -> None:
    draw = np.random.default_rng(0)
    for recipe in first_recipes(SHAPES[2]):
        near = recipe
        for _ in range(30):
            near = neighbour(trial(0, near, 1.0), draw)
            settle(load("parts", near.learner.part).space, near.learner.settings)
            assert near.encoders == recipe.encoders


def test_moves_reach_both_bounds_and_no_further() -> None:
    setting = load("parts", "lightgbm").space["num_leaves"]
    draw = np.random.default_rng(0)
    found = [move(setting, setting.default, draw) for _ in range(4000)]
    assert min(found) >= setting.low
    assert max(found) <= setting.high
    assert all(isinstance(v, int) for v in found)


def test_good_trials_have_more_neighbours() -> None:
    shape = SHAPES[2]
    recipes = first_recipes(shape)
    history = [trial(i, r, float(i)) for i, r in enumerate(recipes)]
    names = [r.name for r in PortfolioThenNeighbours(shape, 0).propose(history, 60)]
    best, last = names.count("near 0000"), names.count(f"near {len(recipes) - 1:04d}")
    assert best > 5
    assert last == 0


def test_failed_trials_have_no_neighbours_and_are_not_tried_again() -> None:
    shape = SHAPES[2]
    recipes = first_recipes(shape)
    history = [trial(i, r, float("nan"), "failed") for i, r in enumerate(recipes)]
    assert PortfolioThenNeighbours(shape, 0).propose(history, 4) == []
    history[3] = trial(3, recipes[3], 1.0)
    found = PortfolioThenNeighbours(shape, 0).propose(history, 4)
    assert found
    assert {r.name for r in found} == {"near 0003"}


def test_a_hurried_search_begins_with_the_strongest_and_leaves_none_out() -> None:
    shape = SHAPES[2]
    calm = [r.name for r in PortfolioThenNeighbours(shape, 0).propose([], 100)]
    hurried = [r.name for r in PortfolioThenNeighbours(shape, 0, hurried=True).propose([], 100)]
    assert sorted(calm) == sorted(hurried)
    assert "linear" not in hurried[0]
    assert [n for n in calm if n != hurried[0]] == hurried[1:]
