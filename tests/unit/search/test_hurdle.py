"""The rule that ends a trial after its first fold, in the rule itself and in a search that is stopped and goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afield.core.events import Event
from afield.data.metrics import choose_metric
from afield.search.artifacts import save_array
from afield.search.clock import Clock
from afield.search.evaluate import Evaluator
from afield.search.hurdle import Hurdle
from afield.search.interrupt import Interrupt
from afield.search.journal import Journal, read_journal
from afield.search.loop import Budget, Search
from afield.search.memory import Memory
from afield.search.recipe import Recipe
from afield.search.store import Split
from afield.search.tasks import answers_path
from afield.search.trial import Trial
from small_studies import MemoryEngine, linear_recipe, make_question, make_split, only, tree_recipe

TREES = tree_recipe()


def first_fold(split: Split, trial: str, noise: float, seed: int = 0) -> None:
    """Store answers to the first fold that are off by so much."""
    rows = split.folds[0].valid
    off = noise * np.abs(np.random.default_rng(seed).normal(size=len(rows)))
    path = answers_path(split, trial, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_array(path, (split.answer.values[rows] + off)[:, None])


def tried(trial: str, recipe: Recipe = TREES, status: Any = "ok") -> Trial:
    return Trial(id=trial, split="main", recipe=recipe, status=status)


@pytest.fixture
def split(tmp_path: Path) -> Split:
    return make_split(tmp_path, make_question("regression", rows=1_000))


def reasons(split: Split, noises: list[float], earlier: list[Trial], recipe: Recipe = TREES) -> list[bool]:
    hurdle = Hurdle(split, choose_metric("regression", None))
    first_fold(split, "0000-a", 1.0)
    first_fold(split, "0001-b", 1.6, seed=1)
    for place, noise in enumerate(noises):
        first_fold(split, f"0009-{place}", noise, seed=2 + place)
    return [bool(hurdle.reason(f"0009-{place}", recipe, earlier)) for place in range(len(noises))]


def test_only_what_is_far_behind_the_best_is_hopeless(split: Split) -> None:
    assert reasons(split, [0.9, 1.05, 3.0], [tried("0000-a"), tried("0001-b")]) == [False, False, True]


def test_a_little_behind_is_not_hopeless_however_sure(split: Split, tmp_path: Path) -> None:
    many = make_split(tmp_path / "many", make_question("regression", rows=20_000))
    assert reasons(many, [1.07, 1.2], [tried("0000-a")]) == [False, True]


def test_the_first_of_a_learner_runs_on(split: Split) -> None:
    assert reasons(split, [3.0], [tried("0000-a")], linear_recipe()) == [False]
    assert reasons(split, [3.0], [tried("0000-a"), tried("0001-b", linear_recipe())], linear_recipe()) == [True]


def test_what_did_not_end_well_sets_no_hurdle(split: Split) -> None:
    assert reasons(split, [3.0], [tried("0000-a", status="failed"), tried("0001-b", status="discarded")]) == [False]
    assert reasons(split, [3.0], []) == [False]


def test_few_rows_and_windows_of_time_discard_nothing(tmp_path: Path) -> None:
    few = make_split(tmp_path / "few", make_question("regression", rows=160))
    assert reasons(few, [9.0], [tried("0000-a")]) == [False]
    times = np.arange(1_000.0)
    forward = make_split(tmp_path / "times", make_question("regression", rows=1_000, times=times))
    assert forward.folds.forward
    assert reasons(forward, [9.0], [tried("0000-a")]) == [False]


class Listed:
    """Proposes waves of these recipes."""

    def __init__(self, *waves: list[Recipe]) -> None:
        self.waves = list(waves)

    def propose(self, history: Any, count: int) -> list[Recipe]:
        return self.waves.pop(0) if self.waves else []


#: good trees, then hopeless ones beside good ones
WAVES = ([tree_recipe(rounds=40), linear_recipe()], [tree_recipe(rounds=1), tree_recipe(rounds=45)])


def run(folder: Path, engine: MemoryEngine, told: list[Event]) -> list[Trial]:
    split = folder / "splits" / "main"
    made = make_split(folder, only(make_question(rows=800), "number")) if not split.exists() else None
    from afield.search.store import open_split

    with Journal.open(folder / "journal.jsonl") as journal:
        evaluator = Evaluator(engine, Memory(journal), Clock(0.0), Interrupt(), 7)
        search = Search(
            made or open_split(split), Listed(*WAVES), evaluator, choose_metric("binary", None), told.append
        )
        return search.run(Budget(trials=8))


@pytest.mark.parametrize("last_first", [False, True])
def test_a_discarded_trial_runs_one_fold_and_is_not_run_again(tmp_path: Path, last_first: bool) -> None:
    engine, told = MemoryEngine(last_first=last_first), list[Event]()
    trials = run(tmp_path, engine, told)
    assert [t.status for t in trials] == ["ok", "ok", "discarded", "ok"]
    assert trials[2].reason.startswith("first fold: log loss")
    hopeless = trials[2].id
    assert [job for job in engine.ran if hopeless in job] == [f"main/{hopeless}/0"]
    assert sum(trials[3].id in job for job in engine.ran) == 4
    lines = [r["data"] for r in read_journal(tmp_path / "journal.jsonl") if r["kind"] == "trial"]
    assert [line["status"] for line in lines] == ["ok", "ok", "discarded", "ok"]
    assert lines[2]["reason"] == trials[2].reason
    assert lines[2]["loss"] is None
    assert [e.data["status"] for e in told if e.kind == "trial"] == [line["status"] for line in lines]

    again = MemoryEngine()
    assert [(t.status, t.loss) for t in run(tmp_path, again, [])][3] == ("ok", trials[3].loss)
    assert again.ran == []
