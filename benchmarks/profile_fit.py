"""Where the time of a fit goes: CPU seconds by stage, in the driver and its workers, and how long workers stood idle.

    python benchmarks/profile_fit.py ../shared/data/tabular --tables adult,credit_g --minutes 1

CPU seconds hold on a busy machine too; idle shares and the first model want a quiet one: the load stands beside them.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))


def one(entry, folder, minutes, effort):
    """Fit one table in this process and return its figures; run in a process of its own."""
    log = folder / "jobs.jsonl"
    os.environ |= {"AFIELD_STOPWATCH": str(log), "AFIELD_STOPWATCH_DRIVER": str(os.getpid())}
    os.chdir(folder)
    load = os.getloadavg()[0]
    started, events = time.time(), []
    import stopwatch

    import afield.api.fit as fit
    from afield.problem.problem import Problem

    fit.PRELOAD += ("stopwatch",)
    stopwatch.wrap(stopwatch.DRIVER)
    problem = Problem(
        data=entry["path"], target=entry["target"], ignore=tuple(entry["ignore"]), group=entry["group"] or None,
        minutes=minutes, **({} if minutes else {"effort": effort}),
    )  # fmt: skip
    result = fit.fit(
        problem, started=started, root=folder / "studies", listener=lambda e: events.append((time.time() - started, e))
    )
    driver = {k: [round(x, 3) for x in v] for k, v in stopwatch.spent.items()}
    jobs = [json.loads(line) for line in log.read_text().splitlines()]
    trials = [(at, e.data) for at, e in events if e.kind == "trial"]
    own = sum(os.times()[:2])
    return {
        "table": entry["name"],
        "load": round(load, 1),
        "wall_s": round(time.time() - started, 1),
        "first_model_s": round(next((at for at, t in trials if t["status"] == "ok"), -1.0), 1),
        "trials": sum(t["status"] == "ok" and t["split"] == "main" for _, t in trials),
        "outer_trials": sum(t["status"] == "ok" and t["split"] != "main" for _, t in trials),
        "score": round(result.leaderboard[0]["loss"], 5),
        "stages_s": [[round(at, 1), e.data["name"]] for at, e in events if e.kind == "stage"],
        "driver_cpu_s": round(own, 2),
        "worker_cpu_s": round(sum(j["cpu_s"] for j in jobs), 2),
        "driver": driver,
        "workers": stage_sums(jobs),
        "by_learner": learners(jobs),
        "idle": idle(jobs),
    }


def stage_sums(jobs):
    """CPU seconds of the workers by stage."""
    sums = defaultdict(float)
    for job in jobs:
        for stage, cpu in job["stages"].items():
            sums[stage] += cpu
    return {k: round(v, 2) for k, v in sorted(sums.items(), key=lambda item: -item[1])}


def learners(jobs):
    """Median CPU seconds of a fold, and how many there were, by learner on the main split."""
    found = defaultdict(list)
    for job in jobs:
        if job["job"] == "fit_fold" and job["split"] == "main":
            found[job["part"]].append(job["cpu_s"])
    return {k: {"folds": len(v), "median_cpu_s": round(sorted(v)[len(v) // 2], 3)} for k, v in found.items()}


def idle(jobs, workers=2):
    """Share of the workers' time that no job used, from a split's first job to its last."""
    shares = {}
    for split in sorted({j["split"] for j in jobs}):
        mine = [j for j in jobs if j["split"] == split]
        span = max(j["began"] + j["wall_s"] for j in mine) - min(j["began"] for j in mine)
        shares[split] = round(1 - sum(j["wall_s"] for j in mine) / (workers * span), 3) if span else 0.0
    return shares


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="folder with index.csv")
    parser.add_argument("--tables", default="adult,california_housing,credit_g,vehicle")
    parser.add_argument("--minutes", type=float, default=None)
    parser.add_argument("--effort", default="quick", help="without --minutes: quick, standard or thorough")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "profile.jsonl")
    options = parser.parse_args()
    index = {row["name"]: row for row in csv.DictReader((options.folder / "index.csv").open())}
    for name in options.tables.split(","):
        row = index[name]
        entry = {
            "name": name, "path": str((options.folder / row["file"]).resolve()), "target": row["target"],
            "ignore": [c for c in row["ignore"].split(";") if c], "group": row["group"],
        }  # fmt: skip
        child = os.fork()
        if not child:  # each table in a process of its own: its CPU time is that of one fit
            with tempfile.TemporaryDirectory() as folder:
                found = one(entry, Path(folder), options.minutes, options.effort)
            with options.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(found) + "\n")
            print(json.dumps(found, indent=1))
            sys.stdout.flush()
            os._exit(0)
        if os.waitpid(child, 0)[1]:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
