"""Run cells one after another, each system alone on the machine, and write each down before the next begins."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from benchmarks.automl import cells, install
from benchmarks.automl.measure import Watched, adopt_orphans, environment, watch
from benchmarks.automl.plan import HERE, METRICS, Cell, Table, seconds_of
from benchmarks.automl.scores import drawn_scores, more_metrics
from benchmarks.automl.splits import Files, truth_of, write_split
from benchmarks.automl.systems import BY_NAME
from benchmarks.paired import Tested

RUNNERS = HERE / "runners"


@dataclass(frozen=True)
class Setting:
    """Where things lie, and what is asked of a run."""

    data: Path
    work: Path = HERE / ".work"
    results: Path = cells.RESULTS
    cores: int = 2
    rerun: bool = False
    again: bool = False
    stale: bool = False
    keep: bool = False


class StageFailed(Exception):
    """A stage ended badly; the message is its last words."""


def run(wanted: Sequence[Cell], tables: dict[str, Table], setting: Setting) -> None:
    """Run the cells that are not done."""
    adopt_orphans()
    left = [cell for cell in wanted if must_run(cell, setting)]
    known = _known(setting)
    print(f"{len(wanted)} cells, {len(wanted) - len(left)} done; machine {cells.machine_id()}", flush=True)
    for turn, cell in enumerate(left):
        rest_s = sum(
            seconds_of(other, known) for other in left[turn:] if not install.why_not(BY_NAME[other.system].env)
        )
        print(f"[{turn + 1}/{len(left)}, about {_span(rest_s)} left] {cell.stem} ...", end=" ", flush=True)
        began = time.monotonic()
        found = run_cell(cell, tables[cell.table], setting)
        cells.write(cell, found, setting.results)
        if found["status"] == "ok":
            known.setdefault(cell.system, []).append(time.monotonic() - began - cell.budget_s)
        print(_shown(found), flush=True)


def must_run(cell: Cell, setting: Setting) -> bool:
    """Return whether a cell is to be run: not done, or asked for again, or made by another afield."""
    found = cells.read(cell, setting.results)
    if setting.again or not cells.is_done(found):
        return True
    env = BY_NAME[cell.system].env
    ours = cell.system.startswith("afield") and setting.stale and not install.why_not(env)
    return ours and found is not None and found.get("source") != install.facts_of(env).get("source")


def run_cell(cell: Cell, table: Table, setting: Setting) -> dict:
    """Run one cell and return its result; what goes wrong is a result, too."""
    system = BY_NAME[cell.system]
    found: dict = {**asdict(cell), "metric": METRICS[table.task], "task": table.task, "cores": setting.cores}
    found |= {"machine": cells.machine_facts(), "date": _now(), "options": system.options}
    if reason := install.why_not(system.env):
        return found | {"status": "not run", "reason": reason}
    installed = install.facts_of(system.env)
    found |= {name: installed[name] for name in ("commit", "source") if name in installed}
    files = write_split(table, cell.split, setting.data, setting.work / "splits" / f"{table.name}-{cell.split}")
    found |= {"rows": files.rows, "test_rows": files.test_rows, "columns": files.columns, "classes": len(files.classes)}
    folder = setting.work / "cells" / cell.stem
    try:
        result = _stages(cell, files, found, folder, setting)
        return found | {"status": "ok"} | result
    except StageFailed as error:
        return found | {"status": "failed", "reason": str(error)}
    finally:
        if not setting.keep:
            shutil.rmtree(folder, ignore_errors=True)


def _stages(cell: Cell, files: Files, found: dict, folder: Path, setting: Setting) -> dict:
    job = _job(cell, files, found, folder, setting)
    fitted, fit = _stage("fit", cell, job, folder)
    found |= {  # in place: kept even when a later stage fails
        "fit_s": round(fit["fit_s"], 2),
        "overrun_s": round(fit["fit_s"] - cell.budget_s, 2),
        "save_s": round(fit["save_s"], 2),
        "fit_process_s": round(fitted.wall_s, 2),
        "fit_cpu_s": round(fitted.cpu_s - fit["cpu_before_s"], 2),
        "rss_mb": round(fitted.rss_mb),
        "pss_mb": round(fitted.pss_mb),
        "load_average": round(fitted.load, 2),
        "versions": fit["versions"],
        "facts": fit["facts"],
    }
    _, shipped = _stage("ship", cell, job, folder)
    _, batch = _stage("answer", cell, job, folder)
    row = {} if BY_NAME[cell.system].baseline else _stage("row", cell, job, folder)[1]
    answers = np.load(folder / "answers.npy")
    truth = truth_of(files)
    tested = Tested(found["task"], np.arange(len(truth)), truth, answers)
    if not np.isfinite(answers).all():
        raise StageFailed(f"{int((~np.isfinite(answers)).sum())} answers are not numbers")
    scores = more_metrics(tested)
    result = {
        "scores": scores,
        "score": scores[found["metric"]],
        "drawn": drawn_scores(tested, seed=cell.split),
        "bytes": shipped.pop("bytes"),
        "shipped": shipped,
        "rows_per_s": round(batch["rows"] / batch["best_s"], 1),
        "batch": batch,
    }
    if row:  # what the manual shows for one row: afield takes a dict, the others a frame of one row
        result["row_ms"] = round(row.get("dict_row_ms", row["row_ms"]), 5)
        result["load_s"] = round(row["import_s"] + row["load_s"], 4)
        result["row"] = {name: round(value, 5) for name, value in row.items()}
    if setting.rerun:
        result["rerun_difference"] = _rerun(cell, files, found, folder, setting, answers)
    return result


def _rerun(cell: Cell, files: Files, found: dict, folder: Path, setting: Setting, answers: np.ndarray) -> float:
    """Fit again with the same seed and return the largest difference of an answer."""
    second = folder.with_name(folder.name + "-again")
    job = _job(cell, files, found, second, setting)
    try:
        for stage in ("fit", "ship", "answer"):
            _stage(stage, cell, job, second)
        return float(np.max(np.abs(np.load(second / "answers.npy") - answers)))
    finally:
        shutil.rmtree(second, ignore_errors=True)


def _job(cell: Cell, files: Files, found: dict, folder: Path, setting: Setting) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    job = {
        "folder": str(folder),
        "files": asdict(files),
        "task": found["task"],
        "metric": found["metric"],
        "budget_s": cell.budget_s,
        "seed": cell.split,
        "cores": setting.cores,
        "options": BY_NAME[cell.system].options,
    }
    path = folder / "job.json"
    path.write_text(json.dumps(job), encoding="utf-8")
    return path


def _stage(stage: str, cell: Cell, job: Path, folder: Path) -> tuple[Watched, dict]:
    """Run a stage in the system's environment; a fit may take three times its budget and ten minutes."""
    system = BY_NAME[cell.system]
    cores = json.loads(job.read_text(encoding="utf-8"))["cores"]
    done = watch(
        [str(install.python_of(system.env)), str(RUNNERS / f"{system.runner}_runner.py"), stage, str(job)],
        cwd=folder,
        env=environment(1 if stage == "row" else cores),
        timeout_s=3 * cell.budget_s + 600 if stage == "fit" else 900,
    )
    written = folder / f"{stage}.json"
    if done.timed_out:
        raise StageFailed(f"{stage} was ended after {done.wall_s:.0f} s")
    if done.exit_code or not written.exists():
        last = (done.err.strip() or done.out.strip())[-1500:]
        raise StageFailed(f"{stage} ended with {done.exit_code}: {_without_paths(last)}")
    return done, json.loads(written.read_text(encoding="utf-8"))


def _without_paths(text: str) -> str:
    """Return the text without the folders of this machine."""
    return text.replace(str(HERE), "automl").replace(os.path.expanduser("~"), "~")


def _known(setting: Setting) -> dict[str, list[float]]:
    """Return what cells took beyond their budget on this machine, by system."""
    known: dict[str, list[float]] = {}
    for name, found in cells.read_all(setting.results):
        if name == cells.machine_id() and found["status"] == "ok":
            # starts of the four processes, answers and rows come on top of the fit
            known.setdefault(found["system"], []).append(found["fit_process_s"] - found["budget_s"] + 30)
    return known


def _shown(found: dict) -> str:
    if found["status"] != "ok":
        return f"{found['status'].upper()}: {found['reason'][-300:]}"
    return (
        f"{found['metric']} {found['score']:.5g}; fit {found['fit_s']:.1f} s, CPU {found['fit_cpu_s']:.0f} s, "
        f"{found['pss_mb'] or found['rss_mb']:,} MB; {found['bytes'] / 1e6:.2f} MB, row {found.get('row_ms', 0):.3g} ms"
    )


def _span(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds > 5400 else f"{seconds / 60:.0f} min"


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
