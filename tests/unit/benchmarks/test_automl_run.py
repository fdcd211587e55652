"""A cell from the split to its result, with a small system that runs in this Python."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from benchmarks.automl import install, run
from benchmarks.automl.plan import Cell, Table
from benchmarks.automl.systems import System

RUNNER = """
import json
from protocol import Runner, main

class Shares(Runner):
    libraries = ("numpy",)
    metrics = {"auc": "auc"}
    def imports(self): pass
    def fit(self, train):
        if self.options["how"] == "breaks":
            raise RuntimeError("no model was found")
        self.up = float((train[self.target] == 1).mean())
    def save(self):
        (self.model / "share.json").write_text(json.dumps(self.up))
    def load(self):
        self.up = json.loads((self.shipped / "share.json").read_text())
    def answer(self, rows):
        import numpy as np
        up = rows["size"].rank(pct=True).to_numpy() * (np.nan if self.options["how"] == "nan" else 1.0)
        return np.column_stack([1 - up, up])

main(Shares)
"""
TABLE = Table("t", "t.csv", "class", "binary")
CELL = Cell("t", 0, 5, "shares")


@pytest.fixture
def ran(tmp_path, monkeypatch):
    """Return a function (how the system behaves) -> (result, setting)."""
    runners = tmp_path / "runners"
    runners.mkdir()
    shutil.copy(Path(run.__file__).parent / "runners" / "protocol.py", runners)
    (runners / "shares_runner.py").write_text(RUNNER)
    size = np.random.default_rng(0).normal(size=120)
    frame = pd.DataFrame({"size": size, "class": np.where(size > 0, "yes", "no")})
    frame.to_csv(tmp_path / "t.csv", index=False)
    monkeypatch.setattr(run, "RUNNERS", runners)
    monkeypatch.setattr(install, "python_of", lambda env: Path(sys.executable))
    monkeypatch.setattr(install, "why_not", lambda env: "")
    monkeypatch.setattr(install, "facts_of", lambda env: {"commit": "abc", "source": "s1"})
    setting = run.Setting(data=tmp_path, work=tmp_path / "work", results=tmp_path / "results")

    def start(how):
        monkeypatch.setattr(run, "BY_NAME", {"shares": System("shares", "here", "shares", "", {"how": how})})
        return run.run_cell(CELL, TABLE, setting), setting

    return start


def test_a_cell_has_all_its_figures(ran):
    found, setting = ran("well")
    assert found["status"] == "ok"
    assert found["score"] == found["scores"]["auc"] == 1.0
    assert (found["rows"], found["test_rows"], found["commit"]) == (90, 30, "abc")
    assert 3 <= found["bytes"] < 25
    assert found["row"]["row_ms_calls"] >= 50
    assert found["overrun_s"] == pytest.approx(found["fit_s"] - 5, abs=0.02)
    assert all(found[name] > 0 for name in ("row_ms", "rows_per_s", "fit_process_s", "rss_mb"))
    assert found["load_s"] >= 0
    assert len(found["drawn"]) == 100
    assert not (setting.work / "cells" / CELL.stem).exists()


def test_what_breaks_is_a_result_with_its_reason(ran):
    found, _ = ran("breaks")
    assert found["status"] == "failed"
    assert "no model was found" in found["reason"]


def test_answers_that_are_no_numbers_are_a_failure(ran):
    found, _ = ran("nan")
    assert (found["status"], found["reason"]) == ("failed", "60 answers are not numbers")
    assert "fit_s" in found  # what was measured before it failed is kept


def test_a_system_that_is_not_installed_says_so(ran, monkeypatch):
    monkeypatch.setattr(install, "why_not", lambda env: "needs another Python")
    found, _ = ran("well")
    assert (found["status"], found["reason"]) == ("not run", "needs another Python")


def test_done_cells_are_left_and_those_of_an_older_afield_are_run_again_when_asked(tmp_path, monkeypatch):
    ours = Cell("t", 0, 60, "afield")
    monkeypatch.setattr(install, "why_not", lambda env: "")
    monkeypatch.setattr(install, "facts_of", lambda env: {"source": "new"})
    setting = run.Setting(data=tmp_path, results=tmp_path)
    assert run.must_run(ours, setting)
    run.cells.write(ours, {"status": "ok", "source": "old"}, tmp_path)
    assert not run.must_run(ours, setting)
    assert run.must_run(ours, run.Setting(data=tmp_path, results=tmp_path, stale=True))
    run.cells.write(ours, {"status": "ok", "source": "new"}, tmp_path)
    assert not run.must_run(ours, run.Setting(data=tmp_path, results=tmp_path, stale=True))
    assert run.must_run(ours, run.Setting(data=tmp_path, results=tmp_path, again=True))
    run.cells.write(ours, {"status": "not run"}, tmp_path)
    assert run.must_run(ours, setting)
