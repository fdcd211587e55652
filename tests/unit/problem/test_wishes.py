from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from afield.core.errors import ProblemError
from afield.problem.problem import Problem
from afield.problem.wishes import parse_bytes, state_problem


def test_loose_values_take_the_field_s_form() -> None:
    problem = state_problem(
        {"target": "y", "data": Path("a.csv"), "ignore": "id", "minutes": 2, "memory_bytes": "1.5GB", "positive": True}
    )
    assert problem == Problem(
        target="y", data="a.csv", ignore=("id",), minutes=2.0, memory_bytes=1_500_000_000, positive="true"
    )


@pytest.mark.error_code("problem.option")
@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ({"targe": "y"}, "did you mean 'target'?"),
        ({"target": "y", "effort": "quik"}, "did you mean 'quick'?"),
        ({"target": "y", "task": "regresion"}, "did you mean 'regression'?"),
        ({"target": "y", "task": ""}, "task"),
        ({"target": "y", "kinds": {"a": "categorical"}}, "did you mean 'category'?"),
        ({"target": "y", "dates": {"a": "dd.mm.yyyy"}}, "such as %d.%m.%Y"),
        ({"target": "y", "minutes": 0}, "above 0"),
        ({"target": "y", "minutes": float("nan")}, "above 0"),
        ({"target": "y", "minutes": True}, "above 0"),
        ({"target": "y", "minutes": 5, "effort": "quick"}, "only one"),
        ({"target": "y", "jobs": -1}, "whole number"),
        ({"target": "y", "seed": 1.5}, "whole number"),
        ({"target": "y", "memory_bytes": "four"}, "4GB"),
        ({"target": "y", "max_size": "200"}, 'write "200KB"'),
        ({"target": "y", "max_size": 200}, 'write "200KB"'),
        ({"target": "y", "max_size_bytes": "200"}, 'write "200KB"'),
        ({"target": "y", "max_size": "200 apples"}, "64KiB"),
        ({"target": "y", "max_size": "0KB"}, "above 0"),
        ({"target": "y", "max_size_bytes": 0}, "above 0"),
        ({"target": "y", "max_latency": "50"}, 'write "50us"'),
        ({"target": "y", "max_latency": "50kb"}, "0.2ms"),
        ({"target": "y", "max_latency_us": -1.0}, "above 0"),
        ({"target": "y", "ignore": [1]}, "column names"),
        ({"target": "y", "ignore": {"a"}}, "column names"),
        ({"target": "y", "real_samples": "yes"}, "true or false"),
        ({"target": "y", "group": ""}, "a text"),
        ({"target": 3}, "a text"),
        ({}, "No target"),
    ],
)
def test_wrong_wish_is_refused_by_name(wishes: dict[str, Any], said: str) -> None:
    with pytest.raises(ProblemError) as caught:
        state_problem(wishes)
    assert caught.value.code == "problem.option"
    assert said in caught.value.text()


def test_wishes_change_a_base_and_the_limits_replace_each_other() -> None:
    base = Problem(target="y", effort="thorough", metric="mae")
    timed = state_problem({"minutes": 5}, base=base)
    assert (timed.minutes, timed.effort, timed.metric) == (5.0, "quick", "mae")
    assert state_problem({"effort": "standard"}, base=timed) == Problem(target="y", effort="standard", metric="mae")


@pytest.mark.parametrize(
    ("text", "count"),
    [("4GB", 4 * 10**9), ("4 gb", 4 * 10**9), ("512MiB", 512 * 2**20), ("2G", 2 * 10**9), ("1.5kb", 1500)],
)
def test_bytes(text: str, count: int) -> None:
    assert parse_bytes(text) == count


@pytest.mark.parametrize("text", ["", "GB", "4XB", "-1GB", "4 G B", "1e9"])
def test_bytes_refused(text: str) -> None:
    with pytest.raises(ProblemError):
        parse_bytes(text)


@pytest.mark.parametrize(
    ("wishes", "limits"),
    [
        ({"max_size": "200KB"}, (200_000, None)),
        ({"max_size": "64 KiB", "max_latency": "50us"}, (65_536, 50.0)),
        ({"max_size": "900B", "max_latency": "0.2 ms"}, (900, 200.0)),
        ({"max_size": "1.5mb", "max_latency": "80 µs"}, (1_500_000, 80.0)),
        ({"max_size_bytes": 300, "max_latency_us": 7}, (300, 7.0)),
        ({"max_size_bytes": "2kB", "max_latency_us": "80 μs"}, (2_000, 80.0)),
        ({"max_size": None, "max_latency_us": None}, (None, None)),
    ],
)
def test_limits_on_the_result(wishes: dict[str, Any], limits: tuple[int | None, float | None]) -> None:
    problem = state_problem({"target": "y", **wishes})
    assert (problem.max_size_bytes, problem.max_latency_us) == limits
