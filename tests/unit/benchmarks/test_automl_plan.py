"""Which cells are run, in which order, and what a line of tables.toml may say."""

import pytest
from benchmarks.automl.plan import Cell, Table, cells_of, read_plans, read_tables, seconds_of
from benchmarks.automl.systems import BY_NAME, COMPETITORS, SYSTEMS

TABLES = [Table("a", "a.csv", "y", "binary", tier=1), Table("b", "b.csv", "y", "regression", tier=2, long=True)]
TWO = SYSTEMS[2:4]


def test_the_list_covers_tier_one_all_tasks_and_long_budgets():
    tables = read_tables()
    first = [t for t in tables if t.tier == 1]
    assert len(first) >= 10
    assert len(tables) >= 20
    assert {t.task for t in first} == {"binary", "multiclass", "regression"}
    assert sum(t.long for t in tables) == 8
    assert [(p["splits"], p["budget_s"]) for p in read_plans(2)] == [([0, 1, 2], 60), ([0], 300)]


def test_a_plan_takes_its_tables_and_all_systems_of_a_table_in_turn():
    plans = [{"tier": 1, "splits": [0], "budget_s": 60}]
    assert [c.table for c in cells_of(TABLES, plans, TWO)] == ["a", "a"]
    plans = [{"tier": 2, "splits": [0], "budget_s": 60}, {"tier": 2, "splits": [0], "budget_s": 300, "long": True}]
    found = cells_of(TABLES, plans, TWO)
    assert [(c.table, c.budget_s) for c in found] == [("a", 60)] * 2 + [("b", 60)] * 2 + [("b", 300)] * 2


def test_another_system_begins_each_table():
    found = cells_of(TABLES, [{"tier": 2, "splits": [0], "budget_s": 60}], TWO)
    assert [c.system for c in found] == [TWO[0].name, TWO[1].name, TWO[1].name, TWO[0].name]


def test_a_doubled_table_and_an_unknown_task_are_refused(tmp_path):
    line = '{ name = "a", path = "a.csv", target = "y", task = "binary" }'
    (tmp_path / "t.toml").write_text(f"tables = [\n{line},\n{line},\n]\n")
    with pytest.raises(ValueError, match="twice: a"):
        read_tables(tmp_path / "t.toml")
    with pytest.raises(ValueError, match="ranking"):
        Table("a", "a.csv", "y", "ranking")


def test_expected_time_comes_from_what_the_system_took_before():
    cell = Cell("a", 0, 60, "flaml")
    assert seconds_of(cell, {}) == 105
    assert seconds_of(cell, {"flaml": [10.0, 20.0, 90.0]}) == 80


def test_baselines_are_not_ranked():
    assert {s.name for s in SYSTEMS} - {s.name for s in COMPETITORS} == {"constant", "linear"}
    assert len(BY_NAME) == len(SYSTEMS)
