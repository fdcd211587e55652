"""How many outer splits a time limit bears, and which of them may speak for the main search."""

from __future__ import annotations

from afield.search.outer import affordable, stands_for
from afield.search.recipe import Recipe, Use
from afield.search.trial import Trial

RECIPE = Recipe(name="r", encoders=(), learner=Use(part="linear", settings={}))


def trials(*losses: float) -> list[Trial]:
    return [Trial(id=f"{i}", split="s", recipe=RECIPE, status="ok", loss=v) for i, v in enumerate(losses)]


def test_slow_trials_leave_one_split_and_quick_ones_all() -> None:
    assert affordable(3, main_trials=40, main_folds=8, main_s=36.0, budget_s=60.0) == 3
    assert affordable(3, main_trials=8, main_folds=8, main_s=36.0, budget_s=60.0) == 1
    assert affordable(1, main_trials=1, main_folds=3, main_s=36.0, budget_s=60.0) == 1
    assert affordable(3, main_trials=0, main_folds=3, main_s=0.0, budget_s=60.0) >= 1


def test_a_search_that_was_cut_short_does_not_stand_for_a_long_one() -> None:
    assert stands_for(trials(3.0, 1.09), trials(1.0, 2.0), 40_000)
    assert not stands_for(trials(3.0, 1.12), trials(1.0, 2.0), 40_000)
    assert stands_for(trials(1.2), trials(1.0), 500)  # few rows differ by chance
    assert not stands_for([], trials(1.0), 500)
    assert stands_for(trials(-0.95), trials(-1.0), 40_000)  # a score turned around
