"""What to run: the tables of tables.toml, and the cells of a tier in the order in which they are run."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.automl.systems import SYSTEMS, System

HERE = Path(__file__).resolve().parent
METRICS = {"binary": "auc", "multiclass": "log_loss", "regression": "rmse"}


@dataclass(frozen=True)
class Table:
    """A line of tables.toml."""

    name: str
    path: str
    target: str
    task: str
    tier: int = 2
    long: bool = False
    drop: tuple[str, ...] = ()
    group: str = ""

    def __post_init__(self) -> None:
        if self.task not in METRICS:
            raise ValueError(f"table {self.name}: task is {self.task!r}, not one of {', '.join(METRICS)}")


@dataclass(frozen=True)
class Cell:
    """One fit to make: a table, a split, a budget and a system."""

    table: str
    split: int
    budget_s: int
    system: str

    @property
    def stem(self) -> str:
        """The name of its file."""
        return f"{self.table}-{self.split}-{self.budget_s}s-{self.system}"


def read_tables(path: Path = HERE / "tables.toml") -> list[Table]:
    """Return the tables in the order of the file; a doubled name is an error."""
    lines = tomllib.loads(path.read_text(encoding="utf-8"))["tables"]
    tables = [Table(**{**line, "drop": tuple(line.get("drop", ()))}) for line in lines]
    names = [table.name for table in tables]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"{path.name} names a table twice: {', '.join(sorted(doubled))}")
    return tables


def read_plans(tier: int, path: Path = HERE / "tables.toml") -> list[dict]:
    """Return the plans of a tier."""
    return [plan for plan in tomllib.loads(path.read_text(encoding="utf-8"))["plan"] if plan["tier"] == tier]


def cells_of(
    tables: Sequence[Table],
    plans: Sequence[dict],
    systems: Sequence[System] = SYSTEMS,
) -> list[Cell]:
    """Return the cells: splits first, then tables, then systems.

    All systems of a table run directly after each other, and each table begins with another one, so that no system
    always runs on the warmest machine.
    """
    found = []
    for plan in plans:
        chosen = [t for t in tables if t.tier <= plan["tier"] and (t.long or not plan.get("long", False))]
        for split in plan["splits"]:
            for turn, table in enumerate(chosen):
                start = (turn + split) % len(systems)
                found += [
                    Cell(table.name, split, plan["budget_s"], system.name)
                    for system in (*systems[start:], *systems[:start])
                ]
    return list(dict.fromkeys(found))


def seconds_of(cell: Cell, known: dict[str, list[float]]) -> float:
    """Return the seconds that a cell is expected to take.

    ``known``: what cells of each system took beyond their budget so far. Without any, what small tables took.
    """
    if cell.system in ("constant", "linear"):
        return 15.0
    beyond = sorted(known.get(cell.system, [])) or [45.0]
    return cell.budget_s + beyond[len(beyond) // 2]
