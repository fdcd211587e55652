"""The choice of the ensemble: within limits, no worse than the best trial beyond the price, unmoved by order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from afield.data.metrics import METRICS
from afield.search.combine import Candidate, Limits, as_answers, fits, select

ROWS = 200
FREE = Limits(price_per_mb=0.0, price_per_100us=0.0, bytes=10**12, latency_us=1e12, members=30)


def truth_of(task: str, seed: int = 0) -> Any:
    draw = np.random.default_rng(seed)
    return draw.normal(size=ROWS) if task == "regression" else draw.integers(0, 3, ROWS)


def pool(task: str, count: int = 12, seed: int = 0) -> list[Candidate]:
    """Return candidates of unequal quality whose errors differ."""
    draw, truth, found = np.random.default_rng(seed + 100), truth_of(task, seed), []
    for i in range(count):
        noise = 0.3 + 0.1 * i
        if task == "regression":
            answers = (truth + noise * draw.normal(size=ROWS)).reshape(-1, 1)
        else:
            scores = np.exp(1.5 * np.eye(3)[truth] + 3 * noise * draw.normal(size=(ROWS, 3)))
            answers = scores / scores.sum(axis=1, keepdims=True)
        found.append(Candidate(f"{i:04d}", answers, bytes=500_000 + 400_000 * (i % 5), latency_us=5.0 + 9.0 * (i % 4)))
    return found


def loss_of(task: str, weights: Mapping[str, float], candidates: list[Candidate], seed: int = 0) -> float:
    metric = METRICS["rmse" if task == "regression" else "log_loss"]
    known = {c.id: c for c in candidates}
    blend = sum(w * known[i].answers for i, w in weights.items())
    return metric(truth_of(task, seed), as_answers(task, np.asarray(blend)))  # type: ignore[arg-type]


def chosen(task: str, candidates: list[Candidate], limits: Limits | None = None, seed: int = 0) -> Mapping[str, float]:
    metric = METRICS["rmse" if task == "regression" else "log_loss"]
    return select(task, truth_of(task, seed), candidates, metric, None, limits)  # type: ignore[arg-type]


@pytest.mark.parametrize("task", ["regression", "multiclass"])
@pytest.mark.parametrize("seed", range(5))
def test_never_worse_than_the_best_single_trial_on_the_same_rows(task: str, seed: int) -> None:
    candidates = pool(task, seed=seed)
    weights = chosen(task, candidates, FREE, seed)
    alone = min(loss_of(task, {c.id: 1.0}, candidates, seed) for c in candidates)
    assert loss_of(task, weights, candidates, seed) <= alone
    assert loss_of(task, weights, candidates, seed) < 0.99 * alone  # errors that differ cancel out


@pytest.mark.parametrize("seed", range(5))
def test_with_prices_it_is_worse_by_the_price_at_most(seed: int) -> None:
    candidates = pool("regression", seed=seed)
    limits = Limits(price_per_mb=0.05, price_per_100us=0.0)
    weights = chosen("regression", candidates, limits, seed)
    known = {c.id: c for c in candidates}
    affordable = [c for c in candidates if fits([c], limits)]
    unit = 0.05 * min(loss_of("regression", {c.id: 1.0}, candidates, seed) for c in candidates) / 1e6
    alone = min(loss_of("regression", {c.id: 1.0}, candidates, seed) + unit * c.bytes for c in affordable)
    paid = loss_of("regression", weights, candidates, seed) + unit * sum(known[i].bytes for i in weights)
    assert paid <= alone + 1e-12


def test_weights_sum_to_one_and_come_best_first() -> None:
    weights = chosen("multiclass", pool("multiclass"))
    assert sum(weights.values()) == pytest.approx(1.0)
    assert list(weights.values()) == sorted(weights.values(), reverse=True)
    assert len(weights) > 1


@pytest.mark.parametrize(
    "limits",
    [Limits(members=2), Limits(bytes=1_500_000), Limits(latency_us=20.0), Limits(members=1), Limits()],
    ids=str,
)
@pytest.mark.parametrize("task", ["regression", "multiclass"])
def test_limits_are_kept(task: str, limits: Limits) -> None:
    candidates = pool(task)
    known = {c.id: c for c in candidates}
    members = [known[i] for i in chosen(task, candidates, limits)]
    assert len(members) <= limits.members
    assert sum(c.bytes for c in members) <= limits.bytes * limits.larger
    assert sum(c.latency_us for c in members) <= limits.latency_us * limits.slower


def test_larger_and_slower_only_where_clearly_better() -> None:
    truth = truth_of("regression")
    light = Candidate("a", (truth + 0.1).reshape(-1, 1), 10_000, 1.0)
    for size, latency_us, error, wanted in (
        (5_000_000, 300.0, 0.0999, "a"),
        (5_000_000, 300.0, 0.099, "b"),
        (9_000_000, 1_500.0, 0.099, "a"),
        (9_000_000, 1_500.0, 0.05, "b"),
        (9_500_000, 1_500.0, 0.05, "a"),
    ):
        heavy = Candidate("b", (truth + error).reshape(-1, 1), size, latency_us)
        assert chosen("regression", [light, heavy]) == {wanted: 1.0}, (size, error)


def test_where_none_keeps_the_limits_the_smallest_is_taken() -> None:
    candidates = pool("regression")
    weights = chosen("regression", candidates, Limits(bytes=10))
    smallest = min(candidates, key=lambda c: (c.latency_us, c.bytes, c.id))
    assert weights == {smallest.id: 1.0}


def test_the_same_answers_for_fewer_bytes_are_preferred() -> None:
    truth = truth_of("regression")
    answers = (truth + 0.1).reshape(-1, 1)
    for ids in (("a", "b"), ("b", "a")):
        light, heavy = Candidate(ids[0], answers, 1_000, 1.0), Candidate(ids[1], answers.copy(), 5_000_000, 1.0)
        assert chosen("regression", [heavy, light]) == {light.id: 1.0}


def test_a_tiny_gain_is_not_worth_many_bytes() -> None:
    truth = truth_of("regression")
    good = Candidate("a", (truth + 0.1).reshape(-1, 1), 10_000, 1.0)
    better = Candidate("b", (truth + 0.0999).reshape(-1, 1), 7_000_000, 1.0)
    assert chosen("regression", [good, better]) == {"a": 1.0}
    assert chosen("regression", [good, better], FREE) == {"b": 1.0}


def test_a_tiny_gain_is_not_worth_much_time() -> None:
    truth = truth_of("regression")
    good = Candidate("a", (truth + 0.1).reshape(-1, 1), 10_000, 1.0)
    better = Candidate("b", (truth + 0.0999).reshape(-1, 1), 10_000, 190.0)
    assert chosen("regression", [good, better]) == {"a": 1.0}
    assert chosen("regression", [good, better], Limits(price_per_100us=0.0)) == {"b": 1.0}


@pytest.mark.parametrize("task", ["regression", "multiclass"])
def test_the_order_of_candidates_changes_nothing(task: str) -> None:
    candidates = pool(task)
    wanted = chosen(task, candidates)
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(len(candidates))
        found = chosen(task, [candidates[i] for i in order])
        assert list(found.items()) == list(wanted.items())


def test_equal_candidates_are_told_apart_by_their_ids() -> None:
    answers = truth_of("regression").reshape(-1, 1) + 0.1
    same = [Candidate(i, answers, 1_000, 1.0) for i in ("c", "a", "b")]
    assert chosen("regression", same) == {"a": 1.0}


def test_where_only_some_of_equal_candidates_take_part_ids_decide() -> None:
    answers = truth_of("regression").reshape(-1, 1) + 0.1
    same = [Candidate(i, answers, 1_000_000 if i == "a" else 1_000, 1.0) for i in ("d", "c", "b", "a")]
    for order in (same, same[::-1]):
        assert chosen("regression", order, Limits(keep=2)) == {"b": 1.0}
        assert chosen("regression", order, Limits(keep=1)) == {"a": 1.0}


def test_row_weights_count() -> None:
    truth = np.zeros(ROWS)
    first = np.where(np.arange(ROWS) < 100, 0.0, 5.0).reshape(-1, 1)
    second = 5.0 - first
    pair = [Candidate("a", first, 1_000, 1.0), Candidate("b", second, 1_000, 1.0)]
    heavy = np.where(np.arange(ROWS) < 100, 1.0, 1e-6)
    assert next(iter(select("regression", truth, pair, METRICS["rmse"], heavy))) == "a"
    assert next(iter(select("regression", truth, pair, METRICS["rmse"], heavy[::-1].copy()))) == "b"


def test_a_perfect_candidate_is_taken_alone() -> None:
    """With a loss of zero no share of it is a price, and no blend is better."""
    truth = truth_of("regression")
    perfect = Candidate("b", truth.reshape(-1, 1).copy(), 3_000_000, 9.0)
    assert chosen("regression", [*pool("regression")[:1], perfect]) == {"b": 1.0}


def test_scores_that_only_count_choose_by_a_proper_score() -> None:
    """Accuracy is blind to how sure an answer is: the choice goes by log loss."""
    truth = truth_of("multiclass")
    sure = 0.9 * np.eye(3)[truth] + 0.1 / 3
    faint = 0.1 * np.eye(3)[truth] + 0.9 / 3
    pair = [Candidate("a", faint, 1_000, 1.0), Candidate("b", sure, 1_000, 1.0)]
    assert select("multiclass", truth, pair, METRICS["accuracy"], None) == {"b": 1.0}
