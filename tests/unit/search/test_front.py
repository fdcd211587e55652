"""The front: nothing on it is beaten, the study's own model is on it, and noise shrinks with rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from afield.data.metrics import METRICS
from afield.search.combine import Candidate, Choice, Limits, Price, Selector
from afield.search.front import MOST_POINTS, Judge, Point, find_front, thinned, undominated

FIXED = Price(5_000, 6.0)


def pool(rows: int, count: int = 10) -> tuple[Judge, list[Candidate]]:
    """Return trials of which the better ones are the larger ones."""
    draw = np.random.default_rng(1)
    truth = draw.integers(0, 2, rows)
    found = []
    for i in range(count):
        score = (2.0 * truth - 1) + (2.5 - 0.2 * i) * draw.normal(size=rows)
        positive = 1 / (1 + np.exp(-score))
        size, time = 4_000 * 2**i, 4.0 * 1.5**i
        answers = np.column_stack([1 - positive, positive])
        found.append(Candidate(f"{i:04d}", answers, size, time, Price(size // 4, time / 4), {"e": Price(300, 1.0)}))
    return Judge(task="binary", truth=truth, metric=METRICS["roc_auc"], weights=None), found


def front_of(rows: int = 600, count: int = 10) -> tuple[list[Point], Choice]:
    judge, candidates = pool(rows, count)
    selector = Selector("binary", judge.truth, candidates, judge.metric, None)
    own = selector.best(Limits())
    return find_front(judge, candidates, FIXED, {c.id: f"recipe {c.id}" for c in candidates}, own), own


def test_no_point_beats_another_and_the_smallest_comes_first() -> None:
    points, own = front_of()
    assert 3 <= len(points) <= MOST_POINTS
    assert [p.bytes for p in points] == sorted(p.bytes for p in points)
    for a in points:
        for b in points:
            if a is not b and not b.own:
                assert not (a.score >= b.score and a.bytes <= b.bytes and a.latency_us <= b.latency_us)
    assert [p.weights for p in points if p.own] == [own.weights]
    assert points[0].bytes == 1_000 + 300 + FIXED.bytes  # one model of the smallest trial
    assert points[0].latency_us == pytest.approx(1.0 + 1.0 + FIXED.latency_us)
    assert points[-1].score > points[0].score
    assert all(0 < p.noise < 0.05 for p in points)
    assert points[0].recipes == ("recipe 0000",)


def test_points_come_back_from_json() -> None:
    for point in front_of()[0]:
        assert Point.from_json(point.to_json()) == point


def test_many_rows_are_chosen_on_few_and_scored_on_all(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LADDER_ROWS", "SORTED_ROWS", "NOISE_ROWS"):
        monkeypatch.setattr(f"afield.search.front.{name}", 400)
    points, _ = front_of(2_000)
    judge, candidates = pool(2_000)
    known = {c.id: c for c in candidates}
    for point in points:
        blend = np.asarray(sum(w * known[t].answers for t, w in point.weights.items()))
        assert point.score == pytest.approx(METRICS["roc_auc"](judge.truth, blend))
        exact = judge.noise(blend, blocks=100)
        assert point.noise == pytest.approx(exact, rel=0.6)  # told from a fifth of the rows, for all of them


@pytest.mark.parametrize("name", ["rmse", "roc_auc", "log_loss"])
def test_noise_is_the_spread_of_the_score_over_samples(name: str) -> None:
    draw = np.random.default_rng(3)

    def sample() -> tuple[Judge, Any]:
        truth = draw.integers(0, 2, 300)
        score = (2.0 * truth - 1) + 1.5 * draw.normal(size=300)
        positive = 1 / (1 + np.exp(-score))
        task: Any = "regression" if name == "rmse" else "binary"
        answers = score[:, None] if name == "rmse" else np.column_stack([1 - positive, positive])
        values = truth.astype(float) if name == "rmse" else truth
        return Judge(task=task, truth=values, metric=METRICS[name], weights=None), answers

    found = [sample() for _ in range(150)]
    spread = np.std([judge.score(answers) for judge, answers in found])
    told = np.mean([judge.noise(answers) for judge, answers in found])
    assert told == pytest.approx(spread, rel=0.25)


def test_undominated() -> None:
    assert undominated([(1.0, 5.0), (2.0, 4.0), (2.0, 5.0), (1.0, 5.0), (3.0, 1.0), (float("nan"), 0.0)]) == [0, 1, 4]


def test_neighbours_are_one_point_but_own_and_smallest_stay() -> None:
    judge, candidates = pool(100, 1)
    choice = Selector("binary", judge.truth, candidates, judge.metric, None).alone("0000", single=True)

    def scored(loss: float, bytes: float, *, own: bool = False) -> Any:
        return (replace(choice, loss=loss), np.zeros(1), loss, (loss, bytes, 10.0), own)

    kept = thinned([scored(0.1, 1000), scored(0.2, 950), scored(0.3, 940, own=True), scored(0.4, 930)])
    assert [p[2] for p in kept] == [0.1, 0.3, 0.4]
    many = thinned([scored(0.01 * i, 1000.0 / 1.3**i) for i in range(40)])
    assert len(many) == MOST_POINTS
    assert {p[2] for p in many} >= {0.0, 0.39}
