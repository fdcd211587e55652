"""Hold afield against a linear pipeline and default LightGBM, on every table of a folder, over seeded splits.

    python benchmarks/tables.py                          # all tables, three splits, 30 s each; goes on where it stopped
    python benchmarks/tables.py --tables adult,car --seeds 0 --again

Each cell (table, seed, system) is a line of ``results/tables.jsonl``; the answers to the test rows lie beside it, so
that differences can be bootstrapped over all splits of a table. In the end ``results/tables.md`` is written.

The folder holds ``index.csv`` with the columns name, file, target, task, ignore (parted by ``;``) and group.
A fifth of the rows, at most 200,000, is kept for the test; whole groups where there are groups, else by class shares.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from machine import AFIELD, RESULTS, ROOT, fingerprint, session_row_ms, watch
from paired import HEADLINE, Tested, row_losses, score
from peers import PEERS, prepare
from tables_page import write_page

MOST_TEST_ROWS = 200_000
SYSTEMS = ("afield", *PEERS)


@dataclass(frozen=True)
class Entry:
    """A line of index.csv."""

    name: str
    file: Path
    target: str
    task: str
    ignore: tuple[str, ...]
    group: str


def entries(folder: Path) -> list[Entry]:
    with (folder / "index.csv").open(newline="", encoding="utf-8") as lines:
        return [
            Entry(
                name=row["name"],
                file=folder / row["file"],
                target=row["target"],
                task=row["task"].replace("/", " ").split()[0],
                ignore=tuple(filter(None, row["ignore"].split(";"))),
                group=row["group"],
            )
            for row in csv.DictReader(lines)
        ]


class Split:
    """One table, read once, and the rows of one of its splits."""

    def __init__(self, entry: Entry) -> None:
        self.entry, self.parquet = entry, entry.file.suffix == ".parquet"
        if self.parquet:
            self.raw = pd.read_parquet(entry.file)
        else:  # the texts themselves: afield is to read them
            self.raw = pd.read_csv(entry.file, dtype=str, keep_default_na=False)
        texts = self.raw[entry.target]
        self.raw = self.raw[texts.notna() & ~texts.astype(str).isin(["", "NA", "nan", "?"])]
        self.classes: list[str] = []
        if entry.task == "regression":
            self.truth = self.raw[entry.target].astype(float).to_numpy()
        else:
            self.classes, self.truth = np.unique(self.raw[entry.target].astype(str), return_inverse=True)
            self.classes = list(self.classes)
        self.units = pd.factorize(self.raw[entry.group])[0] if entry.group else np.arange(len(self.raw))
        self._features = None

    def draw(self, seed: int) -> None:
        """Choose the test rows."""
        draw, rows = np.random.default_rng(seed), len(self.raw)
        wanted = min(round(rows * 0.2), MOST_TEST_ROWS)
        if self.entry.group or self.entry.task == "regression":
            order = draw.permutation(self.units.max() + 1)
            counts = np.bincount(self.units)[order]
            test = np.isin(self.units, order[: np.searchsorted(np.cumsum(counts), wanted) + 1])
        else:
            test = np.zeros(rows, dtype=bool)
            for found in range(len(self.classes)):
                members = np.flatnonzero(self.truth == found)
                test[draw.permutation(members)[: round(len(members) * wanted / rows)]] = True
        self.test, self.train = np.flatnonzero(test), np.flatnonzero(~test)

    def write_train(self, folder: Path) -> Path:
        path = folder / ("train.parquet" if self.parquet else "train.csv")
        rows = self.raw.iloc[self.train]
        rows.to_parquet(path, index=False) if self.parquet else rows.to_csv(path, index=False)
        return path

    def features(self) -> pd.DataFrame:
        """Return what the peers learn from: numbers and categories."""
        if self._features is None:
            raw = (
                self.raw
                if self.parquet
                else pd.read_csv(self.entry.file, na_values=["?"], low_memory=False).loc[self.raw.index]
            )
            self._features = prepare(
                raw.drop(columns=[self.entry.target, self.entry.group, *self.entry.ignore], errors="ignore")
            )
        return self._features

    def tested(self, answers, classes) -> Tested:
        """Return the answers with their columns in the order of the table's classes."""
        if self.entry.task != "regression":
            ordered = np.zeros((len(answers), len(self.classes)))
            ordered[:, [self.classes.index(str(c)) for c in classes]] = answers
            answers = ordered
        return Tested(self.entry.task, self.units[self.test], self.truth[self.test], np.asarray(answers, dtype=float))


def run_peer(split: Split, system: str, seed: int) -> tuple[Tested, dict]:
    features, target = split.features(), split.truth
    if split.classes:
        target = np.array(split.classes, dtype=object)[target]
    began = time.perf_counter()
    train, test = features.iloc[split.train], features.iloc[split.test]
    answers, classes, note = PEERS[system](train, target[split.train], test, split.entry.task, seed)
    return split.tested(answers, classes), {"wall_s": round(time.perf_counter() - began, 2), "note": note}


def run_afield(split: Split, seed: int, options: argparse.Namespace) -> tuple[Tested, dict]:
    """Fit by the command line, and answer in onnxruntime."""
    import afield

    entry = split.entry
    with tempfile.TemporaryDirectory(prefix="afield-bench-", dir=options.scratch) as name:
        folder = Path(name)
        command = [*AFIELD, "fit", split.write_train(folder), "--target", entry.target, "--seed", seed]
        command += ["--minutes", options.seconds / 60, "--out", "m.onnx", "--force", "--json"]
        command += [text for column in entry.ignore for text in ("--ignore", column)]
        command += ["--group", entry.group] if entry.group else []
        command += ["--memory", options.memory] if options.memory else []
        facts: dict = {"task_stated": False}
        while True:
            run = watch(command, home=folder / "home", cwd=folder, timeout_s=3 * options.seconds + 300)
            if run.exit_code:
                raise RuntimeError(f"exit code {run.exit_code}\n{run.out[-500:]}\n{run.err[-3000:]}")
            model = afield.load(folder / "m.onnx")
            if model.task == entry.task or facts["task_stated"]:
                break
            facts = {"task_stated": True, "task_inferred": model.task}  # a person would state it now, so do we
            command += ["--task", entry.task]
        trials = [e for e in run.events if e["event"] == "trial"]
        card = model.card
        facts |= {
            "wall_s": round(run.wall_s, 2),
            "overrun_s": round(run.wall_s - options.seconds, 2),
            "load": round(run.load, 1),
            "rss_mb": round(run.rss_mb),
            "pss_mb": round(run.pss_mb),
            "bytes": len(model.bytes),
            "trials": {
                s: sum(t.get("status") == s for t in trials) for s in sorted({t.get("status", "") for t in trials})
            },
            "reasons": sorted({t["reason"] for t in trials if t.get("status") == "failed"})[:3],
            "members": [{"recipe": m.recipe, "weight": round(m.weight, 3), "trees": m.trees} for m in card.members],
            "card_score": {k: getattr(card.score, k) for k in ("metric", "value", "low", "high", "how", "rows")},
            "parity": vars(card.parity) if card.parity else None,
        }
        rows = split.raw.iloc[split.test].drop(columns=entry.target)
        began = time.perf_counter()
        answers = model.predict(rows) if model.task == "regression" else model.predict_proba(rows)
        facts["answer_s"] = round(time.perf_counter() - began, 3)
        facts["row_ms"] = round(session_row_ms(model, rows.head(50)), 4)
        return split.tested(answers, model.classes), facts


def run_cell(split: Split, seed: int, system: str, options: argparse.Namespace) -> dict:
    """Run one system on one split and keep its answers."""
    entry = split.entry
    cell = {"table": entry.name, "seed": seed, "system": system, "task": entry.task}
    cell |= {"train_rows": len(split.train), "test_rows": len(split.test)}
    cell |= {"seconds": options.seconds} if system == "afield" else {}
    try:
        tested, facts = run_afield(split, seed, options) if system == "afield" else run_peer(split, system, seed)
    except Exception as error:  # noqa: BLE001  whatever fails is a line of the results, and the run goes on
        return cell | {"failed": f"{type(error).__name__}: {error}"[-4000:], "trace": traceback.format_exc()[-3000:]}
    metric = HEADLINE[entry.task]
    cell |= {"metric": metric, "score": score(tested, metric), "loss": float(np.mean(row_losses(tested)))}
    place = options.answers / f"{entry.name}-{seed}-{system}.npz"
    place.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(place, units=tested.units, truth=tested.truth, answers=tested.answers)
    return cell | facts


def read_cells(path: Path) -> dict[tuple[str, int, str], dict]:
    """Return the cells of a results file; of two lines for a cell the later counts."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {(c["table"], c["seed"], c["system"]): c for c in map(json.loads, lines)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data/tabular", help="folder with index.csv")
    parser.add_argument("--tables", default="", help="names, parted by commas; left out: all")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--systems", default=",".join(SYSTEMS))
    parser.add_argument("--seconds", type=float, default=30.0, help="time limit of each afield fit")
    parser.add_argument("--memory", default="", help="passed to afield, such as 8GB")
    parser.add_argument("--again", action="store_true", help="run cells that are there already, too")
    parser.add_argument("--results", type=Path, default=RESULTS / "tables.jsonl")
    parser.add_argument("--scratch", type=Path, help="folder for temporary files")
    parser.add_argument("--page-only", action="store_true", help="only write the Markdown page")
    options = parser.parse_args()
    options.answers = options.results.parent / f"{options.results.stem}-answers"
    options.results.parent.mkdir(parents=True, exist_ok=True)
    known = entries(options.data)
    chosen = [e for e in known if not options.tables or e.name in options.tables.split(",")]
    for entry in () if options.page_only else chosen:
        done = {} if options.again else read_cells(options.results)
        cells = [(int(seed), s) for seed in options.seeds.split(",") for s in options.systems.split(",")]
        cells = [c for c in cells if "score" not in done.get((entry.name, *c), {})]
        split = Split(entry) if cells else None
        for seed, system in cells:
            split.draw(seed)
            cell = run_cell(split, seed, system, options)
            with options.results.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(cell | {"machine": fingerprint()}) + "\n")
            shown = f"{cell['score']:.4f}" if "score" in cell else f"FAILED {cell['failed'][:300]}"
            print(f"{entry.name} seed {seed} {system}: {shown} in {cell.get('wall_s', 0):.1f} s", flush=True)
    write_page(
        read_cells(options.results), [e.name for e in known], options.answers, options.results.with_suffix(".md")
    )


if __name__ == "__main__":
    main()
