"""What goes into the file beside its graph: samples, card, provenance; always the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from afield.api.packing import LIBRARIES, SAMPLES, make_provenance, make_selftest, pack
from afield.core.registry import list_parts
from afield.model.card import Card
from afield.model.model import Model
from afield.problem.problem import Problem
from afield.search.driver import Finished
from afield.search.store import Question
from small_fits import quick_fits, shells
from small_studies import make_bench, make_question, only, propose_only, schema_of, tree_recipe


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Finished, Question]:
    question = only(make_question("multiclass"), "number")
    folder = tmp_path_factory.mktemp("packing") / "study"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        propose_only(patch, [tree_recipe(rounds=5)])
        return make_bench(folder, question, test_given=True).driver.run(), question


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    import afield

    with quick_fits(tmp_path_factory.mktemp("fit")):
        yield afield.fit(shells(60, note=["calm sea"] * 30 + ["torn net near cage"] * 30), "age")


def selftest(solved: tuple[Finished, Question], **options: Any) -> Any:
    finished, question = solved
    given: dict[str, Any] = {"seed": 0, "scale": 0.0, "real": False} | options
    return make_selftest(finished.solution.ensemble, schema_of(question), question.table, **given)


def test_samples_hold_the_libraries_answers(solved: tuple[Finished, Question]) -> None:
    finished, question = solved
    found = selftest(solved)
    assert not found.real
    assert not set(found.inputs["size"]) & set(question.table["size"].feed(slice(None)).tolist())
    card = Card(title="t", task="multiclass", target="y", metric="log_loss", rows_used=90)
    made = pack(finished.solution, schema_of(question), card, found, make_provenance(Problem(target="y"), "00", "t"))
    proof = Model(made).verify()
    assert proof.passed
    assert proof.rows >= SAMPLES


def test_real_samples_are_spread_over_the_table(solved: tuple[Finished, Question]) -> None:
    _, question = solved
    found = selftest(solved, real=True)
    assert found.real
    sizes = question.table["size"].feed(slice(None)).tolist()
    places = [sizes.index(v) for v in found.inputs["size"]]
    assert places == sorted(places)
    assert (places[0], places[-1]) == (0, 89)


def test_the_seed_decides_the_samples(solved: tuple[Finished, Question]) -> None:
    first, same, other = (np.asarray(selftest(solved, seed=s).inputs["size"], dtype=float) for s in (1, 1, 2))
    assert first.tobytes() == same.tobytes() != other.tobytes()


def test_the_same_parts_pack_into_the_same_bytes(solved: tuple[Finished, Question]) -> None:
    finished, question = solved
    card = Card(title="t", task="multiclass", target="y", metric="log_loss", rows_used=90)
    made = [
        pack(
            finished.solution,
            schema_of(question),
            card,
            selftest(solved),
            make_provenance(Problem(target="y"), "0", "t"),
        )
        for _ in range(2)
    ]
    assert made[0] == made[1]
    keys = [p.key for p in onnx.load_from_string(made[0]).metadata_props]
    assert keys == sorted(keys)
    assert {"afield.card", "afield.provenance", "afield.schema", "afield.selftest"} <= set(keys)


def test_provenance_names_versions_and_no_time() -> None:
    made = make_provenance(Problem(target="y", seed=4), "00ff", "shells.csv")
    assert (made.data, made.data_name, made.seed, made.effort, made.minutes) == ("00ff", "shells.csv", 4, "quick", None)
    assert {*LIBRARIES, "lightgbm", "catboost", "scikit-learn"} <= made.libraries.keys()
    assert all(made.libraries[name] == version(name) for name in made.libraries)
    timed = make_provenance(Problem(target="y", minutes=2.0), "00ff", "shells.csv")
    assert (timed.effort, timed.minutes) == ("", 2.0)


def test_the_card_tells_columns_members_parts_and_needs(fitted: Model) -> None:
    card = fitted.card
    assert card.title == "age from 4 columns"
    assert [c.name for c in card.columns] == ["size", "depth", "site", "note"]
    shares = {c.name: c.share_missing for c in card.columns}
    assert shares["depth"] == pytest.approx(7 / 60)
    assert shares["size"] == 0.0
    assert sum(m.weight for m in card.members) == pytest.approx(1.0)
    assert {m.learner for m in card.members} <= {p.name for p in card.parts}
    licences = {e.name: e.manifest["licence"] for e in list_parts()}
    assert all(p.licence == licences[p.name] for p in card.parts)
    assert card.notes == ()
    text = {c.name: c.kind for c in card.columns}["note"] == "text"
    assert ("Tokenizer" in card.needs) == text
    assert np.isfinite(fitted.predict(shells(5, note=["calm sea"] * 5))).all()


def test_nothing_of_the_machine_is_in_the_file(fitted: Model, tmp_path: Path) -> None:
    for word in (str(Path.home()), str(Path.cwd()), "/tmp/", "pytest", ".afield"):
        if len(word) > 2:
            assert word.encode() not in fitted.bytes
