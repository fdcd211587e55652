"""Show that one seed and one effort give one file, byte for byte: across hash seeds, and across a kill and a resume.

    python benchmarks/identity.py                      # three small tables

Four runs a table: PYTHONHASHSEED 1 and 2; then one that is killed with SIGKILL at a random moment and goes on by
``afield resume``, ``--kills`` times. The exit code is 1 where two files differ or worker processes outlive a kill.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from machine import AFIELD, RESULTS, ROOT, fingerprint

TABLES = "titanic.csv:Survived,penguins.csv:species,concrete.csv:strength"
GRACE_S = 10.0  # workers must have noticed by then that their driver is gone


class Home:
    """A folder of its own for one run, with its studies."""

    def __init__(self, folder: Path, hash_seed: int) -> None:
        self.folder = folder
        folder.mkdir()
        self.settings = {**os.environ, "AFIELD_HOME": str(folder / "home"), "PYTHONHASHSEED": str(hash_seed)}

    def start(self, *arguments: object) -> subprocess.Popen:
        command = [str(a) for a in (*AFIELD, *arguments, "--out", "m.onnx", "--force", "--json")]
        with (self.folder / "log.txt").open("a") as log:
            return subprocess.Popen(command, cwd=self.folder, env=self.settings, stdout=log, stderr=subprocess.STDOUT)

    def finish(self, process: subprocess.Popen) -> str:
        """Wait, and return the digest of the file."""
        if process.wait():
            sys.exit(f"{process.args}\nexit code {process.returncode}\n{(self.folder / 'log.txt').read_text()[-3000:]}")
        return hashlib.sha256((self.folder / "m.onnx").read_bytes()).hexdigest()

    def studies(self) -> list[str]:
        return sorted(p.parent.name for p in (self.folder / "home/studies").glob("*/journal.jsonl"))


def code_digest() -> str:
    """Return the digest of afield's own code: while it changes, files may well differ."""
    folder = Path(importlib.util.find_spec("afield").origin).parent
    return hashlib.sha256(b"".join(p.read_bytes() for p in sorted(folder.rglob("*.py")))).hexdigest()


def kill(process: subprocess.Popen, after_s: float) -> int | None:
    """Kill the driver alone; return how many workers outlived it by the grace time, None where it was done before."""
    try:
        process.wait(after_s)
        return None
    except subprocess.TimeoutExpired:
        workers = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait()
    _, alive = psutil.wait_procs(workers, timeout=GRACE_S)
    for worker in alive:
        worker.kill()
    return len(alive)


def check(table: Path, target: str, effort: str, kills: int, draw: random.Random, scratch: Path) -> dict:
    scratch.mkdir()
    data = scratch / table.name
    shutil.copyfile(table, data)
    arguments = ("fit", data, "--target", target, "--effort", effort, "--seed", 7)
    began, code = time.perf_counter(), code_digest()
    one = Home(scratch / "one", 1)
    digests = {"PYTHONHASHSEED 1": one.finish(one.start(*arguments))}
    whole_s = time.perf_counter() - began
    two = Home(scratch / "two", 2)
    digests["PYTHONHASHSEED 2"] = two.finish(two.start(*arguments))
    moments, orphans = [], 0
    killed, command = Home(scratch / "killed", 3), arguments
    while len(moments) < kills:
        moment = draw.uniform(0.05, 0.95) * whole_s / (1 + len(moments))
        left = kill(process := killed.start(*command), moment)
        if left is None:
            break  # it was faster this time
        moments.append(round(moment, 2))
        orphans += left
        command = ("resume", found[0]) if (found := killed.studies()) else arguments
    digests["killed and resumed"] = killed.finish(process if left is None else killed.start(*command))
    return {
        "table": table.name,
        "fit_s": round(whole_s, 1),
        "digests": digests,
        "same": len(set(digests.values())) == 1,
        "killed_at_s": moments,
        "outlived": orphans,
        "code_changed_meanwhile": code_digest() != code,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data/tabular", help="folder of the tables")
    parser.add_argument("--tables", default=TABLES, help="FILE:TARGET, parted by commas")
    parser.add_argument("--effort", default="quick")
    parser.add_argument("--kills", type=int, default=1, help="how often the third run is killed")
    parser.add_argument("--seed", type=int, default=0, help="of the random moments")
    parser.add_argument("--results", type=Path, default=RESULTS / "identity.json")
    options = parser.parse_args()
    draw, found = random.Random(options.seed), []
    with tempfile.TemporaryDirectory(prefix="afield-bench-") as name:
        for number, pair in enumerate(options.tables.split(",")):
            file, _, target = pair.partition(":")
            result = check(
                options.data / file, target, options.effort, options.kills, draw, Path(name) / str(number)
            )  # fmt: skip
            found.append(result)
            print(json.dumps(result, indent=1) + ("" if result["same"] else "\nDIFFERENT FILES"), flush=True)
    options.results.parent.mkdir(parents=True, exist_ok=True)
    kept = {"effort": options.effort, "tables": found, "machine": fingerprint()}
    options.results.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return int(not all(r["same"] and not r["outlived"] for r in found))


if __name__ == "__main__":
    sys.exit(main())
