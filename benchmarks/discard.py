"""Hold the rule that discards hopeless trials to recorded searches: which members of the ensemble would have been lost?

    python benchmarks/selection.py record --work results/selection     # searches without discarding, kept whole
    python benchmarks/discard.py results/selection

For each pair of thresholds it says which share of the trials would have ended after their first fold, how much weight
they have in the ensemble chosen from all trials, and how the loss on test rows changes without them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from afield.data.metrics import METRICS
from afield.search.combine import Candidate, as_answers, select
from afield.search.hurdle import BEHIND, BLOCK_ROWS, BLOCKS, ERRORS, LEAST_BLOCKS
from afield.search.loop import WAVE

PAIRS = ((0.0, 2.0), (0.0, 3.0), (BEHIND, 3.0), (BEHIND, ERRORS), (BEHIND, 5.0), (0.3, ERRORS))


class Recording:
    """A recorded search."""

    def __init__(self, path: Path) -> None:
        kept = np.load(path)
        self.name, self.task, self.metric = path.stem, str(kept["task"]), METRICS[str(kept["metric"])]
        self.truth, self.test_truth, self.test = kept["truth"], kept["test_truth"], kept["test"].astype(float)
        self.oof, costs = kept["oof"].astype(float), zip(kept["bytes"], kept["latency_us"], strict=True)
        self.candidates = [
            Candidate(str(i), answers, int(size), float(latency))
            for i, (answers, (size, latency)) in enumerate(zip(self.oof, costs, strict=True))
        ]
        first = np.flatnonzero(kept["folds"] == 0)
        count = min(BLOCKS, len(first) // BLOCK_ROWS)
        blocks = np.array_split(first, count) if count >= LEAST_BLOCKS else []
        self.losses = np.array(
            [[self.loss(self.truth[b], as_answers(self.task, a[b])) for b in blocks] for a in self.oof]
        )
        self.weights, self.loss_whole = self.blend(range(len(self.oof)))

    def loss(self, truth: np.ndarray, answers: np.ndarray) -> float:
        """Return the loss of the metric that guides choices."""
        return self.metric.guide.loss(self.metric.guide(truth, answers))

    def blend(self, kept) -> tuple[dict[str, float], float]:
        """Return the ensemble of these trials and its loss on the test rows."""
        chosen = dict(select(self.task, self.truth, [self.candidates[i] for i in kept], self.metric, None))
        return chosen, self.loss(self.test_truth, sum(w * self.test[int(i)] for i, w in chosen.items()))

    def kept(self, behind: float, errors: float) -> list[int]:
        """Return the trials that the rule would have let run to their end."""
        kept: list[int] = []
        for i, losses in enumerate(self.losses):
            earlier = [j for j in kept if j < WAVE * (i // WAVE)]
            if earlier and len(losses):
                best = self.losses[min(earlier, key=lambda j: self.losses[j].mean())]
                off = losses - best
                error = off.std(ddof=1) / len(off) ** 0.5
                if off.mean() > behind * abs(best.mean()) and off.mean() > errors * error:
                    continue
            kept.append(i)
        return kept


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="recordings of selection.py")
    found = [Recording(p) for p in sorted(parser.parse_args().folder.glob("*.npz"))]
    print("| behind by | standard errors | trials discarded | weight lost | change of the test loss, mean | worst |")
    print("|---|---|---|---|---|---|")
    for behind, errors in PAIRS:
        runs = [(r, r.kept(behind, errors)) for r in found]
        ended = np.mean([1 - len(k) / len(r.oof) for r, k in runs])
        lost = np.mean([sum(w for i, w in r.weights.items() if int(i) not in k) for r, k in runs])
        change = np.array([r.blend(k)[1] / r.loss_whole - 1 for r, k in runs])
        print(f"| {behind:.0%} | {errors:g} | {ended:.0%} | {lost:.1%} | {change.mean():+.2%} | {change.max():+.2%} |")


if __name__ == "__main__":
    main()
