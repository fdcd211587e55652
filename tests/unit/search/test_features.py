"""Training features: by distinct value as by row, in chunks as at once, and never from a row's own target."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afield.core.registry import list_parts, load
from afield.data.answer import Answer
from afield.data.splits import Folds, make_folds
from afield.data.table import StringColumn
from afield.parts.protocol import FitContext
from afield.search import features as module
from afield.search.features import encode, encoder_session, fit_encoder, run_chunks, specs_of, training_features
from afield.search.recipe import Use
from afield.search.store import Split, open_question
from afield.testing.encoder_tables import make_cases
from small_studies import make_question, make_split

ENCODERS = [(e.name, kind) for e in list_parts() if e.manifest["type"] == "encoder" for kind in e.manifest["inputs"]]
BY_TARGET = [(name, kind) for name, kind in ENCODERS if load("parts", name).uses_target]


def test_there_are_encoders_that_look_at_the_target() -> None:
    assert ("target_mean", "category") in BY_TARGET


@pytest.mark.parametrize(("name", "kind"), ENCODERS)
def test_distinct_values_give_what_rows_give(name: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    part = load("parts", name)
    for case in make_cases(kind)[:2]:
        rows = np.random.default_rng(0).integers(0, case.table.rows, 5 * case.table.rows)  # values come again
        table = case.table.take(rows)
        answer = Answer(task="binary", values=np.arange(table.rows) % 2, classes=2)
        fitted = part.fit(table, case.specs, answer, FitContext(), {})
        session = encoder_session(fitted, case.specs)
        columns = {s.input_name: table[s.name] for s in case.specs}
        plain = run_chunks(session, columns, len(fitted.features), table.rows, table.rows)
        monkeypatch.setattr(module, "CHUNK_ROWS", 37)
        monkeypatch.setattr(module, "CHUNK", {"text": 23, "datetime": 41})
        took: list[int] = []
        monkeypatch.setattr(module, "_encode_distinct", _counted(module._encode_distinct, took))
        found = encode(fitted, case.specs, table)
        assert found.dtype == np.float32
        assert found.tobytes() == plain.tobytes(), case.name
        few = all(isinstance(c, StringColumn) and len(c.levels) <= table.rows // 2 for c in columns.values())
        assert bool(took) == few
        monkeypatch.undo()


def _counted(function: Any, log: list[int]) -> Any:
    def call(*arguments: Any) -> Any:
        log.append(1)
        return function(*arguments)

    return call


def matrix(split: Split, use: Use) -> np.ndarray[Any, Any]:
    specs = specs_of(use, open_question(split.question_folder).specs)
    return training_features(split, use, fit_encoder(split, use, None, 5), specs, 5)


def with_answers(tmp_path: Path, name: str, task: str, folds: Folds, changed: np.ndarray[Any, Any]) -> Split:
    """Return the split with other targets in the rows ``changed``."""
    question = make_question(task, rows=120)
    values = question.answer.values.copy()
    draw = np.random.default_rng(9)
    if task == "regression":
        values[changed] = draw.normal(50.0, 9.0, int(changed.sum()))
    else:
        values[changed] = (values[changed] + 1 + draw.integers(0, 2, int(changed.sum()))) % question.answer.classes
    answer = replace(question.answer, values=values)
    return make_split(tmp_path / name, replace(question, answer=answer), folds)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize(("part", "kind"), BY_TARGET)
def test_a_row_never_meets_its_own_target(part: str, kind: str, task: str, tmp_path: Path) -> None:
    use = Use(part=part, settings={}, kind=kind)
    folds = make_folds(make_question(task, rows=120).answer, None, None, 4, 0)
    before = matrix(with_answers(tmp_path, "before", task, folds, np.zeros(120, dtype=bool)), use)
    for fold in range(4):
        own = folds.of == fold
        after = matrix(with_answers(tmp_path, f"after-{fold}", task, folds, own), use)
        assert after[own].tobytes() == before[own].tobytes()
        assert not np.array_equal(after[~own], before[~own])


@pytest.mark.parametrize(("part", "kind"), BY_TARGET)
def test_in_time_a_row_meets_earlier_targets_only(part: str, kind: str, tmp_path: Path) -> None:
    use = Use(part=part, settings={}, kind=kind)
    folds = make_folds(make_question(rows=120).answer, None, np.arange(120.0), 4, 0)
    assert folds.forward
    before = matrix(with_answers(tmp_path, "before", "binary", folds, np.zeros(120, dtype=bool)), use)
    assert np.isfinite(before).all()
    for fold in range(folds.count):
        later = folds.of >= fold
        after = matrix(with_answers(tmp_path, f"after-{fold}", "binary", folds, later), use)
        assert after[folds.of <= fold].tobytes() == before[folds.of <= fold].tobytes()
    first = np.flatnonzero(folds.of < 0)
    for half in (first[::2], first[1::2]):  # nothing lies before the first window: its halves tell each other
        changed = np.isin(np.arange(120), half)
        after = matrix(with_answers(tmp_path, f"half-{half[0]}", "binary", folds, changed), use)
        assert after[half].tobytes() == before[half].tobytes()
        assert not np.array_equal(after[np.setdiff1d(first, half)], before[np.setdiff1d(first, half)])


def test_levels_that_differ_plainly_are_learned_from_all_rows(tmp_path: Path) -> None:
    question = make_question(rows=120)
    site = question.table["site"]
    assert isinstance(site, StringColumn)
    answer = replace(question.answer, values=(site.codes % 2).astype(np.int64))
    split = make_split(tmp_path, replace(question, answer=answer), make_folds(answer, None, None, 4, 0))
    found = matrix(split, Use(part="target_mean", settings={}, kind="category"))
    assert len(np.unique(found)) <= len(site.levels)


def test_groups_keep_the_targets_of_a_group_from_its_rows(tmp_path: Path) -> None:
    use = Use(part="target_mean", settings={}, kind="category")
    groups = np.random.default_rng(0).integers(0, 12, 120)
    folds = make_folds(make_question(rows=120).answer, groups, None, 4, 0)
    before = matrix(with_answers(tmp_path, "before", "binary", folds, np.zeros(120, dtype=bool)), use)
    after = matrix(with_answers(tmp_path, "after", "binary", folds, groups == 3), use)
    assert after[groups == 3].tobytes() == before[groups == 3].tobytes()


def test_an_encoder_that_ignores_the_target_is_fitted_on_all_rows(tmp_path: Path) -> None:
    use = Use(part="scaled_number", settings={}, kind="number")
    split = make_split(tmp_path, make_question())
    specs = specs_of(use, open_question(split.question_folder).specs)
    fitted = fit_encoder(split, use, None, 5)
    assert np.array_equal(matrix(split, use), encode(fitted, specs, split.table), equal_nan=True)
