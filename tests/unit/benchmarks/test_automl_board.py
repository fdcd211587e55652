"""Who is compared with whom: only on what all have, never across machines or budgets; failures count."""

import pytest
from benchmarks.automl import cells
from benchmarks.automl.board import Board, by_machine_and_budget
from benchmarks.automl.page import BEGIN, END, write_page
from benchmarks.automl.plan import Cell, Table

VALUES = {"constant": 10.0, "linear": 6.0, "afield": 2.0, "flaml": 4.0, "mljar": 8.0}


def cell(system, score, table="t", split=0, status="ok", **more):
    kept = {"bytes": 1e6, "row_ms": 1.0, "load_s": 1.0, "rows_per_s": 1.0, "fit_s": 60.0, "fit_cpu_s": 1.0}
    kept |= {"overrun_s": 0.0, "pss_mb": 1.0, "rss_mb": 1.0, "shipped": {}, "facts": {}, "versions": {"x": "1"}}
    kept |= {"date": "2026-01-01", "commit": "c", "load_average": 0.0, "rows": 9, "budget_s": 60, "task": "regression"}
    kept |= {"machine": {"cpu": "c", "cores": 2, "memory_gb": 1.0, "system": "s"}, "reason": "it broke"}
    drawn = [score, score + 0.1] * 2
    return {"table": table, "split": split, "system": system, "status": status, "metric": "rmse", "score": score,
            "drawn": drawn} | kept | more  # fmt: skip


def filled(table="t", **changed):
    return [cell(name, value, table) for name, value in (VALUES | changed).items()]


def test_scales_ranks_and_duels():
    board = Board(filled(), ["afield", "flaml", "mljar"])
    assert board.scaled("linear") == {"t": {"afield": 1.0, "flaml": 0.5, "mljar": 0.0}}
    assert board.scaled("median") == {"t": {"afield": 1.0, "flaml": 0.0, "mljar": 0.0}}
    assert board.scaled("worst") == {"t": {"afield": 1.0, "flaml": pytest.approx(2 / 3), "mljar": 0.0}}
    assert board.mean_ranks() == {"afield": 1.0, "flaml": 2.0, "mljar": 3.0}
    duel = board.duel("flaml", "afield")
    assert (duel.won, duel.tied, duel.lost, duel.share, duel.clearly_worse) == (0, 0, 1, 0.0, ("t",))


def test_a_table_that_one_system_lacks_is_left_out_for_all():
    found = [*filled(), *(c for c in filled("u") if c["system"] != "mljar")]
    board = Board(found, ["afield", "flaml", "mljar"])
    assert board.shared == [("t", 0)]


def test_a_system_with_few_cells_does_not_shrink_the_comparison():
    found = [*filled("a"), *(c for name in "bcd" for c in filled(name) if c["system"] != "mljar")]
    board = Board(found, ["afield", "flaml", "mljar"])
    assert board.systems == ["afield", "flaml"]
    assert board.partial == ["mljar"]
    assert len(board.tables) == 4


def test_a_failed_fit_is_worth_the_constant_and_one_not_run_is_missing():
    failed = [c if c["system"] != "flaml" else cell("flaml", 0.0, status="failed") for c in filled()]
    board = Board(failed, ["afield", "flaml", "mljar"])
    assert board.values("t") == {"afield": -2.0, "flaml": -10.0, "mljar": -8.0}
    assert board.answered() == []
    absent = [c if c["system"] != "flaml" else cell("flaml", 0.0, status="not run") for c in filled()]
    assert Board(absent, ["afield", "flaml", "mljar"]).systems == ["afield", "mljar"]


def test_splits_are_averaged_within_a_table():
    found = [*filled(), *(dict(c, split=1, score=c["score"] + 2) for c in filled())]
    assert Board(found, ["afield", "flaml"]).values("t") == {"afield": -3.0, "flaml": -5.0}


def test_machines_and_budgets_are_kept_apart():
    found = [("m1", cell("a", 1.0)), ("m2", cell("a", 1.0)), ("m1", cell("a", 1.0, budget_s=300))]
    assert {key: len(group) for key, group in by_machine_and_budget(found).items()} == {
        ("m1", 60): 1, ("m1", 300): 1, ("m2", 60): 1,
    }  # fmt: skip


def test_a_cell_that_could_not_be_run_waits():
    assert cells.is_done({"status": "ok"})
    assert cells.is_done({"status": "failed"})
    assert not cells.is_done({"status": "not run"})
    assert not cells.is_done(None)


def test_the_page_says_what_is_missing_and_what_failed(tmp_path):
    page = tmp_path / "README.md"
    page.write_text(f"before\n{BEGIN}\nstale text\n{END}\nafter\n", encoding="utf-8")
    changed = [*filled(), cell("lightautoml", 0.0, status="failed"), cell("afield-neural", 0.0, status="not run")]
    for found in changed:
        cells.write(Cell("t", 0, 60, found["system"]), found, tmp_path / "results", "m1")
    write_page(tmp_path / "results", page, [Table("t", "t.csv", "y", "regression")])
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "stale text" not in text
    assert "lightautoml failed on t, split 0: it broke" in text
    assert "not run here: afield-neural: it broke" in text
    assert "no cell at all: autogluon-best" in text
    assert "1 of 1 splits, 1 tables" in text
    assert (tmp_path / "chart-m1-60s.svg").read_text(encoding="utf-8").startswith("<svg")
    first = text
    write_page(tmp_path / "results", page, [Table("t", "t.csv", "y", "regression")])
    assert page.read_text(encoding="utf-8") == first
