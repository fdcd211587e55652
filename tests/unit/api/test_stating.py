"""From a source to a question: what is kept for the journal, what is told, what is refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from afield.api.stating import Understood, announce, base_name, check_options, understand
from afield.core.errors import ProblemError
from afield.core.events import Event, silent
from afield.problem.problem import Problem
from small_fits import old, shells


def understood(frame: Any = None, **wishes: Any) -> tuple[Understood, Any]:
    return understand(Problem(target="age", **wishes), shells() if frame is None else frame, silent)


def test_the_question_holds_the_rows_with_a_target_and_the_features_alone() -> None:
    frame = shells(60, pen=np.arange(60) // 6, w=np.ones(60))
    frame.loc[[0, 7], "age"] = np.nan
    known, question = understood(frame, group="pen", weight="w", ignore=("depth",))
    assert list(question.table.columns) == ["size", "site"]
    assert question.table.rows == known.rows == 58
    assert known.without_target == 2
    assert [s.name for s in question.specs] == [s.name for s in known.schema.columns]
    assert len(question.weights) == len(question.groups) == 58
    assert question.times is None
    assert np.array_equal(question.answer.values, frame["age"].dropna())
    assert question.table["size"].feed(slice(0, 2)).tolist() == frame["size"].iloc[[1, 2]].tolist()


def test_it_survives_the_journal() -> None:
    frame = shells()
    known, _ = understood(frame.assign(age=old(frame)))
    again = Understood.from_json(json.loads(json.dumps(known.to_json(), allow_nan=False)))
    assert again == known


def test_serious_findings_come_first() -> None:
    frame = shells(120)
    frame["age"] = old(frame)
    frame["leak"] = [f"{a}er" for a in frame["age"]]
    frame["fixed"] = 1.0
    known, _ = understood(frame)
    order = {"serious": 0, "warning": 1, "note": 2}
    ranks = [order[f.severity] for f in known.findings]
    assert ranks == sorted(ranks)
    assert ranks[0] < ranks[-1] == 2
    assert known.findings[0].column == "leak"


def test_inputs_that_would_bear_an_outputs_name_get_another() -> None:
    frame = shells(60, label=np.arange(60.0) % 7, score=np.arange(60.0) % 5)
    known, _ = understood(frame)
    names = {s.name: s.input_name for s in known.schema.columns}
    assert names["size"] == "size"
    assert names["label"] not in ("label", "")
    assert names["score"] != "score"


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("/home/me/secret/shells.csv", "shells.csv"),
        ("C:\\Users\\me\\shells.csv", "shells.csv"),
        ("https://user:password@host/a/shells.csv?token=1", "shells.csv"),
        ("shells.csv", "shells.csv"),
        ("data/", "data"),
    ],
)
def test_the_name_of_a_source_has_no_folder_and_no_secret(source: str, name: str) -> None:
    assert base_name(source) == name


def test_events_tell_stages_table_and_findings() -> None:
    events: list[Event] = []
    known, _ = understand(Problem(target="age"), shells(), events.append)
    assert [e.data["name"] for e in events if e.kind == "stage"] == ["read", "check"]
    (table,) = [e.data for e in events if e.kind == "table"]
    assert (table["rows"], table["columns"]) == (60, 4)
    assert [e.data for e in events if e.kind == "finding"] == [f.to_json() for f in known.findings]


def test_the_problem_is_announced_in_json() -> None:
    frame = shells()
    problem = Problem(target="age", group="pen")
    known, _ = understand(problem, frame.assign(age=old(frame), pen=np.arange(60) // 5), silent)
    events: list[Event] = []
    announce(problem, known, "roc_auc", events.append)
    (event,) = events
    json.dumps(event.data)
    assert event.data["classes"] == list(known.schema.target.classes)
    assert (event.data["task"], event.data["group"], event.data["rows"]) == ("binary", "pen", 60)


@pytest.mark.error_code("problem.option")
@pytest.mark.parametrize(
    "wishes", [{"minutes": 0.0}, {"minutes": -1.0}, {"minutes": 1e9}, {"jobs": -1}, {"memory_bytes": -1}], ids=str
)
def test_options_that_no_data_can_make_right(wishes: dict[str, Any]) -> None:
    with pytest.raises(ProblemError) as caught:
        check_options(Problem(target="y", **wishes))
    assert caught.value.code == "problem.option"
    check_options(Problem(target="y", minutes=0.05, jobs=2))
