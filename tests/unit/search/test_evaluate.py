"""Waves on an engine that goes wrong in every way: what is tried again, what fails, what is cancelled, what is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afield.data.splits import Folds
from afield.engines.protocol import Done, Job
from afield.search.clock import Clock
from afield.search.evaluate import ATTEMPTS, LATE_SHARE, Evaluator, Order, Outcome
from afield.search.interrupt import Interrupt
from afield.search.journal import Journal, read_journal
from afield.search.memory import Memory
from afield.search.recipe import Recipe, Use
from afield.search.store import Split
from small_studies import MemoryEngine, linear_recipe, ok, tree_recipe

FOLDS = 3
TREES, LINEAR = tree_recipe(), linear_recipe()
TREE_BLOCK, LINEAR_BLOCK = (f"main/{r.encoders[0].id}" for r in (TREES, LINEAR))
ORDERS = [Order(id="0000-t", recipe=TREES), Order(id="0001-l", recipe=LINEAR)]

Fate = Callable[[Job], Done | None]


def fine(job: Job) -> Done:
    if job.function.endswith("encode_block"):
        return ok(job, {"features": [{"name": job.id}], "state": "00"})
    return ok(job, {"fold": job.config["fold"], "trial": job.config["trial"]})


def bad(job: Job, outcome: Any, reason: str = "") -> Done:
    return Done(id=job.id, attempt=job.attempt, outcome=outcome, reason=reason)


class Waves:
    """An evaluator whose jobs end by ``fate``; without one they end well."""

    def __init__(self, folder: Path, fate: Fate = lambda job: None, *, last_first: bool = False) -> None:
        self.engine = MemoryEngine(lambda job: fate(job) or fine(job), last_first=last_first)
        self.path = folder / "journal.jsonl"
        self.journal = Journal.open(self.path)
        self.interrupt = Interrupt()
        self.evaluator = Evaluator(self.engine, Memory(self.journal), Clock(time.time()), self.interrupt, 7)
        self.split = Split("main", folder, folder, np.arange(6), Folds(np.arange(6) % FOLDS, FOLDS))

    def run(
        self, deadline_s: Callable[[], float | None] = lambda: None, tick: Any = lambda: None, **options: Any
    ) -> Mapping[str, Outcome]:
        return self.evaluator.run(self.split, ORDERS, deadline_s, tick, **options)


def jobs_of(path: Path) -> list[str]:
    return [r["name"] for r in read_journal(path) if r["kind"] == "job"]


def all_done(outcomes: Mapping[str, Outcome]) -> bool:
    return all(sorted(o.folds) == list(range(FOLDS)) and not o.reason and not o.stopped for o in outcomes.values())


def test_every_fold_of_every_order_is_run_once_with_its_features(tmp_path: Path) -> None:
    seen: dict[str, Mapping[str, Any]] = {}

    def fate(job: Job) -> None:
        seen[job.id] = job.config

    waves = Waves(tmp_path, fate)
    outcomes = waves.run()
    assert all_done(outcomes)
    assert outcomes["0001-l"].folds[2] == {"fold": 2, "trial": "0001-l"}
    assert sorted(jobs_of(waves.path)) == sorted(seen)
    assert len(seen) == 2 + 2 * FOLDS
    config = seen["main/0000-t/1"]
    assert config["features"] == {TREES.encoders[0].id: [{"name": TREE_BLOCK}]}
    assert Recipe.from_json(config["recipe"]).id == TREES.id
    assert (config["fold"], config["seed"], config["threads"]) == (1, 7, 1)


def test_orders_with_the_same_encoder_share_its_block(tmp_path: Path) -> None:
    waves = Waves(tmp_path)
    orders = [Order(id=f"{i:04d}-x", recipe=tree_recipe(rounds=5 + i)) for i in range(3)]
    assert all_done(waves.evaluator.run(waves.split, orders, lambda: None, lambda: None))
    assert [i for i, _ in waves.engine.log].count(TREE_BLOCK) == 1


@pytest.mark.parametrize("name", [TREE_BLOCK, "main/0000-t/1"])
def test_a_lost_attempt_is_tried_again(name: str, tmp_path: Path) -> None:
    def fate(job: Job) -> Done | None:
        return bad(job, "lost", "killed by signal 9") if job.id == name and job.attempt < ATTEMPTS else None

    waves = Waves(tmp_path, fate)
    assert all_done(waves.run())
    assert [n for i, n in waves.engine.log if i == name] == [1, 2, 3]
    assert jobs_of(waves.path).count(name) == 1


def test_a_job_that_kills_three_workers_fails_its_trial_and_no_other(tmp_path: Path) -> None:
    waves = Waves(tmp_path, lambda job: bad(job, "lost", "killed by signal 11") if job.id == "main/0000-t/1" else None)
    outcomes = waves.run()
    assert outcomes["0000-t"].reason == "fold 1: killed by signal 11"
    assert [n for i, n in waves.engine.log if i == "main/0000-t/1"] == [1, 2, 3]
    assert all_done({"l": outcomes["0001-l"]})


@pytest.mark.parametrize("outcome", ["error", "timeout"])
def test_an_error_is_not_tried_again_and_ends_the_other_folds(outcome: str, tmp_path: Path) -> None:
    waves = Waves(tmp_path, lambda job: bad(job, outcome, "ValueError: no luck") if job.id == "main/0000-t/0" else None)
    outcomes = waves.run()
    assert outcomes["0000-t"].reason == "fold 0: ValueError: no luck"
    assert not outcomes["0000-t"].stopped
    assert [n for i, n in waves.engine.log if i == "main/0000-t/0"] == [1]
    assert set(waves.engine.cancelled) <= {"main/0000-t/1", "main/0000-t/2"}
    assert not any(name.startswith("main/0000-t") for name in jobs_of(waves.path))
    assert all_done({"l": outcomes["0001-l"]})


def test_the_first_failure_is_the_reason_that_is_told(tmp_path: Path) -> None:
    waves = Waves(
        tmp_path, lambda job: bad(job, "error", f"E{job.config['fold']}") if job.id.startswith("main/0000-t") else None
    )
    assert waves.run()["0000-t"].reason == "fold 0: E0"


def test_a_failing_encoder_fails_the_trials_that_use_it(tmp_path: Path) -> None:
    waves = Waves(tmp_path, lambda job: bad(job, "error", "MemoryError: ") if job.id == LINEAR_BLOCK else None)
    outcomes = waves.run()
    assert outcomes["0001-l"].reason == "encoder scaled_number: MemoryError: "
    assert all_done({"t": outcomes["0000-t"]})
    assert not any(i.startswith("main/0001-l") for i, _ in waves.engine.log)


def test_journaled_results_are_not_run_again(tmp_path: Path) -> None:
    first = Waves(tmp_path, lambda job: bad(job, "error", "x") if job.id == "main/0001-l/2" else None)
    first.run()
    kept = set(jobs_of(first.path))
    assert kept
    first.journal.close()
    again = Waves(tmp_path)
    outcomes = again.run()
    assert all_done(outcomes)
    assert {i for i, _ in again.engine.log}.isdisjoint(kept)
    names = jobs_of(again.path)
    assert len(names) == len(set(names)) == 2 + 2 * FOLDS
    again.journal.close()
    third = Waves(tmp_path)
    assert third.run() == outcomes
    assert not third.engine.log


def test_a_result_is_used_after_its_line_is_durable(tmp_path: Path) -> None:
    waves = Waves(tmp_path)

    def fate(job: Job) -> Done | None:
        if job.function.endswith("fit_fold"):  # a fold starts when its features are there
            block = f"main/{job.config['recipe']['encoders'][0]['part']}"
            assert any(name.startswith(block) for name in jobs_of(waves.path))
        return None

    waves.engine.fate = lambda job: fate(job) or fine(job)
    assert all_done(waves.run())


def test_the_deadline_cancels_what_is_unfinished_and_keeps_the_rest(tmp_path: Path) -> None:
    waves = Waves(tmp_path)
    left = iter([9.0] * 6 + [0.0] * 99)
    outcomes = waves.run(lambda: next(left))
    assert not any(o.reason for o in outcomes.values())
    assert all(o.stopped == (len(o.folds) < FOLDS) for o in outcomes.values())
    assert any(o.stopped for o in outcomes.values())
    assert len(jobs_of(waves.path)) == 6
    assert waves.engine.cancelled
    assert not waves.engine.queue


def test_without_time_the_first_order_is_finished_where_one_is_needed(tmp_path: Path) -> None:
    waves = Waves(tmp_path)
    outcomes = waves.run(lambda: 0.0, need_one=True)
    assert all_done({"t": outcomes["0000-t"]})
    assert outcomes["0001-l"].stopped
    assert not outcomes["0001-l"].folds
    assert all(name == TREE_BLOCK or "0000-t" in name for name in jobs_of(waves.path))


def test_where_the_first_fails_the_next_is_finished(tmp_path: Path) -> None:
    waves = Waves(tmp_path, lambda job: bad(job, "error", "no") if job.id == "main/0000-t/0" else None)
    left = iter([9.0] * 4 + [0.0] * 99)
    outcomes = waves.run(lambda: next(left), need_one=True)
    assert outcomes["0000-t"].reason
    assert all_done({"l": outcomes["0001-l"]})


def test_a_wish_to_stop_stops(tmp_path: Path) -> None:
    waves = Waves(tmp_path)

    def tick() -> None:
        waves.interrupt.asked = len(jobs_of(waves.path)) >= 3

    outcomes = waves.run(tick=tick)
    assert all(o.stopped and not o.reason for o in outcomes.values())
    assert not waves.engine.queue


def test_an_exception_of_the_listener_leaves_no_job_behind(tmp_path: Path) -> None:
    waves = Waves(tmp_path)

    def tick() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        waves.run(tick=tick)
    assert not waves.engine.queue


def test_the_order_in_which_jobs_end_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert Waves(tmp_path / "a").run() == Waves(tmp_path / "b", last_first=True).run()


def test_a_refit_is_one_job_on_all_rows_with_fixed_rounds(tmp_path: Path) -> None:
    seen: list[Mapping[str, Any]] = []

    def fate(job: Job) -> None:
        seen.append(job.config)

    waves = Waves(tmp_path, fate)
    assert waves.evaluator.refit(waves.split, "0000-t", TREES, 17)["fold"] == -1
    assert (seen[-1]["fold"], seen[-1]["rounds"]) == (-1, 17)
    count = len(waves.engine.log)
    waves.evaluator.refit(waves.split, "0000-t", TREES, 17)
    assert len(waves.engine.log) == count


def test_a_refit_that_fails_says_why(tmp_path: Path) -> None:
    waves = Waves(tmp_path, lambda job: bad(job, "error", "no luck") if job.id.endswith("/-1") else None)
    with pytest.raises(ArithmeticError, match="no luck"):
        waves.evaluator.refit(waves.split, "0000-t", TREES, 17)


def test_a_refit_after_the_wish_to_stop_is_still_done(tmp_path: Path) -> None:
    """The model of a search with windows of time needs it, and the user asked for the best model so far."""
    waves = Waves(tmp_path)
    waves.interrupt.asked = True
    assert waves.evaluator.refit(waves.split, "0000-t", TREES, 17)["fold"] == -1


def test_unknown_endings_are_ignored(tmp_path: Path) -> None:
    waves = Waves(tmp_path)
    waves.engine.ended.append(Done(id="of an earlier wave", attempt=1, outcome="ok", result={}))
    assert all_done(waves.run())
    assert "of an earlier wave" not in jobs_of(waves.path)


def test_uses_differ_by_kind_and_settings() -> None:
    blocks = {Use(part="codes", settings={}, kind=k).id for k in ("category", "text")}
    assert len(blocks) == 2


def test_fits_handed_out_late_are_cut_so_that_their_trial_ends_in_time(tmp_path: Path) -> None:
    limits: dict[str, float] = {}
    left = 100.0

    def fate(job: Job) -> None:
        nonlocal left
        if "trial" in job.config:
            limits[job.id] = job.config["time_limit_s"]
            left = 4.0

    waves = Waves(tmp_path, fate)
    orders = [Order(id="0000-t", recipe=TREES, time_limit_s=8.0)]
    waves.evaluator.run(waves.split, orders, lambda: left, lambda: None, judge=lambda order: "")
    assert waves.engine.capacity() == 2
    assert limits["main/0000-t/0"] == 8.0  # much is left
    assert limits["main/0000-t/2"] == pytest.approx(8.0)  # handed out before anybody looked at the clock again
    limits.clear()
    (tmp_path / "late").mkdir()
    waves = Waves(tmp_path / "late", fate)
    waves.evaluator.run(waves.split, orders, lambda: left, lambda: None, judge=lambda order: "")
    assert limits["main/0000-t/0"] == pytest.approx(LATE_SHARE * 4.0 / 2)  # its others run beside each other after it
    assert limits["main/0000-t/1"] == pytest.approx(LATE_SHARE * 4.0 / 1)
