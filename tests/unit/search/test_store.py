"""What a study stores comes back as it was: tables with odd names and texts, roles, splits."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afield.core.errors import EngineError
from afield.data.splits import Folds
from afield.data.table import NumberColumn, StringColumn, Table
from afield.problem.schema import ColumnSpec
from afield.search.store import Question, Split, open_question, open_split, save_question, save_split
from small_studies import make_question, make_split

ODD = ("a/b", "", " ", "größe (cm)", "../../etc", "meta", "列\n", "x" * 300)


def odd_question() -> Question:
    texts = np.array(["", "Ä\u0301", "\ud800 lone", '"', "\0", "red"], dtype=object)
    columns = {
        name: NumberColumn(np.array([np.nan, np.inf, -0.0, 5e-324, 1e308, 1.0]) + i)
        if i % 2
        else StringColumn.of(texts)
        for i, name in enumerate(ODD)
    }
    specs = tuple(ColumnSpec(name=n, kind="number" if i % 2 else "category") for i, n in enumerate(ODD))
    return replace(make_question(rows=6), table=Table(columns, 6), specs=specs)


def test_tables_with_odd_names_and_texts(tmp_path: Path) -> None:
    question = odd_question()
    save_question(tmp_path / "table", question)
    again = open_question(tmp_path / "table")
    assert again.specs == question.specs
    for name in ODD:
        ours, theirs = question.table[name], again.table[name]
        assert type(ours) is type(theirs)
        assert ours.feed(slice(None)).tobytes() == theirs.feed(slice(None)).tobytes() or (
            ours.feed(slice(None)).tolist() == theirs.feed(slice(None)).tolist()
        )
    assert not [p for p in tmp_path.rglob("*") if "etc" in p.name]


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_answers_and_roles(task: str, tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    roles = {"weights": draw.random(90), "groups": draw.integers(0, 9, 90), "times": np.r_[-np.inf, draw.random(89)]}
    question = make_question(task, **roles)
    save_question(tmp_path / "table", question)
    again = open_question(tmp_path / "table")
    assert (again.answer.task, again.answer.classes) == (question.answer.task, question.answer.classes)
    assert again.answer.values.dtype == question.answer.values.dtype
    assert np.array_equal(again.answer.values, question.answer.values)
    for name, values in roles.items():
        assert np.array_equal(getattr(again, name), values)


def test_a_question_without_roles_has_none(tmp_path: Path) -> None:
    save_question(tmp_path / "table", make_question())
    again = open_question(tmp_path / "table")
    assert again.weights is again.groups is again.times is None


def test_a_split_counts_in_its_own_rows(tmp_path: Path) -> None:
    question = make_question(weights=np.arange(90.0))
    make_split(tmp_path, question)
    rows = np.array([3, 50, 7, 89])
    folds = Folds(np.array([0, 1, -1, 1]), 2, forward=True)
    save_split(Split("outer-0", tmp_path / "splits" / "outer-0", tmp_path / "table", rows, folds))
    split = open_split(tmp_path / "splits" / "outer-0")
    assert split.name == "outer-0"
    assert np.array_equal(split.folds.of, folds.of)
    assert (split.folds.count, split.folds.forward) == (2, True)
    assert np.array_equal(split.answer.values, question.answer.values[rows])
    assert np.array_equal(split.part("weights"), [3.0, 50.0, 7.0, 89.0])
    assert split.part("groups") is None
    assert split.table["site"].feed(slice(None)).tolist() == question.table["site"].feed(rows).tolist()
    assert np.array_equal(split.folds[1].train, [0, 2])


def test_the_main_split_holds_the_table_itself(tmp_path: Path) -> None:
    split = make_split(tmp_path, make_question())
    assert split.table is open_question(tmp_path / "table").table


@pytest.mark.error_code("study.artifact")
def test_a_lost_column_is_named(tmp_path: Path) -> None:
    save_question(tmp_path / "table", make_question())
    (tmp_path / "table" / "numbers.npy").unlink()
    with pytest.raises(EngineError, match=r"cannot be read") as caught:
        open_question(tmp_path / "table")
    assert "numbers.npy" in caught.value.where


def test_another_study_of_the_same_name_is_not_taken_from_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a notebook changes its folder, or a study is removed and its id used again."""
    for folder, rows in (("first", 90), ("second", 60)):
        (tmp_path / folder).mkdir()
        monkeypatch.chdir(tmp_path / folder)
        save_question(Path("table"), make_question(rows=rows))
        assert open_question(Path("table")).table.rows == rows
    shutil.rmtree("table")
    save_question(Path("table"), make_question(rows=30))
    assert open_question(Path("table")).table.rows == 30
