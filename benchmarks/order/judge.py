"""Is the learned order worth it: each recorded table ordered by the records of all others, against other orders.

    python benchmarks/order/judge.py

For each table and each amount of CPU time (in times of the first recipe's fit) the recipes that it bears, taken in
order, are blended greedily; shown is by how much the squared error (the Brier score) of that blend is above that of a
blend of all recipes, as the mean over tables.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from afield.search.order import RECORDS, Records, learned_order

BUDGETS = (3, 6, 12, 25, 50, 100)
STEPS, DRAWS = 30, 5


class Traits:
    """A recorded table as the order sees one."""

    def __init__(self, traits: dict[str, float]) -> None:
        self._traits = traits

    def traits(self) -> dict[str, float]:
        return self._traits


def blended(errors: np.ndarray, have: Sequence[int]) -> float:
    counts, best = np.zeros(len(errors)), np.inf
    for _ in range(STEPS):
        found = []
        for recipe in have:
            grown = counts.copy()
            grown[recipe] += 1
            grown /= grown.sum()
            found.append((grown @ np.nan_to_num(errors) @ grown, recipe))
        loss, chosen = min(found)
        counts[chosen] += 1
        best = min(best, loss)
    return float(best)


def excess(records: Records, table: int, order: Sequence[int]) -> list[float]:
    errors, costs = records.errors[table], records.costs[table]
    known = [i for i in order if not np.isnan(errors[i, i])]
    whole, found = blended(errors, known), []
    for budget in BUDGETS:
        have, spent = [], 0.0
        for recipe in known:
            if have and spent + costs[recipe] > budget:
                continue
            have.append(recipe)
            spent += costs[recipe]
        found.append(100 * (blended(errors, have) / whole - 1))
    return found


def main() -> None:
    records = Records.load(RECORDS)
    tables, recipes = len(records.errors), len(records.names)
    rows: dict[str, list[list[float]]] = {"learned from the other tables": [], "as listed": [], "drawn": []}
    for table in range(tables):
        others = [t for t in range(tables) if t != table]
        rest = Records(
            records.names, {n: v[others] for n, v in records.traits.items()}, records.errors[others],
            records.costs[others],
        )  # fmt: skip
        shape = Traits({n: float(v[table]) for n, v in records.traits.items()})
        learned = learned_order(shape, list(records.names), rest)  # type: ignore[arg-type]
        rows["learned from the other tables"].append(excess(records, table, learned))
        rows["as listed"].append(excess(records, table, range(recipes)))
        draws = [np.random.default_rng([table, d]).permutation(recipes) for d in range(DRAWS)]
        rows["drawn"].append(list(np.mean([excess(records, table, list(d)) for d in draws], axis=0)))
    print(f"{tables} tables, {recipes} recipes; time in fits of {records.names[0]!r}; % above the blend of all")
    print(f"{'':32}" + "".join(f"{b:>8}" for b in BUDGETS))
    for name, found in rows.items():
        print(f"{name:32}" + "".join(f"{v:8.2f}" for v in np.mean(found, axis=0)))


if __name__ == "__main__":
    main()
