"""Make ``src/afield/search/order.npz`` from recorded runs, and show the order that follows for a few shapes.

    python benchmarks/order/learn.py            # needs what record.py recorded
    python benchmarks/order/learn.py --without abalone,concrete     # to judge the order on tables that it has not seen

Errors are answers minus truth (class shares: minus 0 and 1), float64; their mean products are stored relative
to the best recipe of the table.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from afield.search.order import RECORDS, Records, learned_order
from afield.search.shape import Shape

WORK = Path(__file__).resolve().parent / ".work"
#: a table with fewer recorded recipes is under way
FEWEST = 20


def errors(work: Path, stem: str, truth: np.ndarray, regression: bool) -> np.ndarray | None:
    path = work / f"{stem}.npy"
    if not path.exists():
        return None
    answers = np.load(path).astype(np.float64)
    if regression:
        return answers[:, 0] - truth
    hot = np.eye(answers.shape[1])[truth]
    return ((answers - hot) / np.sqrt(2)).ravel()


def learn(tables: list[Path]) -> dict[str, np.ndarray]:
    names: dict[str, None] = {}
    for work in tables:
        listed = json.loads((work / "catalogue.json").read_text())
        names |= dict.fromkeys(n for n, stem in listed.items() if (work / f"{stem}.npy").exists())
    place = {n: i for i, n in enumerate(names)}
    packed, costs, traits = [], [], []
    upper = np.triu_indices(len(names))
    for work in tables:
        shape = json.loads((work / "shape.json").read_text())
        truth = np.load(work / "truth.npy")
        rows: dict[int, np.ndarray] = {}
        cost = np.full(len(names), np.nan)
        for name, stem in json.loads((work / "catalogue.json").read_text()).items():
            error = None if name not in place else errors(work, stem, truth, bool(shape["regression"]))
            if error is not None:
                rows[place[name]] = error
                cost[place[name]] = json.loads((work / f"{stem}.json").read_text())["cpu_s"]
        products = np.full((len(names), len(names)), np.nan)
        known = sorted(rows)
        matrix = np.stack([rows[i] for i in known])
        products[np.ix_(known, known)] = matrix @ matrix.T / len(truth)
        packed.append((products / np.nanmin(np.diagonal(products)))[upper])
        costs.append(cost / cost[known[0]])
        traits.append(shape)
    trait_names = list(traits[0])
    return {
        "names": np.array(list(names)),
        "tables": np.array([w.name for w in tables]),
        "trait_names": np.array(trait_names),
        "traits": np.array([[t[n] for n in trait_names] for t in traits], np.float32),
        "packed": np.array(packed, np.float32),
        "costs": np.array(costs, np.float32),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--without", default="", help="tables to leave out")
    parser.add_argument("--out", type=Path, default=RECORDS)
    asked = parser.parse_args()
    left_out = set(asked.without.split(","))
    tables = sorted(p for p in WORK.iterdir() if len(list(p.glob("*.npy"))) > FEWEST and p.name not in left_out)
    made = learn(tables)
    np.savez_compressed(asked.out, **made)
    records = Records.load(asked.out)
    print(f"{len(tables)} tables, {len(records.names)} recipes, {asked.out.stat().st_size / 1000:.0f} kB")
    for task, rows, classes in (("regression", 1_000, 0), ("binary", 5_000, 2), ("multiclass", 50_000, 7)):
        order = learned_order(Shape(task, rows, classes, ()), records.names, records)
        print(f"\n{task}, {rows} rows:")
        print("\n".join(f"  {records.names[i]}" for i in order[:16]))


if __name__ == "__main__":
    main()
