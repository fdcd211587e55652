"""What every runner does, in the environment of its system: fit, ship, answer, and one row at a time.

Each stage is a process of its own: ``python <runner>.py STAGE job.json``. It writes ``<stage>.json`` beside
the job.

fit     read the training rows, fit within the budget, save
ship    copy what is needed to predict, and nothing else, to another folder
answer  a new process with two threads: load what was shipped, answer all test rows, save the answers
row     a new process with one thread on one core: load, answer single rows
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from abc import ABC, abstractmethod
from pathlib import Path
from statistics import median
from typing import ClassVar

ROWS, WARM_UP, ROW_S = 50, 5, 20.0


class Runner(ABC):
    """A system in one configuration. ``job`` is the harness's order; ``model`` and ``shipped`` are folders in it."""

    #: distributions whose versions are kept with the results
    libraries: tuple[str, ...] = ()
    #: what the system calls the metric, by the harness's name
    metrics: ClassVar[dict[str, str]] = {}

    def __init__(self, job: dict) -> None:
        self.job = job
        self.folder = Path(job["folder"])
        self.model, self.shipped = self.folder / "model", self.folder / "shipped"
        self.task, self.seed, self.cores = job["task"], job["seed"], job["cores"]
        self.budget_s, self.options = job["budget_s"], job["options"]
        self.classes: list[str] = job["files"]["classes"]
        self.target: str = job["files"]["target"]

    @property
    def metric(self) -> str:
        """The system's own name of the metric."""
        return self.metrics[self.job["metric"]]

    @abstractmethod
    def imports(self) -> None:
        """Import the library, so that its time is told apart from the fit's."""

    def read(self, part: str):
        """Return the rows of "train", or those of "test" without the target, as a frame."""
        rows = read_frame(self.job["files"], part)
        return rows if part == "train" else rows.drop(columns=self.target)

    @abstractmethod
    def fit(self, train) -> None:
        """Fit within the budget; keep the fitted object."""

    @abstractmethod
    def save(self) -> None:
        """Save the fitted object under ``model`` where fitting did not."""

    def ship(self) -> dict:
        """Fill ``shipped`` from ``model`` and return facts; without an answer to copy less, all of it."""
        import shutil

        shutil.copytree(self.model, self.shipped)
        return {}

    @abstractmethod
    def load(self) -> None:
        """Load from ``shipped``."""

    @abstractmethod
    def answer(self, rows):
        """Return probabilities [N, K] in the order of ``classes``, or predictions [N], as the library gives them."""

    def facts(self) -> dict:
        """Return what is worth keeping about the fitted model."""
        return {}

    def more_rows(self, test) -> dict:
        """Return further timings of single rows."""
        return {}


def read_frame(files: dict, part: str):
    """Return a part of the split as pandas reads it, with the column types that the whole table has."""
    import pandas as pd

    return pd.read_csv(
        files[part],
        dtype=files["dtypes"],
        parse_dates=files["dates"] or False,
        keep_default_na=False,
        na_values={name: [""] for name in (*files["dtypes"], *files["dates"])},
    )


def main(kind: type[Runner]) -> None:
    """Run the stage that the command line names."""
    stage, place = sys.argv[1:]
    job = json.loads(Path(place).read_text(encoding="utf-8"))
    if hasattr(os, "sched_setaffinity"):
        free = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, free[: 1 if stage == "row" else job["cores"]])
    sys.path.remove(str(Path(__file__).resolve().parent))
    warnings.simplefilter("ignore")  # of libraries that are not ours
    runner = kind(job)
    found = {"fit": _fit, "ship": _ship, "answer": _answer, "row": _row}[stage](runner)
    (runner.folder / f"{stage}.json").write_text(json.dumps(found), encoding="utf-8")


def _fit(runner: Runner) -> dict:
    began = time.perf_counter()
    runner.imports()
    import_s = time.perf_counter() - began
    train = runner.read("train")
    runner.model.mkdir(parents=True)
    started, cpu_before_s = time.perf_counter(), time.process_time()
    runner.fit(train)
    fit_s = time.perf_counter() - started
    runner.save()
    save_s = time.perf_counter() - started - fit_s
    return {
        "import_s": import_s,
        "fit_s": fit_s,
        "save_s": save_s,
        "cpu_before_s": cpu_before_s,
        "facts": runner.facts(),
        "versions": _versions(runner.libraries),
    }


def _ship(runner: Runner) -> dict:
    facts = runner.ship()
    files = [path for path in runner.shipped.rglob("*") if path.is_file()]
    return {"bytes": sum(path.stat().st_size for path in files), "files": len(files), **facts}


def _answer(runner: Runner) -> dict:
    import numpy as np

    runner.imports()
    test = runner.read("test")
    runner.load()
    taken = []
    for _ in range(2):  # the first call of some loads lazily
        began = time.perf_counter()
        answers = runner.answer(test)
        taken.append(time.perf_counter() - began)
        if taken[0] > 30:
            break
    answers = np.asarray(answers, dtype=np.float64)
    wanted = (len(test), len(runner.classes)) if runner.classes else (len(test),)
    if answers.shape != wanted:
        raise ValueError(f"answers have the shape {answers.shape}, wanted {wanted}")
    np.save(runner.folder / "answers.npy", answers)
    return {"first_s": taken[0], "best_s": min(taken), "rows": len(test)}


def _row(runner: Runner) -> dict:
    began = time.perf_counter()
    runner.imports()
    import_s = time.perf_counter() - began
    test = runner.read("test")
    began = time.perf_counter()
    runner.load()
    load_s = time.perf_counter() - began
    turns = [test.iloc[[(turn * 7919) % len(test)]] for turn in range(500)]
    began = time.perf_counter()
    runner.answer(turns[0])
    first_s = time.perf_counter() - began
    return {
        "import_s": import_s,
        "load_s": load_s,
        "first_row_s": first_s,
        **timed(runner.answer, turns, "row_ms"),
        **runner.more_rows(test),
    }


def timed(answer, turns, name: str) -> dict:
    """Return the median milliseconds of single calls, at least 50 of them, and how many were made."""
    for row in turns[:WARM_UP]:
        answer(row)
    taken: list[float] = []
    began = time.perf_counter()
    for row in turns:
        if len(taken) >= ROWS and time.perf_counter() - began > ROW_S:
            break
        start = time.perf_counter()
        answer(row)
        taken.append(time.perf_counter() - start)
    return {name: median(taken) * 1000, f"{name}_calls": len(taken)}


def _versions(libraries) -> dict[str, str]:
    from importlib import metadata

    return {name: metadata.version(name) for name in libraries}
