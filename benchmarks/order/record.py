"""Record what each recipe of the catalogue reaches on development tables: the ground for the learned order.

    python benchmarks/order/record.py ../shared/data/tabular            # goes on where it stopped
    python benchmarks/order/record.py ../shared/data/tabular --tables abalone,adult --like "cat boosted"

The folder holds ``index.csv`` with the columns name, file, target, task, ignore (parted by ``;``) and group. Of each
table at most 8,000 rows take part, in three folds. Out-of-fold answers and CPU seconds of each recipe lie under
``.work/<table>``; ``learn.py`` makes the order from them. CPU seconds are counted, so a busy machine does no harm.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tables import Entry, entries

from afield.api.steering import Study
from afield.problem.problem import Problem
from afield.search.loop import Budget, Search
from afield.search.portfolio import catalogue

WORK = Path(__file__).resolve().parent / ".work"
ROWS, FOLDS, WAVE, SEED = 8_000, 3, 4, 1


def sampled(entry: Entry, folder: Path) -> Path:
    """Write at most ROWS rows of the table, whole groups where it has groups."""
    parquet = entry.file.suffix == ".parquet"
    raw = pd.read_parquet(entry.file) if parquet else pd.read_csv(entry.file, dtype=str, keep_default_na=False)
    if len(raw) > ROWS:
        draw = np.random.default_rng(SEED)
        if entry.group:
            units = pd.factorize(raw[entry.group])[0]
            kept = draw.permutation(units.max() + 1)[: int((units.max() + 1) * ROWS / len(raw))]
            raw = raw[np.isin(units, kept)]
        else:
            raw = raw.iloc[np.sort(draw.choice(len(raw), ROWS, replace=False))]
    path = folder / f"{entry.name}.{'parquet' if parquet else 'csv'}"
    raw.to_parquet(path) if parquet else raw.to_csv(path, index=False)
    return path


def record(entry: Entry, likes: list[str]) -> None:
    work = WORK / entry.name
    work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["AFIELD_HOME"] = temporary
        path = sampled(entry, Path(temporary))
        problem = Problem(
            target=entry.target, data=str(path), ignore=entry.ignore, group=entry.group or None, seed=SEED, jobs=1,
            task="regression" if entry.task == "regression" else None,
        )  # fmt: skip
        with Study(problem) as study:
            driver = study._driver
            rows = np.arange(driver.question.table.rows, dtype=np.int64)
            search: Search = driver._search(driver._split("order", rows, FOLDS))
            shape = driver.shape(search.split)
            truth = search.truth
            np.save(work / "truth.npy", truth)
            (work / "shape.json").write_text(json.dumps(shape.traits()))
            listed = catalogue(shape)
            (work / "catalogue.json").write_text(json.dumps({r.name: r.id[:12] for r in listed}))
            wanted = [r for r in listed if not likes or any(w in r.name for w in likes)]
            missing = [r for r in wanted if not (work / f"{r.id[:12]}.json").exists()]
            print(f"{entry.name}: {len(truth)} rows, {len(missing)} of {len(wanted)} recipes", flush=True)
            for start in range(0, len(missing), WAVE):
                search = driver._search(search.split)  # a search that knows no trial gives up none
                recipes = missing[start : start + WAVE]
                for trial in search.step(recipes, Budget(trials=len(recipes))):
                    keep(work, search, trial)


def keep(work: Path, search: Search, trial) -> None:
    stem = trial.recipe.id[:12]
    facts = {"name": trial.recipe.name, "status": trial.status, "reason": trial.reason}
    if trial.status == "ok":
        facts |= {
            "loss": trial.loss,
            "bytes": trial.bytes,
            "latency_us": trial.latency_us,
            "cpu_s": sum(f["cpu_s"] for f in trial.folds),
            "rounds": [f["rounds"] for f in trial.folds],
        }
        np.save(work / f"{stem}.npy", search.answers(trial.id).astype(np.float32))
    (work / f"{stem}.json").write_text(json.dumps(facts))
    told = f"{trial.loss:.5g}, {facts['cpu_s']:.1f} s" if trial.status == "ok" else f"{trial.status}: {trial.reason}"
    print(f"  {trial.recipe.name}: {told}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tables", default="")
    parser.add_argument("--like", action="append", default=[], help="record recipes whose name holds this text")
    asked = parser.parse_args()
    names = set(filter(None, asked.tables.split(",")))
    began = time.time()
    for entry in entries(asked.folder):
        if not names or entry.name in names:
            record(entry, asked.like)
    print(f"done in {time.time() - began:.0f} s")


if __name__ == "__main__":
    main()
