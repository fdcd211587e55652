from __future__ import annotations

import io
from typing import Any

import pytest

from afield.api import progress
from afield.api.progress import Lines, Standing
from afield.api.wording import duration, figure, size, trial_text
from afield.core.events import Event


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def trial(done: int, **changes: Any) -> Event:
    ended = {"split": "main", "status": "ok", "score": 0.9, "loss": -0.9, "done": done, "planned": 10, "recipe": "r"}
    return Event("trial", ended | changes)


def test_best_follows_the_loss_and_the_main_split_only() -> None:
    standing = Standing()
    standing.take(Event("problem", {"metric": "roc_auc"}))
    for event in (trial(1), trial(2, score=0.8, loss=-0.8), trial(3, split="outer-0", score=0.99, loss=-0.99)):
        standing.take(event)
    standing.take(trial(4, status="failed", score=None, loss=None))
    assert (standing.best, standing.done) == (0.9, 4)
    assert standing.texts()[0] == "best roc_auc 0.9"


def test_time_left_of_a_budget(clock: list[float]) -> None:
    standing = Standing(60.0)
    clock[0] += 45
    assert (standing.left_s, standing.fraction, standing.texts()) == (15.0, 0.75, ["15 s left"])
    clock[0] += 45
    assert (standing.left_s, standing.fraction) == (0.0, 1.0)


def test_time_left_is_guessed_from_enough_trials(clock: list[float]) -> None:
    standing = Standing()
    standing.take(Event("stage", {"name": "search"}))
    clock[0] += 8
    standing.take(trial(2))
    assert standing.left_s is None
    standing.take(trial(4))
    assert (standing.left_s, standing.fraction) == (12.0, 0.4)
    assert standing.texts()[-1] == "about 12 s left"
    standing.take(Event("stage", {"name": "check the file"}))
    assert standing.left_s is None


def test_lines_thin_out_trials_but_show_failures(clock: list[float]) -> None:
    stream = io.StringIO()
    lines = Lines(stream, budget_s=100.0)
    for number in range(1, 7):
        lines(trial(number, recipe={"name": f"r{number}"}))
        clock[0] += 1.0
    lines(trial(7, status="failed", reason="no luck", recipe={"name": "r7"}))
    lines(trial(8, status="stopped"))
    shown = [line.partition(": ")[2].split()[0] for line in stream.getvalue().splitlines()]
    assert shown == ["r1", "r3", "r5", "r7"]
    assert " of 10" not in stream.getvalue()  # a cap, where time decides


def test_trial_of_an_outer_split_says_so() -> None:
    assert trial_text({"done": 2, "split": "outer-1", "recipe": "linear", "score": 1.0}) == "trial 2, outer-1: linear 1"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (59.4, "59 s"), (200, "3 min 20 s"), (3900, "1 h 5 min"), (-3, "0 s")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234567, "1,234,567"), (0.000012345, "1.234e-05"), (123456.7, "123,457"), (True, "True"), (None, "unknown")],
)
def test_figures(value: object, text: str) -> None:
    assert figure(value) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (5e12, "5000.0 GB")])
def test_sizes(count: float, text: str) -> None:
    assert size(count) == text
