"""Encoders of several columns from recipe to file: what they take, and that the file is right on hostile rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afield.data.answer import Answer
from afield.data.table import NumberColumn
from afield.search.features import specs_of
from afield.search.parity import check_parity
from afield.search.recipe import Use, kind_there
from small_studies import make_bench, make_question, only, propose_only, schema_of, tree_recipe

BOTH = "category+number"


def test_a_use_takes_the_columns_of_its_kinds_in_the_order_of_the_table() -> None:
    specs = make_question().specs
    assert [s.name for s in specs_of(Use(part="x", settings={}, kind=BOTH), specs)] == ["size", "depth", "site"]
    assert [s.name for s in specs_of(Use(part="x", settings={}, kind="number"), specs)] == ["size", "depth"]


def test_the_id_of_a_use_of_one_kind_is_what_it_always_was() -> None:
    assert Use(part="number", settings={}, kind="number").id == "number-f98a83ee"


@pytest.mark.parametrize(
    ("part", "there", "kind"),
    [
        ("group_stats", {"category", "number", "text"}, BOTH),
        ("group_stats", {"number"}, ""),
        ("arithmetic", {"category", "number"}, BOTH),
        ("arithmetic", {"number", "text"}, "number"),
        ("arithmetic", {"category"}, ""),
        ("no such part", {"category", "number"}, ""),
    ],
)
def test_kinds_that_a_table_lacks_are_left_out(part: str, there: set[str], kind: str) -> None:
    assert kind_there(part, BOTH, there) == kind


def test_the_file_is_right_with_encoders_of_several_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(3)
    plain = only(make_question("regression", rows=1200), "number", "category")
    size, depth = (plain.table[n].feed(slice(None)) for n in ("size", "depth"))
    site = plain.table["site"].feed(slice(None)) == "reef"
    depth = np.where(np.isnan(depth), np.nan, depth + 20 * site)
    own = np.nan_to_num(depth - 20 * site)
    values = np.sin(2 * size * np.nan_to_num(depth)) * ~site + np.cos(3 * own)
    table = replace(plain.table, columns={**plain.table.columns, "depth": NumberColumn(depth)})
    answer = Answer(task="regression", values=values + 0.01 * draw.normal(size=1200))
    question = replace(plain, table=table, answer=answer)
    base = tree_recipe(rounds=15)
    several = [
        Use(part="arithmetic", settings={"rounds": 2}, kind=BOTH),
        Use(part="group_stats", settings={}, kind=BOTH),
    ]
    propose_only(monkeypatch, [replace(base, encoders=(*base.encoders, *several))])
    solution = make_bench(tmp_path, question, test_given=True).driver.run().solution
    features = solution.ensemble.members[0].features
    assert sum(not f.column for f in features) >= 1, [f.name for f in features]
    parity = check_parity(solution.model, solution.ensemble, schema_of(question), question.table, 1.0)
    assert parity.passed, parity
