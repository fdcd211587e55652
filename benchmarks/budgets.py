"""Measure the budgets that afield promises, on one table, and mark where they fall short.

    python benchmarks/budgets.py                       # the adult table
    python benchmarks/budgets.py --table my.csv --target y

Times of whole processes are medians over fresh processes; a row's time is the median over many rows. Files and memory
caches are warm. ``results/budgets.json`` holds the figures; the exit code is 1 where a budget is missed.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import pandas as pd
from machine import AFIELD, RESULTS, ROOT, fingerprint, row_ms, session_row_ms, watch

#: name -> (budget, unit)
BUDGETS = {
    "import afield, CPU": (0.15, "s"),
    "afield --help, CPU": (0.3, "s"),
    "afield --help, wall": (0.3, "s"),
    "load and first prediction in a new process, CPU": (0.5, "s"),
    "load and first prediction in a new process, wall": (0.5, "s"),
    "one row, session.run, one thread": (0.2, "ms"),
    "file": (10.0, "MB"),
    "overrun of --minutes": (5.0, "s"),
}
FIRST_PREDICTION = """
import json, sys
import afield
model = afield.load(sys.argv[1])
print(model.predict(json.loads(sys.argv[2])))
"""


def process_times(command, cwd: Path, repeats: int) -> tuple[float, float]:
    """Return (CPU seconds, wall seconds) of a command: medians over fresh processes, the first one left out."""
    cpu, wall = [], []
    for turn in range(repeats + 1):
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run([str(c) for c in command], cwd=cwd, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if turn:
            cpu.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
            wall.append(time.perf_counter() - began)
    return median(cpu), median(wall)


def fit(table: Path, target: str, folder: Path, wishes) -> tuple[Path, float]:
    """Fit by the command line; return the file and the wall seconds."""
    out = folder / "model.onnx"
    command = [*AFIELD, "fit", table, "--target", target, "--out", out, "--force", "--json", *wishes]
    run = watch(command, home=folder / "home", cwd=folder, timeout_s=1800)
    if run.exit_code:
        sys.exit(f"{' '.join(map(str, command))}\nexit code {run.exit_code}\n{run.err}")
    return out, run.wall_s


def measure(table: Path, target: str, folder: Path, minutes: float, repeats: int) -> dict[str, float]:
    import afield

    figures: dict[str, float] = {}
    _, wall = fit(table, target, folder, ["--minutes", minutes])
    figures["overrun of --minutes"] = max(0.0, wall - 60 * minutes)
    file, figures["quick fit, wall (s)"] = fit(table, target, folder, ["--effort", "quick"])
    model = afield.load(file)
    rows = pd.read_csv(table, nrows=200).drop(columns=target)
    records = json.loads(rows.head(50).to_json(orient="records"))
    figures["file"] = len(model.bytes) / 1e6
    figures["one row, session.run, one thread"] = session_row_ms(model, rows.head(50))
    figures["one row, Model.predict of a dict (ms)"] = row_ms(model.predict, records)
    script = Path(sys.executable).with_name("afield")  # what people type
    first = [sys.executable, "-c", FIRST_PREDICTION, file, json.dumps(records[0])]
    for name, command in {
        "import afield": [sys.executable, "-c", "import afield"],
        "afield --help": [*((script,) if script.exists() else AFIELD), "--help"],
        "load and first prediction in a new process": first,
        "python alone": [sys.executable, "-c", "pass"],
    }.items():
        figures[f"{name}, CPU"], figures[f"{name}, wall"] = process_times(command, folder, repeats)
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, default=ROOT.parent / "shared/data/tabular/adult.csv.gz")
    parser.add_argument("--target", default="income")
    parser.add_argument("--minutes", type=float, default=0.5, help="of the fit whose overrun is taken")
    parser.add_argument("--repeats", type=int, default=9, help="processes a figure")
    parser.add_argument("--results", type=Path, default=RESULTS / "budgets.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="afield-bench-") as name:
        folder = Path(name)
        figures = measure(options.table.resolve(), options.target, folder, options.minutes, options.repeats)
    budgets = {n: {"measured": figures.pop(n), "budget": b, "unit": u} for n, (b, u) in BUDGETS.items()}
    budgets["overrun of --minutes"]["budget"] = max(5.0, 0.1 * 60 * options.minutes)
    short = 0
    for figure, b in budgets.items():
        missed = b["measured"] > b["budget"]
        short += missed
        ending = "  SHORT FALL" if missed else ""
        print(f"{figure:50} {b['measured']:9.3f} {b['unit']:2} of {b['budget']:g}{ending}")
    for figure, value in figures.items():
        print(f"{figure:50} {value:9.3f}")
    options.results.parent.mkdir(parents=True, exist_ok=True)
    kept = {"table": options.table.name, "budgets": budgets, "further": figures, "machine": fingerprint()}
    options.results.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return int(short > 0)


if __name__ == "__main__":
    sys.exit(main())
