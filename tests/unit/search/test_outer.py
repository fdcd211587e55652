"""How many outer splits a time limit bears."""

from __future__ import annotations

from afield.search.outer import affordable


def test_slow_trials_leave_one_split_and_quick_ones_all() -> None:
    assert affordable(3, main_trials=40, main_folds=8, main_s=36.0, budget_s=60.0) == 3
    assert affordable(3, main_trials=8, main_folds=8, main_s=36.0, budget_s=60.0) == 1
    assert affordable(1, main_trials=1, main_folds=3, main_s=36.0, budget_s=60.0) == 1
    assert affordable(3, main_trials=0, main_folds=3, main_s=0.0, budget_s=60.0) >= 1
