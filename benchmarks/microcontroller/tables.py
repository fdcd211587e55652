"""Every table without texts and dates: fitted small, compiled to C, run under sanitisers and on an emulated board.

python benchmarks/microcontroller/tables.py FOLDER [--only NAME...] [--minutes 0.2] [--max-size 1MB]
                                            [--rows 200] [--out results/microcontroller-tables.jsonl]

FOLDER holds ``index.csv`` (name, file, target, ignore, group), as for ``benchmarks/tables.py``. A table that is in the
result file is not run again. Rows are drawn from the table and rounded to float32; hostile rows are made from the
model. Models that the board's flash cannot hold run on this machine alone. The exit code is 1 where an answer is off.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from afield.api.proving import make_probe
from afield.api.rows import batches
from afield.core.errors import AfieldError
from afield.core.proofs import Proof
from afield.model.model import Model
from afield.platforms.microcontroller.options import MicrocontrollerOptions
from afield.platforms.microcontroller.platform import platform
from afield.platforms.protocol import Probe

HERE = Path(__file__).resolve().parent
OUT = HERE.parent / "results" / "microcontroller-tables.jsonl"


def fitted(folder: Path, table: dict[str, str], asked: argparse.Namespace) -> bytes:
    """Fit one table by the command line, as a user would."""
    model = asked.work / f"{table['name']}.onnx"
    if not model.exists():
        command = [sys.executable, "-m", "afield", "fit", str(folder / table["file"]), "--target", table["target"]]
        command += ["--minutes", str(asked.minutes), "--max-size", asked.max_size, "--out", str(model), "--quiet"]
        command += ["--jobs", "1"] if asked.one else []
        ignored = table.get("ignore", "").replace(";", ",")
        command += ["--ignore", ignored] if ignored else []
        command += ["--group", table["group"]] if table.get("group") else []
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=asked.work)
        if done.returncode:
            raise RuntimeError(done.stderr.strip()[-500:])
    return model.read_bytes()


def probe_of(content: bytes, path: Path, rows: int) -> Probe:
    """Return real rows, then the hostile rows."""
    model = Model.load(content)
    odd = make_probe(content)
    hostile = {n: v[odd.samples :] for n, v in odd.feed.items()}
    real, _ = next(batches(model, path))
    picked = np.random.default_rng(0).permutation(len(next(iter(real.values()))))[:rows]
    feed = {n: np.concatenate([real[n][picked], hostile[n]]) for n in hostile}
    return Probe(feed=feed, answers={}, samples=len(picked))


def run(folder: Path, table: dict[str, str], asked: argparse.Namespace) -> dict[str, Any]:
    """Return what became of one table."""
    content = fitted(folder, table, asked)
    found = platform.check(content)
    if found:
        return {"status": "not applicable", "why": found[0].what}
    started = time.process_time()
    place = asked.work / f"{table['name']}_c"
    bundle = platform.export(content, place, MicrocontrollerOptions(name=table["name"], force=True))
    proof: Proof = platform.prove(bundle, probe_of(content, folder / table["file"], asked.rows))
    return {
        "status": "passed" if proof.passed else "FAILED",
        "model_bytes": len(content),
        "rows": proof.rows,
        "largest": proof.to_json()["largest"],
        "details": list(proof.details),
        "seconds": round(time.process_time() - started, 1),
    }


def main() -> int:
    """Run all tables and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=lambda text: Path(text).resolve())
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--minutes", type=float, default=0.2)
    parser.add_argument("--max-size", default="1MB")
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--one", action="store_true", help="fit with one worker")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--work", type=Path, default=Path("/tmp/afield-microcontroller-tables"))
    asked = parser.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    lines = asked.out.read_text(encoding="utf-8").splitlines() if asked.out.exists() else []
    results = {one["table"]: one for one in map(json.loads, lines)}
    with (asked.folder / "index.csv").open(encoding="utf-8", newline="") as file:
        tables = [t for t in csv.DictReader(file) if not asked.only or t["name"] in asked.only]
    for table in tables:
        if table["name"] not in results:
            try:
                found = run(asked.folder, table, asked)
            except (AfieldError, RuntimeError) as error:
                found = {"status": "FAILED", "why": str(error)[:500]}
            results[table["name"]] = {"table": table["name"], **found}
            with asked.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(results[table["name"]]) + "\n")
        one = results[table["name"]]
        told = one.get("why") or f"{one['rows']} answers, {one['largest']:.1e}; {one['details'][-1]}"
        print(f"{one['table']:20} {one['status']:8} {told}", flush=True)
    return int(any(r["status"] == "FAILED" for r in results.values()))


if __name__ == "__main__":
    sys.exit(main())
