"""Costs from a file, a mapping and a frame: the same table, or a message that says where it is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from afield.core.errors import ProblemError
from afield.problem.costs import read_costs
from afield.problem.problem import Problem
from afield.problem.toml import read_toml, write_toml
from afield.problem.wishes import state_problem

TABLE = {"sick": {"sick": 0.0, "well": 20.0}, "well": {"sick": 1.5, "well": 0.0}}


def written(folder: Path, text: str) -> Path:
    path = folder / "costs.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "true,sick,well\nsick,0,20\nwell,1.5,0\n",
        "\ufeff;sick;well\nsick;0;20\n\nwell;1,5;0",
        ",well,sick\nwell,0,1.5\nsick,20,0",
    ],
)
def test_a_file_is_read(tmp_path: Path, text: str) -> None:
    assert read_costs(written(tmp_path, text)) == TABLE
    assert read_costs("costs.csv", str(tmp_path / "problem.toml")) == TABLE


def test_frames_and_mappings_are_read() -> None:
    frame = pd.DataFrame(TABLE).T
    assert read_costs(frame) == TABLE
    assert read_costs(frame.reset_index()) == TABLE
    assert read_costs({True: {True: 0, False: 2}, False: {True: 1, False: 0}}) == {
        "true": {"true": 0.0, "false": 2.0},
        "false": {"true": 1.0, "false": 0.0},
    }
    assert read_costs({0: {0: 0, 1.0: 2}, 1: {0: 1, 1: 0}})["0"] == {"0": 0.0, "1": 2.0}


@pytest.mark.error_code("problem.option")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "header and a row for each class"),
        (",a,b\na,0,x\nb,1,0\n", "row 1"),
        (",a,b\na,0,1\nb,1\n", "row 2"),
        (",a,b\na,0,1\na,1,0\n", "two rows"),
    ],
)
def test_a_wrong_file_says_where(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ProblemError, match=said) as caught:
        read_costs(written(tmp_path, text))
    assert caught.value.code == "problem.option"


@pytest.mark.error_code("problem.option")
@pytest.mark.parametrize("value", [3, {"a": 1}, {"a": {"b": None}}, {"a": {"b": True}}, Path("/nowhere/costs.csv")])
def test_what_is_no_table_is_refused(value: Any) -> None:
    with pytest.raises(ProblemError) as caught:
        state_problem({"target": "y", "costs": value})
    assert caught.value.code == "problem.option"


def test_a_problem_file_keeps_them() -> None:
    problem = Problem(target="y", data="a.csv", costs={"x y": {"x y": 0.0, "1": 2.5}, "1": {"x y": 1.0, "1": 0.0}})
    assert read_toml(write_toml(problem)) == problem
    assert (
        read_toml('target = "y"\n[costs.sick]\nsick = 0\nwell = 20\n[costs.well]\nsick = 1.5\nwell = 0\n').costs
        == TABLE
    )
    assert Problem.from_json(problem.to_json()) == problem
