"""What a limit on size costs: the model of a study, and the best one under the limit, on rows that neither saw.

    python benchmarks/students.py                                # all binary tables; goes on where it stopped
    python benchmarks/students.py --tables adult,sick --seeds 0 --again

For each table and seed a fifth of the rows is kept for the test (whole groups where there are groups). `afield fit`
runs on the others, then `afield pick` with the limit. Each cell is a line of ``results/students.jsonl``; in the end
``results/students.md`` is written: AUC of both on the test rows, their difference with its standard error, and sizes.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
from machine import AFIELD, RESULTS, ROOT, fingerprint, watch
from tables import Entry, Split, entries

import afield

LIMIT_KB, SECONDS = 50, 18.0
BLOCKS = 50


def auc(truth: np.ndarray, score: np.ndarray) -> float:
    """Return the area under the ROC curve; ties count half."""
    levels, place = np.unique(score, return_inverse=True)
    above = np.bincount(place, truth == 1, minlength=len(levels))
    below = np.bincount(place, truth == 0, minlength=len(levels))
    return float(above @ (np.cumsum(below) - below / 2) / (above.sum() * below.sum()))


def standard_error(truth: np.ndarray, a: np.ndarray, b: np.ndarray, units: np.ndarray) -> float:
    """Return the standard error of the difference of two areas, by leaving out blocks of rows or groups."""
    block = np.random.default_rng(0).permutation(int(units.max()) + 1)[units] % BLOCKS
    found = [auc(truth[block != k], a[block != k]) - auc(truth[block != k], b[block != k]) for k in range(BLOCKS)]
    return float(np.sqrt((BLOCKS - 1) / BLOCKS * np.square(np.array(found) - np.mean(found)).sum()))


def measure(entry: Entry, seed: int, options: argparse.Namespace) -> dict[str, object]:
    """Fit, pick, and hold both to the test rows."""
    split = Split(entry)
    split.draw(seed)
    with tempfile.TemporaryDirectory(prefix="afield-students-", dir=options.scratch) as temporary:
        folder = Path(temporary)
        work = ["--effort", options.effort] if options.effort else ["--minutes", options.seconds / 60]
        command = [*AFIELD, "fit", split.write_train(folder), "--target", entry.target, *work, "--seed", seed]
        command += ["--ignore", ",".join(entry.ignore)] if entry.ignore else []
        command += ["--group", entry.group] if entry.group else []
        seconds = {"fit_s": run([*command, "--out", "full.onnx", "--quiet"], folder)}
        study = next((folder / "home" / "studies").iterdir()).name
        limit = ["--max-size", f"{options.limit_kb}KB"]
        seconds["pick_s"] = run([*AFIELD, "pick", study, *limit, "--out", "small.onnx", "--quiet"], folder)
        truth, rows = split.truth[split.test], split.raw.iloc[split.test].drop(columns=entry.target)
        found, scores = {}, []
        for name in ("full", "small"):
            model = afield.load(folder / f"{name}.onnx")
            answers = split.tested(model.predict_proba(rows), model.classes).answers
            scores.append(answers[:, 1])
            found[name] = {
                "auc": auc(truth, scores[-1]),
                "bytes": len(model.bytes),
                "told": None if model.card.score is None else model.card.score.value,
                "members": [m.recipe for m in model.card.members],
            }
        return {
            "table": entry.name, "seed": seed, "limit_kb": options.limit_kb, "rows": len(split.train),
            "work": options.effort or f"{options.seconds:g} s",
            "loss": found["full"]["auc"] - found["small"]["auc"],
            "loss_error": standard_error(truth, *scores, split.units[split.test]),
            **found, **seconds, "machine": fingerprint(),
        }  # fmt: skip


def run(command: list[object], folder: Path) -> float:
    """Run a command of afield; return its wall seconds."""
    ended = watch(command, home=folder / "home", cwd=folder, timeout_s=7200, env={"OMP_NUM_THREADS": "1"})
    if ended.exit_code:
        raise RuntimeError(f"exit code {ended.exit_code}\n{ended.out[-500:]}\n{ended.err[-3000:]}")
    return round(ended.wall_s, 1)


def write_page(cells: list[dict[str, object]], page: Path, limit_kb: int) -> None:
    """Write the table of all cells."""
    tables = sorted({str(c["table"]) for c in cells})
    losses = [float(np.mean([c["loss"] for c in cells if c["table"] == t])) for t in tables]
    lines = [
        f"# Models under {limit_kb} KB against the study's own",
        "",
        f"Median loss of AUC over {len(tables)} binary tables: **{np.median(losses):.4f}**, largest {max(losses):.4f}.",
        "Positive: the small model is worse. Written by `python benchmarks/students.py`.",
        "",
        "| table | seed | rows | AUC | small | loss | ± | size | small | members of the small one |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    for c in sorted(cells, key=lambda c: (str(c["table"]), c["seed"])):
        full, small = c["full"], c["small"]
        lines.append(
            f"| {c['table']} | {c['seed']} | {c['rows']:,} | {full['auc']:.4f} | {small['auc']:.4f} | {c['loss']:+.4f} "
            f"| {c['loss_error']:.4f} | {full['bytes'] / 1000:,.0f} kB | {small['bytes'] / 1000:.1f} kB "
            f"| {'; '.join(small['members'])} |"
        )
    page.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=ROOT.parent / "shared" / "data" / "tabular")
    parser.add_argument("--tables", default="")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--effort", default="", help="count work instead of seconds: for a busy machine")
    parser.add_argument("--scratch", type=Path, help="folder for studies while they run")
    parser.add_argument("--limit-kb", type=int, default=LIMIT_KB)
    parser.add_argument("--results", type=Path, default=RESULTS / "students.jsonl")
    parser.add_argument("--again", action="store_true", help="run cells that are there already")
    options = parser.parse_args()
    stored = [json.loads(line) for line in options.results.read_text().splitlines()] if options.results.exists() else []
    known = {(c["table"], c["seed"], c["limit_kb"]): c for c in stored}
    wanted = options.tables.split(",") if options.tables else []
    for entry in entries(options.folder):
        if entry.task != "binary" or (wanted and entry.name not in wanted):
            continue
        for seed in map(int, options.seeds.split(",")):
            key = (entry.name, seed, options.limit_kb)
            if key not in known or options.again:
                known[key] = measure(entry, seed, options)
                with options.results.open("a") as file:
                    file.write(json.dumps(known[key]) + "\n")
                print(entry.name, seed, f"{known[key]['loss']:+.4f}", flush=True)
    cells = [c for k, c in known.items() if k[2] == options.limit_kb]
    write_page(cells, options.results.with_suffix(".md"), options.limit_kb)


if __name__ == "__main__":
    main()
