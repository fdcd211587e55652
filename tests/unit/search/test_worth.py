"""The end of a search that adds nothing any more: by answers alone, and not before it had its chance."""

from __future__ import annotations

import numpy as np

from afield.data.metrics import choose_metric
from afield.search.recipe import Recipe, Use
from afield.search.trial import Trial
from afield.search.worth import TRIALS, Worth

RECIPE = Recipe(name="r", encoders=(), learner=Use(part="linear", settings={}))
TRUTH = np.random.default_rng(0).normal(size=800)


def made(quality: list[float]) -> tuple[Worth, list[Trial]]:
    answers = {
        f"{i:04d}": (TRUTH + np.random.default_rng(i + 1).normal(size=800) * q)[:, None] for i, q in enumerate(quality)
    }
    metric = choose_metric("regression", None)
    trials = [Trial(id=i, split="main", recipe=RECIPE, status="ok") for i in answers]
    return Worth("regression", TRUTH, None, metric, answers.__getitem__), trials


def test_ends_when_trials_stopped_adding() -> None:
    worth, trials = made([0.1, 0.1, 0.1, 0.1] + [50.0] * TRIALS)
    worth.add(trials[:4])
    assert not worth.reached
    for start in range(4, len(trials), 4):
        assert not worth.reached
        worth.add(trials[start : start + 4])
    assert worth.reached


def test_goes_on_while_the_blend_gets_better_though_no_trial_alone_does() -> None:
    worth, trials = made([1.0] * (2 * TRIALS))  # errors of their own: each one more lowers the blend's
    for start in range(0, TRIALS + 4, 4):
        worth.add(trials[start : start + 4])
    assert len({round(loss, 6) for _, loss in worth._history}) > 3


def test_failed_trials_count_as_tried() -> None:
    worth, trials = made([0.1] * 4)
    worth.add(trials)
    failed = [Trial(**(vars(t) | {"status": "failed"})) for t in trials]
    for _ in range(TRIALS // 4):
        worth.add(failed)
    assert worth.reached


def test_nothing_done_is_no_reason_to_end() -> None:
    worth, trials = made([0.1] * 4)
    assert not worth.reached
    worth.add([Trial(**(vars(t) | {"status": "failed"})) for t in trials])
    assert not worth.reached
