from __future__ import annotations

import re
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afield.core.errors import ProblemError
from afield.problem.problem import EFFORTS, TASKS, Problem
from afield.problem.schema import KINDS
from afield.problem.toml import HINTS, read_toml, write_toml

names = st.text(min_size=1, max_size=12)
optional = st.none() | names
problems = st.builds(
    Problem,
    target=names,
    data=st.text(max_size=12),
    test=st.text(max_size=12),
    task=st.none() | st.sampled_from(TASKS),
    metric=optional,
    group=optional,
    time=optional,
    weight=optional,
    ignore=st.lists(names, max_size=3, unique=True).map(tuple),
    kinds=st.dictionaries(names, st.sampled_from(KINDS), max_size=3),
    decimal=st.sampled_from(["", "point", "comma"]),
    dates=st.dictionaries(names, st.sampled_from(["iso", "%d.%m.%Y", '%d "%m" %Y']), max_size=2),
    positive=optional,
    minutes=st.just(None),
    effort=st.sampled_from(EFFORTS),
    jobs=st.integers(0, 64),
    memory_bytes=st.integers(0, 10**12),
    max_size_bytes=st.none() | st.integers(1, 10**12),
    max_latency_us=st.none() | st.floats(min_value=1e-3, max_value=1e9),
    seed=st.integers(0, 2**31),
    real_samples=st.booleans(),
)


@given(problems, st.booleans(), st.text(max_size=20))
def test_written_problem_reads_back_as_it_was(problem: Problem, complete: bool, note: str) -> None:
    notes = {"": [note], "task": [note], "kinds": [note]} | {f"kinds.{c}": [note] for c in problem.kinds}
    assert read_toml(write_toml(problem, notes=notes, complete=complete)) == problem


@given(st.floats(min_value=1e-9, max_value=1e12, allow_nan=False))
def test_minutes_read_back_to_the_bit(minutes: float) -> None:
    problem = Problem(target="y", minutes=minutes)
    assert read_toml(write_toml(problem, complete=True)) == problem


def test_complete_file_offers_every_field_and_each_offer_is_valid() -> None:
    text = write_toml(Problem(target="y"), complete=True)
    offered = dict(re.findall(r"^# (\w+) = (.*)$", text, flags=re.M))
    assert offered.keys() == HINTS.keys() == set(Problem.field_names()) - {"target", "kinds", "dates"}
    for name, value in offered.items():
        if name != "minutes":
            read_toml(f'target = "y"\n{name} = {value}')
    assert read_toml(f'target = "y"\nminutes = {offered["minutes"]}').minutes == 5.0


def test_same_problem_gives_same_text() -> None:
    problem = Problem(target="y", ignore=("b", "a"), kinds={"b": "text", "a": "number"})
    assert write_toml(problem) == write_toml(problem)
    assert list(tomllib.loads(write_toml(problem))["kinds"]) == ["b", "a"]


@pytest.mark.error_code("problem.file")
def test_text_that_is_not_toml() -> None:
    with pytest.raises(ProblemError, match="not TOML") as caught:
        read_toml("target = ", where="p.toml")
    assert (caught.value.code, caught.value.where) == ("problem.file", "p.toml")


def test_unknown_key_gets_a_suggestion_and_its_file() -> None:
    with pytest.raises(ProblemError) as caught:
        read_toml('target = "y"\nmetrik = "mae"', where="p.toml")
    assert caught.value.code == "problem.option"
    assert "'metric'" in caught.value.fix
    assert caught.value.where == "p.toml"
