"""From cells to figures: which tables all systems have, and who stands where on them. No text is made here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from benchmarks.automl.scores import error_of_difference, gain, interval, normalised, ranks, result

#: a system with a smaller share of the cells than this is shown, but does not shrink the tables that are compared
ENOUGH = 0.5


@dataclass(frozen=True)
class Duel:
    """One system against another, over tables: ``won``, ``tied`` to four digits, ``lost``; and beyond one error."""

    won: int
    tied: int
    lost: int
    better: int  # by more than one standard error of the difference
    worse: int
    clearly_worse: tuple[str, ...]  # tables, by more than two

    @property
    def share(self) -> float:
        """Wins, ties counted half, of all tables."""
        return (self.won + self.tied / 2) / (self.won + self.tied + self.lost)


class Board:
    """The cells of one machine and budget.

    Parameters
    ----------
    found : iterable of dict
        Cells as ``run`` writes them.
    competitors : sequence of str
        Systems that are ranked, in the order in which they are shown.
    """

    def __init__(self, found: Iterable[dict], competitors: Sequence[str]) -> None:
        self.cells = {(c["table"], c["split"], c["system"]): c for c in found}
        tested = {name: self._tested(name) for name in competitors}
        most = max((len(keys) for keys in tested.values()), default=0)
        self.systems = [name for name in competitors if tested[name] and len(tested[name]) >= ENOUGH * most]
        self.partial = [name for name in competitors if tested[name] and name not in self.systems]
        shared = set.intersection(*(tested[name] for name in self.systems)) if self.systems else set()
        # a failure counts as the constant answer, so a split without that baseline cannot be compared
        shared &= self._tested("constant")
        self.shared = sorted(key for key in shared if (*key, "linear") in self.cells)
        self.tables = list(dict.fromkeys(table for table, _ in self.shared))

    def _tested(self, system: str) -> set[tuple[str, int]]:
        return {key[:2] for key, c in self.cells.items() if key[2] == system and c["status"] in ("ok", "failed")}

    def value(self, table: str, system: str) -> float:
        """Return the mean score over the shared splits, higher is better; a failed fit is worth the constant."""
        values = []
        for name, split in self.shared:
            if name == table:
                cell = self.cells[table, split, system]
                cell = cell if cell["status"] == "ok" else self.cells[table, split, "constant"]
                values.append(gain(cell["score"], cell["metric"]))
        return float(np.mean(values))

    def values(self, table: str) -> dict[str, float]:
        """Return the value of every ranked system."""
        return {name: self.value(table, name) for name in self.systems}

    def scaled(self, zero: str) -> dict[str, dict[str, float]]:
        """Return {table: {system: normalised score}}; a table where no system beats the zero is left out.

        ``zero``: "linear" (the linear pipeline), "median" (the median system, as TabArena has it), "worst".
        """
        found = {}
        for table in self.tables:
            values = self.values(table)
            low = {"linear": lambda v, t=table: self.value(t, "linear"), "median": lambda v: median(v.values())}
            scaled = normalised(values, low[zero](values) if zero in low else None)
            if scaled is not None:
                found[table] = scaled
        return found

    def mean_scaled(self, zero: str) -> tuple[dict[str, tuple[float, float, float]], int]:
        """Return {system: (mean, low, high)} over tables and the number of tables."""
        tables = self.scaled(zero)
        if not tables:
            return {}, 0
        means = {}
        for name in self.systems:
            values = [tables[table][name] for table in tables]
            means[name] = (float(np.mean(values)), *interval(values))
        return means, len(tables)

    def mean_ranks(self) -> dict[str, float]:
        """Return the mean rank of each system over the tables."""
        found = [ranks(self.values(table)) for table in self.tables]
        return {name: float(np.mean([place[name] for place in found])) for name in self.systems}

    def duel(self, first: str, second: str) -> Duel:
        """Return how ``first`` does against ``second``."""
        outcomes, better, worse, clearly = [], 0, 0, []
        for table in self.tables:
            ours, theirs = self.value(table, first), self.value(table, second)
            outcomes.append(result(ours, theirs))
            error = self.error(table, first, second)
            better += ours - theirs > error
            worse += theirs - ours > error
            if theirs - ours > 2 * error and not np.isnan(error):
                clearly.append(table)
        return Duel(
            won=outcomes.count(1.0),
            tied=outcomes.count(0.5),
            lost=outcomes.count(0.0),
            better=better,
            worse=worse,
            clearly_worse=tuple(clearly),
        )

    def error(self, table: str, first: str, second: str) -> float:
        """Return the standard error of the difference of the means; nan where either failed."""
        errors = []
        for name, split in self.shared:
            if name == table:
                pair = [self.cells[table, split, system] for system in (first, second)]
                if any(cell["status"] != "ok" for cell in pair):
                    return float("nan")
                errors.append(error_of_difference(pair[0]["drawn"], pair[1]["drawn"]))
        return float(np.sqrt(np.sum(np.square(errors))) / len(errors))

    def costs(self, name: str, keys: Sequence[tuple[str, int]] | None = None) -> dict[str, list[float]]:
        """Return the costs of a system over those shared splits that it and all others answered."""
        kept = ("bytes", "row_ms", "load_s", "rows_per_s", "fit_s", "fit_cpu_s", "overrun_s", "pss_mb")
        cells = [self.cells[(*key, name)] for key in (self.answered() if keys is None else keys)]
        found = {cost: [float(c[cost]) for c in cells] for cost in kept}
        found["deployed_bytes"] = [c["shipped"]["deployed_bytes"] for c in cells if "deployed_bytes" in c["shipped"]]
        found["rerun_difference"] = [c["rerun_difference"] for c in cells if "rerun_difference" in c]
        return found

    def answered(self) -> list[tuple[str, int]]:
        """Return the shared splits where no system failed: medians of costs are taken over these."""
        return [k for k in self.shared if all(self.cells[(*k, name)]["status"] == "ok" for name in self.systems)]


def by_machine_and_budget(found: Iterable[tuple[str, dict]]) -> Mapping[tuple[str, int], list[dict]]:
    """Return the cells of each machine and budget, never mixed."""
    groups: dict[tuple[str, int], list[dict]] = {}
    for machine, cell in found:
        groups.setdefault((machine, cell["budget_s"]), []).append(cell)
    return dict(sorted(groups.items()))
