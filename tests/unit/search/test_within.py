"""Limits on the result: encoders count once, the real file decides, and an error says needed against allowed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from afield.core.errors import DeviceLimitError
from afield.data.metrics import METRICS
from afield.search.combine import Candidate, Choice, Limits, Price, Selector, fits, price_of, usual_limits
from afield.search.within import solve

ROWS = 400
TRUTH = np.random.default_rng(0).integers(0, 2, ROWS)
NOTHING = Price(0, 0.0)


def candidate(name: str, noise: float, bytes: int, latency_us: float, **encoders: Price) -> Candidate:
    """Return a trial of four folds: one model costs a quarter."""
    draw = np.random.default_rng(sum(map(ord, name)))
    score = (2.0 * TRUTH - 1) + noise * draw.normal(size=ROWS)
    positive = 1 / (1 + np.exp(-2 * score))
    answers = np.column_stack([1 - positive, positive])
    return Candidate(name, answers, bytes, latency_us, Price(bytes // 4, latency_us / 4), encoders)


TREES = Price(100, 2.0)
LARGE = candidate("large", 0.6, 800_000, 80.0, trees=TREES)
MIDDLE = candidate("middle", 0.8, 80_000, 20.0, trees=TREES)
SMALL = candidate("small", 1.5, 8_000, 4.0, trees=TREES, text=Price(50_000, 300.0))
TINY = candidate("tiny", 2.0, 4_000, 4.0, numbers=Price(50, 1.0))
ALL = [TINY, SMALL, MIDDLE, LARGE]


def selector(*candidates: Candidate) -> Selector:
    return Selector("binary", TRUTH, candidates or ALL, METRICS["log_loss"], None)


def within(bytes: int = 10**9, latency_us: float = 1e9, *candidates: Candidate) -> Choice:
    return selector(*candidates).within(Price(bytes, latency_us), replace(Limits(), bytes=10**9, latency_us=1e9))


def test_encoders_are_shared() -> None:
    assert price_of([LARGE, MIDDLE]) == Price(880_100, 102.0)
    assert price_of([LARGE, TINY]) == Price(804_150, 87.0)
    assert price_of([LARGE, MIDDLE], {"large", "middle"}) == Price(220_100, 27.0)
    assert fits([LARGE, MIDDLE], replace(Limits(), bytes=880_100, latency_us=102.0))
    assert not fits([LARGE, MIDDLE], replace(Limits(), bytes=880_099, latency_us=102.0))


@pytest.mark.parametrize(
    ("bytes", "latency_us"), [(900_000, 200.0), (250_000, 50.0), (90_000, 50.0), (30_000, 8.0), (2_000, 3.0)]
)
def test_a_choice_keeps_the_limit_and_a_looser_limit_is_no_worse(bytes: int, latency_us: float) -> None:
    choice = within(bytes, latency_us)
    assert choice.price.bytes <= bytes
    assert choice.price.latency_us <= latency_us
    assert sum(choice.weights.values()) == pytest.approx(1.0)
    assert within(2 * bytes, 2 * latency_us).loss <= choice.loss * 1.01


def test_a_heavy_encoder_keeps_its_learner_out() -> None:
    assert "small" not in within(30_000, 100.0).weights
    assert "small" not in within(200_000, 100.0).weights


def test_models_of_all_folds_where_they_fit_else_one() -> None:
    assert within(10**7, 1e6, LARGE).singles == ()
    choice = within(300_000, 100.0, LARGE)
    assert choice.singles == ("large",)
    assert choice.price == Price(200_100, 22.0)


def test_of_members_fitted_once_the_weightiest_gets_all_its_models() -> None:
    near = replace(LARGE, id="near", answers=candidate("near", 0.62, 1, 1.0).answers, bytes=1_000, single=Price(250, 1))
    choice = within(210_000, 200.0, LARGE, near)
    assert set(choice.weights) == {"large", "near"}
    assert choice.singles == ("large",)  # the other's four models take next to nothing


def test_nothing_fits_and_the_smallest_is_named() -> None:
    assert set(within(100, 1e6).weights) == {"tiny"}
    assert set(within(10**6, 0.1).weights) == {"tiny"}


def test_the_usual_limits_leave_room_for_encoders_that_all_need() -> None:
    candidates = [replace(c, encoders={"text": Price(1_000, 500.0)} | dict(c.encoders)) for c in (LARGE, MIDDLE)]
    limits = usual_limits(candidates, Limits(bytes=10_000, latency_us=100.0))
    assert (limits.bytes, limits.latency_us) == (11_100, 602.0)


@dataclass
class Files:
    """Real files weigh more than was forecast."""

    factor: float
    built: list[Choice]

    def build(self, choice: Choice) -> Choice:
        self.built.append(choice)
        return choice

    def weigh(self, choice: Choice) -> Price:
        return Price(int(choice.price.bytes * self.factor) + 500, choice.price.latency_us + 4.0)


def solved(limit: Price, factor: float = 1.0, *, strict: bool = True) -> tuple[Choice, Files]:
    files = Files(factor, [])
    loose = replace(Limits(), bytes=10**9, latency_us=1e9)
    names = {c.id: f"{c.id} trees" for c in ALL}
    choice = solve(selector(), limit, NOTHING, loose, files.build, files.weigh, names=names, strict=strict)
    return choice, files


@pytest.mark.parametrize("factor", [1.0, 1.3, 3.0])
def test_the_real_file_decides(factor: float) -> None:
    for limit in (Price(10**7, 1e3), Price(300_000, 60.0), Price(30_000, 20.0), Price(6_000, 10.0)):
        choice, files = solved(limit, factor)
        real = files.weigh(choice)
        assert real.bytes <= limit.bytes
        assert real.latency_us <= limit.latency_us
        assert len({(tuple(c.weights), c.singles) for c in files.built}) == len(files.built)


@pytest.mark.error_code("model.limits")
def test_where_nothing_keeps_the_limit_the_error_says_by_how_much() -> None:
    with pytest.raises(DeviceLimitError) as caught:
        solved(Price(1_200, 1e6))
    assert caught.value.code == "model.limits"
    assert "1,550 bytes" in caught.value.got
    assert "tiny trees" in caught.value.got
    assert "1,200 bytes" in caught.value.expected
    assert "--max-size 2KB" in caught.value.fix
    with pytest.raises(DeviceLimitError, match="us a row"):
        solved(Price(10**7, 5.0))


def test_an_outer_split_takes_the_smallest_instead() -> None:
    choice, _ = solved(Price(1_200, 1e6), strict=False)
    assert set(choice.weights) == {"tiny"}
