"""One study from question to graph: failing learners, going on, determinism, and what the honest score may see."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afield.core.errors import EngineError, ModelFileError
from afield.data.metrics import METRICS, find_metric
from afield.data.splits import outer_splits
from afield.search import outer
from afield.search.clock import Clock
from afield.search.driver import Finished
from afield.search.journal import read_journal
from afield.search.loop import FIRST_WAVE, WAVE, Budget
from afield.search.outer import baseline_answers, main_trials, outer_trials, plan_outer, pool
from afield.search.recipe import Recipe
from afield.search.store import Question
from small_studies import (
    Bench,
    MemoryEngine,
    linear_recipe,
    make_bench,
    make_question,
    only,
    propose_only,
    register,
    tree_recipe,
)

FEW = (linear_recipe(), tree_recipe())


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    propose_only(monkeypatch, FEW)
    return monkeypatch


def numbers(task: Any = "binary", **options: Any) -> Question:
    return only(make_question(task, **options), "number")


def bytes_of(finished: Finished) -> bytes:
    return finished.solution.model.SerializeToString(deterministic=True)


def trials_of(bench: Bench) -> dict[str, dict[str, Any]]:
    return {r["name"]: r["data"] for r in read_journal(bench.journal.path) if r["kind"] == "trial"}


# What goes wrong ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("part", "reason"), [("raising", "the sensor is on fire"), ("infinite", "not finite")])
def test_a_failing_learner_is_recorded_and_the_study_goes_on(
    part: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, raising="small_studies:RAISING", infinite="small_studies:INFINITE")
    propose_only(monkeypatch, [linear_recipe(learner=part, name="bad"), *FEW])
    bench = make_bench(tmp_path, numbers(), test_given=True)
    finished = bench.driver.run()
    bad, *good = finished.solution.trials
    assert bad.status == "failed"
    assert reason in bad.reason
    assert [t.status for t in good] == ["ok", "ok"]
    assert bad.id not in finished.solution.weights
    assert finished.parity.passed
    recorded = trials_of(bench)[f"main/{bad.id}"]
    assert reason in recorded["reason"]
    assert recorded["score"] is None
    told = [e.data for e in bench.events if e.kind == "trial"]
    assert [t["status"] for t in told] == ["failed", "ok", "ok"]


@pytest.mark.error_code("study.failed")
def test_where_every_trial_fails_the_reasons_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, raising="small_studies:RAISING")
    propose_only(monkeypatch, [linear_recipe(c, learner="raising") for c in (1.0, 2.0)])
    with pytest.raises(EngineError, match="None of 2 trials") as caught:
        make_bench(tmp_path, numbers()).driver.run()
    assert caught.value.code == "study.failed"
    assert "the sensor is on fire" in caught.value.got


def test_a_part_that_is_no_longer_installed_fails_its_trial_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from afield.engines.protocol import Done, Job

    def fate(job: Job) -> Done | None:
        """As a worker ends an UnsupportedError."""
        gone = job.config.get("recipe", {}).get("learner", {}).get("part") == "gone"
        return Done(id=job.id, attempt=1, outcome="error", reason="UnsupportedError: No part") if gone else None

    propose_only(monkeypatch, [linear_recipe(learner="gone"), *FEW])
    finished = make_bench(tmp_path, numbers(), engine=MemoryEngine(fate), test_given=True).driver.run()
    assert [t.status for t in finished.solution.trials] == ["failed", "ok", "ok"]


@pytest.mark.error_code("study.stopped")
def test_a_stop_before_the_first_trial(tmp_path: Path, few: Any) -> None:
    bench = make_bench(tmp_path, numbers())
    bench.driver.interrupt.asked = True
    with pytest.raises(EngineError, match="before the first trial") as caught:
        bench.driver.run()
    assert caught.value.code == "study.stopped"


def test_a_stop_in_the_search_keeps_what_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    propose_only(monkeypatch, [linear_recipe(c) for c in (0.01, 0.1, 1.0, 5.0, 10.0, 20.0)])
    bench = make_bench(tmp_path, numbers())
    listener = bench.events.append

    def stop(event: Any) -> None:
        listener(event)
        bench.driver.interrupt.asked |= event.kind == "trial" and event.data["done"] == FIRST_WAVE

    bench.driver.listener = stop
    finished = bench.driver.run()
    assert finished.interrupted
    assert finished.tested is None
    assert len(finished.solution.trials) == FIRST_WAVE
    assert finished.parity.passed
    found = finished.out_of_fold
    assert len(found.rows) == len(found.answers) == 90
    assert all(len(answers) == 90 for answers in found.baselines.values())


# Wrong graphs ---------------------------------------------------------------------------------------------------------


def test_a_member_whose_graph_is_wrong_is_left_out_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, crooked="small_studies:CROOKED")
    propose_only(monkeypatch, [linear_recipe(learner="crooked"), linear_recipe(1e-4), tree_recipe()])
    bench = make_bench(tmp_path, numbers(), test_given=True)
    finished = bench.driver.run()
    wrong = finished.solution.trials[0]
    assert wrong.status == "failed"
    assert wrong.reason.startswith("parity: off by 0.")
    assert wrong.id not in finished.solution.weights
    assert finished.parity.passed
    told = [e.data for e in bench.events if e.kind == "parity"]
    assert [d["largest"] > d["tolerance"] for d in told] == [True, False]


@pytest.mark.error_code("model.parity")
def test_where_every_graph_is_wrong_there_is_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, crooked="small_studies:CROOKED")
    propose_only(monkeypatch, [linear_recipe(c, learner="crooked") for c in (0.1, 1.0)])
    with pytest.raises(ModelFileError, match="disagree") as caught:
        make_bench(tmp_path, numbers(), test_given=True).driver.run()
    assert caught.value.code == "model.parity"


def test_a_wrong_member_is_left_out_where_members_are_fitted_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, crooked="small_studies:CROOKED")
    propose_only(monkeypatch, [linear_recipe(learner="crooked"), linear_recipe(1e-4)])
    question = replace(numbers(), times=np.arange(90.0))
    finished = make_bench(tmp_path, question, test_given=True).driver.run()
    assert finished.solution.trials[0].reason.startswith("parity")
    assert finished.parity.passed


# Going on, and determinism --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_a_study_gone_on_with_runs_nothing_twice_and_ends_the_same(task: str, tmp_path: Path, few: Any) -> None:
    if task == "regression":
        propose_only(few, [linear_recipe(task="regression"), tree_recipe()])
    question = numbers(task)
    whole = make_bench(tmp_path / "whole", question).driver.run()

    class Killed(Exception):
        pass

    for after in (1, 5, 14, 25):
        folder = tmp_path / f"cut-{after}"
        first = make_bench(folder, question)
        left = iter(range(after))

        def fate(job: Any, left: Any = left) -> None:
            if next(left, None) is None:
                raise Killed

        first.engine.fate = fate
        with pytest.raises(Killed):
            first.driver.run()
        first.journal.close()
        again = make_bench(folder, question)
        finished = again.driver.run()
        assert bytes_of(finished) == bytes_of(whole)
        assert finished.tested is not None
        assert whole.tested is not None
        assert np.array_equal(finished.tested.answers, whole.tested.answers)
        assert set(again.engine.ran).isdisjoint(first.engine.ran)
        counts = Counter((r["kind"], r["name"]) for r in read_journal(again.journal.path))
        assert set(counts.values()) == {1}
        again.journal.close()
        third = make_bench(folder, question)
        assert bytes_of(third.driver.run()) == bytes_of(whole)
        assert not third.engine.ran


def test_the_order_in_which_jobs_end_does_not_change_the_model(tmp_path: Path, few: Any) -> None:
    found = [
        make_bench(tmp_path / str(last), numbers(), engine=MemoryEngine(last_first=last)).driver.run()
        for last in (False, True)
    ]
    assert bytes_of(found[0]) == bytes_of(found[1])
    assert dict(found[0].solution.weights) == dict(found[1].solution.weights)


def test_the_seed_changes_folds_and_nothing_outside(tmp_path: Path, few: Any) -> None:
    found = [make_bench(tmp_path / str(i), numbers(), seed=s).driver.run() for i, s in enumerate((3, 3, 4))]
    assert bytes_of(found[0]) == bytes_of(found[1]) != bytes_of(found[2])


def test_time_ends_a_search_with_a_limit_and_not_one_that_counts_work(tmp_path: Path, few: Any) -> None:
    late = Clock(time.time() - 9_999)
    assert len(make_bench(tmp_path / "a", numbers(), clock=late).driver.run().solution.trials) == 2
    spent = Clock(time.time() - 9_999, budget_s=60.0)
    finished = make_bench(tmp_path / "b", numbers(), clock=spent).driver.run()
    assert [t.status for t in finished.solution.trials].count("ok") == 1  # a model, however short the time
    assert finished.tested is None


def test_a_search_that_adds_nothing_ends_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipes = [linear_recipe(2.0**i, f"linear {i}") for i in range(12)]
    propose_only(monkeypatch, recipes)
    monkeypatch.setattr("afield.search.worth.TRIALS", 4)
    monkeypatch.setattr("afield.search.worth.GAIN", 1.0)  # nothing gains that much
    bench = make_bench(tmp_path, numbers())
    finished = bench.driver.run()
    assert len(finished.solution.trials) == FIRST_WAVE + WAVE
    told = [e.data for e in bench.events if e.kind == "ended" and e.data["split"] == "main"]
    assert len(told) == 1
    assert "trials lowered the out-of-fold loss by less" in told[0]["why"]


# The honest score -----------------------------------------------------------------------------------------------------


def study_of_noise(folder: Path, question: Question) -> tuple[float, float]:
    """Return the honest score and the best out-of-fold score of many trials."""
    metric = METRICS["roc_auc" if question.answer.classes else "r2"]
    finished = make_bench(folder, question, metric=metric.name).driver.run()
    assert finished.tested is not None
    honest = metric(question.answer.values[finished.tested.rows], finished.tested.answers)
    return honest, max(t.score for t in finished.solution.trials)


def many(task: str) -> Sequence[Recipe]:
    """Return recipes that fit noise well."""
    trees = [tree_recipe(rounds=8, name=f"t{i}", num_leaves=4 + i, feature_fraction=0.5 + 0.07 * i) for i in range(6)]
    return [*trees, linear_recipe(task=task), linear_recipe(30.0, task=task)]


@pytest.mark.slow
def test_on_noise_the_honest_classifier_knows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    propose_only(monkeypatch, many("binary"))
    questions = [only(make_question(rows=80, seed=s, signal=0.0), "number") for s in range(40, 46)]
    found = np.array([study_of_noise(tmp_path / str(s), q) for s, q in enumerate(questions)])
    honest, best = found.mean(axis=0)
    assert 0.38 < honest < 0.6  # the standard error of six is 0.035; 60 gave 0.499 +- 0.010
    assert best > honest + 0.03


@pytest.mark.slow
def test_on_noise_the_honest_regressor_explains_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    propose_only(monkeypatch, many("regression"))
    questions = [only(make_question("regression", rows=80, seed=s, signal=0.0), "number") for s in range(5)]
    found = np.array([study_of_noise(tmp_path / str(s), q) for s, q in enumerate(questions)])
    honest, best = found.mean(axis=0)
    assert honest < 0.02
    assert best > honest


def test_the_outer_test_rows_touch_nothing_that_answers_them(tmp_path: Path, few: Any) -> None:
    """Other targets in an outer split's test rows leave its answers as they are, to the bit."""
    question = replace(numbers(), weights=None)
    first = make_bench(tmp_path / "a", question)
    before = first.driver.run().tested
    assert before is not None
    plan = plan_outer(question, _outer_seed(0))[0]
    values = question.answer.values.copy()
    values[plan.valid] = 1 - values[plan.valid]
    changed = replace(question, answer=replace(question.answer, values=values))
    bench = make_bench(tmp_path / "b", changed)
    part = bench.driver._outer_split("outer-0", plan, 3, 0.9)
    assert part is not None
    own = before.answers[: len(plan.valid)]
    assert np.array_equal(before.rows[: len(plan.valid)], plan.valid)
    assert np.array_equal(part.answers, own)


def _outer_seed(seed: int) -> int:
    from afield.core.randomness import derive_seed

    return derive_seed(seed, "outer")


def test_few_rows_get_three_outer_splits_and_time_gets_one() -> None:
    assert len(plan_outer(make_question(rows=60), 0)) == 3
    assert len(plan_outer(make_question(rows=3_500), 0)) == 1
    (last,) = plan_outer(replace(make_question(rows=60), times=np.arange(60.0)), 0)
    assert last.valid.min() > last.train.max()


def test_outer_trials_cost_a_third_of_the_main_search() -> None:
    assert outer_trials(8, 8, 3) == 3
    for main, folds, splits in ((24, 8, 3), (80, 5, 1), (8, 5, 1)):
        cost = outer_trials(main, folds, splits) * splits * 0.8 * 2
        assert cost <= main * (folds - 1) / 3 + 1e-9
    assert outer_trials(1, 2, 3) == 2
    assert main_trials("quick", 1_000) < main_trials("standard", 1_000) < main_trials("thorough", 1_000)
    assert main_trials("quick", 1_000_000) == 4


def test_the_baseline_is_the_best_constant_of_the_training_rows() -> None:
    question = replace(make_question("regression", rows=20), weights=np.r_[np.ones(10), np.zeros(10)])
    rows = np.arange(5, 15)
    wanted = question.answer.values[5:10].mean()
    assert baseline_answers(question, rows, 3, METRICS["rmse"]).tolist() == pytest.approx([wanted] * 3)
    for name, level in (("mae", 0.5), ("pinball:0.9", 0.9)):
        middle = np.quantile(question.answer.values[5:10], level, method="inverted_cdf")
        assert baseline_answers(question, rows, 1, find_metric(name)).tolist() == [middle]
    question = make_question("multiclass", rows=30)
    shares = baseline_answers(question, np.arange(30), 2, METRICS["log_loss"])
    assert shares.shape == (2, 3)
    assert shares[0] == pytest.approx(np.bincount(question.answer.values) / 30)


def test_outer_splits_are_pooled_in_order() -> None:
    parts = [outer.Tested(np.arange(3) + 3 * i, np.ones(3) * i, {"plain": np.zeros(3)}, 1, 5 - i) for i in range(2)]
    joined = pool(parts)
    assert joined is not None
    assert joined.rows.tolist() == [0, 1, 2, 3, 4, 5]
    assert (joined.splits, joined.trials) == (2, 4)
    assert pool([]) is None


def test_inner_splits_hold_none_of_the_test_rows(tmp_path: Path, few: Any) -> None:
    from afield.search.store import open_split

    question = replace(numbers(), groups=np.repeat(np.arange(18), 5))
    make_bench(tmp_path, question).driver.run()
    plans = outer_splits(question.answer, question.groups, None, 3, _outer_seed(0))
    for i, plan in enumerate(plans):
        rows = open_split(tmp_path / "splits" / f"outer-{i}").rows
        assert np.array_equal(rows, plan.train)
        assert not set(question.groups[rows]) & set(question.groups[plan.valid])  # type: ignore[index]


def test_out_of_fold_answers_come_from_folds_without_the_row(tmp_path: Path, few: Any) -> None:
    """Other targets in one fold leave the out-of-fold answers to its rows as they are, to the bit."""
    propose_only(few, [linear_recipe()])  # early stopping looks at the fold; a linear model does not
    question = numbers()
    bench = make_bench(tmp_path / "a", question)
    search = bench.driver.main_search()
    search.run(Budget(trials=1))
    folds = search.split.folds
    before = search.answers(search.trials[0].id)
    values = question.answer.values.copy()
    own = folds.of == 2
    values[own] = 1 - values[own]
    changed = replace(question, answer=replace(question.answer, values=values))
    other = make_bench(tmp_path / "b", changed)
    (tmp_path / "b" / "splits").mkdir(parents=True)
    from afield.search.store import Split, save_split

    rows = np.arange(90, dtype=np.int64)
    save_split(Split("main", tmp_path / "b" / "splits" / "main", tmp_path / "b" / "table", rows, folds))
    search = other.driver.main_search()
    search.run(Budget(trials=1))
    after = search.answers(search.trials[0].id)
    assert np.array_equal(after[own], before[own])
    assert not np.array_equal(after[~own], before[~own])
