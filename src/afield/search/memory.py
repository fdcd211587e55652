"""What the journal remembers of finished work, by name: the driver repeats its steps and skips those it finds here.

A result is used only after its line is on the disk, so a killed study goes on as if nothing had happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from afield.search.journal import Journal


class Memory:
    """The journal as a mapping from (kind, name) to the record's data.

    Kinds: ``study`` (what was asked), ``job`` (a worker's result), ``trial`` (how it ended), ``step`` (results of
    the driver's own stages) and ``time`` (seconds used so far).
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._known: dict[tuple[str, str], dict[str, Any]] = {}
        for record in journal.records:
            self._known[(record["kind"], record["name"])] = record["data"]

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        """Return the data of a record, or None."""
        return self._known.get((kind, name))

    def put(self, kind: str, name: str, data: Mapping[str, Any]) -> None:
        """Write a record and wait until it is on the disk."""
        self.put_all([(kind, name, data)])

    def put_all(self, records: list[tuple[str, str, Mapping[str, Any]]]) -> None:
        """Write records with one wait for the disk."""
        if not records:
            return
        self._journal.append([{"kind": k, "name": n, "data": dict(d)} for k, n, d in records])
        for kind, name, data in records:
            self._known[(kind, name)] = dict(data)

    def of_kind(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return name to data of all records of a kind, in order of writing."""
        return {n: d for (k, n), d in self._known.items() if k == kind}

    def spent_s(self) -> float:
        """Return the seconds of work before a restart, by the last trial that said so."""
        return max((float(d.get("elapsed_s", 0.0)) for d in self.of_kind("trial").values()), default=0.0)
