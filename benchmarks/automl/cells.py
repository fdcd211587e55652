"""Results on disk: one JSON file a cell, one folder a machine. Machines are never mixed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from benchmarks import machine
from benchmarks.automl.plan import HERE, Cell

RESULTS = HERE / "results"
_MACHINE = ("cpu", "cores", "memory_gb", "system")


def machine_facts() -> dict[str, object]:
    """Return what makes timings comparable."""
    found = machine.fingerprint()
    return {name: found[name] for name in _MACHINE}


def machine_id(facts: dict[str, object] | None = None) -> str:
    """Return a short name of a machine: the same for machines whose facts are the same."""
    text = json.dumps(facts or machine_facts(), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def path_of(cell: Cell, results: Path = RESULTS, name: str = "") -> Path:
    """Return the file of a cell."""
    return results / (name or machine_id()) / f"{cell.stem}.json"


def read(cell: Cell, results: Path = RESULTS, name: str = "") -> dict | None:
    """Return a cell's result, None when there is none."""
    path = path_of(cell, results, name)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def is_done(found: dict | None) -> bool:
    """Return whether a cell has run, well or badly; one that could not be run here waits for its environment."""
    return found is not None and found["status"] in ("ok", "failed")


def write(cell: Cell, found: dict, results: Path = RESULTS, name: str = "") -> None:
    """Write a cell, whole or not at all."""
    path = path_of(cell, results, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".half")
    half.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    half.replace(path)


def read_all(results: Path = RESULTS) -> Iterator[tuple[str, dict]]:
    """Yield (machine, result) of all cells, in the order of their names."""
    for path in sorted(results.glob("*/*.json")):
        yield path.parent.name, json.loads(path.read_text(encoding="utf-8"))
