"""Compare ways to choose an ensemble on few rows: does the choice overfit the out-of-fold answers that it is made on?

    python benchmarks/selection.py record --tables hepatitis,vehicle --seeds 0,1   # goes on where it stopped
    python benchmarks/selection.py compare

``record`` keeps 30 % of the rows for the test, searches on the others with standard effort and one worker, and stores
for every trial its out-of-fold answers and its answers to the test rows. ``compare`` holds the rules of choice to each
other on these recordings alone, in seconds, and writes ``results/selection.md``.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from machine import RESULTS, ROOT
from tables import Entry, entries

TEST_SHARE = 0.3
SMALL = "hepatitis,fishcatch,penguins,vehicle,concrete,credit_g,soybean,car,titanic,corn_lasrosas,kr_vs_kp,arrhythmia"
WORK, PAGE = Path(__file__).resolve().parent / ".work" / "selection", RESULTS / "selection.md"


def record(entry: Entry, seed: int, trials: int, path: Path) -> None:
    """Run one search and store what a choice can see, and what it is judged on."""
    import afield
    from afield.data.splits import fold_count
    from afield.search.loop import Budget
    from afield.search.outer import file_answers

    with tempfile.TemporaryDirectory() as folder:
        os.environ["AFIELD_HOME"] = folder
        problem = afield.Problem(
            target=entry.target, data=str(entry.file), ignore=entry.ignore, group=entry.group or None,
            task="regression" if entry.task == "regression" else None, effort="standard", jobs=1, seed=seed,
        )  # fmt: skip
        with afield.study(problem) as study:
            driver = study._driver
            question, task = driver.question, driver.question.answer.task
            test = drawn(question.groups, question.answer.values, task, seed)
            split = driver._split("study", np.flatnonzero(~test), fold_count(int((~test).sum())))
            search = driver._search(split)
            search.run(Budget(trials=trials))
            done = [t for t in search.trials if t.status == "ok"]
            kept = np.flatnonzero(test)
            feed = {s.input_name: question.table[s.name].feed(kept) for s in study.schema.columns}
            answers = []
            for trial in done:
                solution = driver._build(search, search.trials, {trial.id: 1.0})
                content = solution.model.SerializeToString()
                answers.append(file_answers(content, feed, study.schema.target)[0])
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savez_compressed(
                path,
                task=task, metric=driver.plan.metric.name, truth=search.truth, test_truth=question.answer.values[kept],
                folds=split.folds.of[search.judged],
                oof=np.stack([np.asarray(search.answers(t.id), np.float32) for t in done]),
                test=np.stack([np.asarray(a, np.float32) for a in answers]),
                names=np.array([t.recipe.name for t in done]), ids=np.array([t.id for t in done]),
                bytes=np.array([t.bytes for t in done]), latency_us=np.array([t.latency_us for t in done]),
            )  # fmt: skip


def drawn(groups: np.ndarray | None, truth: np.ndarray, task: str, seed: int) -> np.ndarray:
    """Return which rows are kept for the test: whole groups, or by class shares."""
    draw, rows = np.random.default_rng(seed), np.arange(len(truth))
    if groups is not None:
        units = draw.permutation(int(groups.max()) + 1)
        return np.isin(groups, units[: round(len(units) * TEST_SHARE)])
    test = np.zeros(len(rows), dtype=bool)
    for members in [rows] if task == "regression" else [rows[truth == k] for k in np.unique(truth)]:
        test[draw.permutation(members)[: round(len(members) * TEST_SHARE)]] = True
    return test


# Rules of choice ------------------------------------------------------------------------------------------------------


class Recording:
    """What one recorded search offers: answers [trials, rows], out-of-fold and to the test rows.

    The log loss of a blend takes the probability of the true class alone, so classes keep no more than that.
    """

    def __init__(self, path: Path) -> None:
        stored = np.load(path)
        self.name, self.regression = path.stem, str(stored["task"]) == "regression"
        self.truth, self.test_truth = stored["truth"], stored["test_truth"]
        self.oof = self._kept(stored["oof"], self.truth)
        self.test = self._kept(stored["test"], self.test_truth)
        self.count = len(self.oof)

    def _kept(self, answers: np.ndarray, truth: np.ndarray) -> np.ndarray:
        if self.regression:
            return answers.reshape(len(answers), -1).astype(float)
        return answers[:, np.arange(len(truth)), truth].astype(float)

    def row_loss(self, truth: np.ndarray, answers: np.ndarray) -> np.ndarray:
        return (answers - truth) ** 2 if self.regression else -np.log(np.clip(answers, 1e-15, 1))

    def loss(self, weights: np.ndarray) -> float:
        """Return the loss of a blend on the test rows."""
        mean = float(self.row_loss(self.test_truth, weights @ self.test).mean())
        return float(np.sqrt(mean)) if self.regression else mean

    def seen(self, answers: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the loss of answers [..., rows] on these rows."""
        mean = self.row_loss(self.truth[rows], answers).mean(axis=-1)
        return np.sqrt(mean) if self.regression else mean


def greedy(
    rec: Recording, *, rows: np.ndarray | None = None, pool: np.ndarray | None = None, members: int = 6,
    start: int = 1, steps: int = 40, patience: int = 6, sure: float = 0.0,
) -> np.ndarray:  # fmt: skip
    """Return the weights of greedy selection with replacement.

    ``start``: begin with the mean of so many of the best. ``sure``: a step must lower the loss by so many standard
    errors of the difference.
    """
    rows = np.arange(len(rec.truth)) if rows is None else rows
    pool = np.arange(rec.count) if pool is None else pool
    oof = rec.oof[:, rows]
    alone = np.full(rec.count, np.inf)
    alone[pool] = rec.seen(oof[pool], rows)
    ranked = np.argsort(alone, kind="stable")[: min(16, len(pool))]
    counts = np.zeros(rec.count)
    counts[ranked[:start]] = 1
    total = oof[ranked[:start]].sum(axis=0)
    best, kept, waited = float(rec.seen(total / counts.sum(), rows)), counts.copy(), 0
    for _ in range(steps):
        allowed = np.array([i for i in ranked if counts[i] or (counts > 0).sum() < members])
        values = rec.seen((total + oof[allowed]) / (counts.sum() + 1), rows)
        chosen = allowed[int(np.argmin(values))]
        counts[chosen] += 1
        total = total + oof[chosen]
        if values.min() < best - _need(rec, kept, counts, oof, rows, sure):
            best, kept, waited = float(values.min()), counts.copy(), 0
        elif (waited := waited + 1) >= patience:
            break
    return kept / kept.sum()


def _need(rec: Recording, old: np.ndarray, new: np.ndarray, oof: np.ndarray, rows: np.ndarray, sure: float) -> float:
    if not sure:
        return 0.0
    a = rec.row_loss(rec.truth[rows], (old / old.sum()) @ oof)
    b = rec.row_loss(rec.truth[rows], (new / new.sum()) @ oof)
    error = float((a - b).std() / np.sqrt(len(rows)))
    return sure * (error / (2 * np.sqrt(max(a.mean(), 1e-12))) if rec.regression else error)


def equal(rec: Recording, count: int) -> np.ndarray:
    """Return equal weights of the best."""
    every = np.arange(len(rec.truth))
    ranked = np.argsort(rec.seen(rec.oof, every), kind="stable")[:count]
    weights = np.zeros(rec.count)
    weights[ranked] = 1 / len(ranked)
    return weights


def bagged(rec: Recording, bags: int, share: float = 0.5, **options: object) -> np.ndarray:
    """Return the mean of selections, each among a share of the models (Caruana et al., 2004)."""
    draw, total = np.random.default_rng(0), np.zeros(rec.count)
    for _ in range(bags):
        pool = draw.permutation(rec.count)[: max(2, round(rec.count * share))]
        total += greedy(rec, pool=pool, **options)
    return total / total.sum()


def resampled(rec: Recording, bags: int, **options: object) -> np.ndarray:
    """Return the mean of selections, each on rows drawn with replacement."""
    draw, total = np.random.default_rng(0), np.zeros(rec.count)
    for _ in range(bags):
        total += greedy(rec, rows=draw.integers(0, len(rec.truth), len(rec.truth)), **options)
    return total / total.sum()


def shrunk(rec: Recording, share: float, count: int = 4) -> np.ndarray:
    """Return the greedy weights, drawn towards equal weights of the best few."""
    return (1 - share) * greedy(rec) + share * equal(rec, count)


def halved(rec: Recording, most: int = 6) -> np.ndarray:
    """Return the mean of selections on rows drawn with replacement, cut down to the weightiest few."""
    weights = resampled(rec, 10)
    weights[np.argsort(-weights, kind="stable")[most:]] = 0
    return weights / weights.sum()


RULES = {
    "greedy, 6 members": greedy,
    "best alone": lambda r: equal(r, 1),
    "greedy, 3 members": lambda r: greedy(r, members=3),
    "greedy, 12 members": lambda r: greedy(r, members=12),
    "greedy, no patience": lambda r: greedy(r, patience=1),
    "greedy, 100 steps, patience 20": lambda r: greedy(r, steps=100, patience=20),
    "start with the best 2": lambda r: greedy(r, start=2),
    "start with the best 3": lambda r: greedy(r, start=3),
    "start with the best 4": lambda r: greedy(r, start=4),
    "gain of half a standard error": lambda r: greedy(r, sure=0.5),
    "gain of a standard error": lambda r: greedy(r, sure=1.0),
    "equal, best 3": lambda r: equal(r, 3),
    "equal, best 6": lambda r: equal(r, 6),
    "shrunk by a quarter to the best 4": lambda r: shrunk(r, 0.25),
    "shrunk by a half to the best 4": lambda r: shrunk(r, 0.5),
    "bagged models, 10 bags": lambda r: bagged(r, 10),
    "bagged models, 5 bags, 3 members": lambda r: bagged(r, 5, members=3),
    "resampled rows, 10 bags": lambda r: resampled(r, 10),
    "resampled rows, 10 bags, 3 members": lambda r: resampled(r, 10, members=3),
    "resampled rows, cut to 6 members": halved,
}


def write_page(work: Path, page: Path) -> None:
    """Hold the rules to each other: the test loss of each against that of the first, in per cent."""
    recordings = [Recording(p) for p in sorted(work.glob("*.npz"))]
    chosen = {rule: [choose(r) for r in recordings] for rule, choose in RULES.items()}
    losses = {rule: np.array([r.loss(w) for r, w in zip(recordings, c, strict=True)]) for rule, c in chosen.items()}
    size = {rule: np.mean([(w > 0).sum() for w in c]) for rule, c in chosen.items()}
    base = losses[next(iter(RULES))]
    tables = sorted({r.name.rpartition("-")[0] for r in recordings})
    of = np.array([tables.index(r.name.rpartition("-")[0]) for r in recordings])
    draw = np.random.default_rng(0)
    lines = [
        "# Rules of choice on few rows",
        "",
        f"Test loss (log loss, or RMSE) of {len(recordings)} recorded searches on {len(tables)} tables:",
        f"{', '.join(tables)}.",
        "Change against the first rule in per cent, mean over tables with a 95 % interval over tables, and the share",
        "of searches in which the rule is better. Written by `python benchmarks/selection.py compare`.",
        "",
        "| rule | members | change | interval | better |",
        "|---|---:|---:|---:|---:|",
    ]
    for rule, own in losses.items():
        change = 100 * (own / base - 1)
        mean = np.array([change[of == t].mean() for t in range(len(tables))])
        spread = [mean[draw.integers(0, len(mean), len(mean))].mean() for _ in range(2000)]
        low, high = np.quantile(spread, [0.025, 0.975])
        better = (change < 0).mean() + (change == 0).mean() / 2
        lines.append(f"| {rule} | {size[rule]:.1f} | {mean.mean():+.2f} | {low:+.2f} to {high:+.2f} | {better:.0%} |")
    page.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("record", "compare"))
    parser.add_argument("--folder", type=Path, default=ROOT.parent / "shared" / "data" / "tabular")
    parser.add_argument("--tables", default=SMALL)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--work", type=Path, default=WORK)
    options = parser.parse_args()
    if options.what == "compare":
        write_page(options.work, PAGE)
        return
    known = {e.name: e for e in entries(options.folder)}
    for seed in map(int, options.seeds.split(",")):
        for name in options.tables.split(","):
            path = options.work / f"{name}-{seed}.npz"
            if not path.exists():
                began = time.process_time(), time.time()
                record(known[name], seed, options.trials, path)
                print(f"{name} seed {seed}: {time.time() - began[1]:.0f} s", flush=True)


if __name__ == "__main__":
    main()
