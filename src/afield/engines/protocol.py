"""What an engine is: slots, shared data by reference, attempts that end in one of four ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

Outcome = Literal["ok", "error", "lost", "timeout", "cancelled"]


@dataclass(frozen=True)
class Ref:
    """A folder or file that every worker of the engine can open; shared once, never sent as an argument."""

    path: str


@dataclass(frozen=True, kw_only=True)
class Job:
    """One attempt at a piece of work.

    ``function`` is ``package.module:name``; it is called as ``function(config)`` in a worker and returns a JSON
    object. ``config`` is JSON; what was shared goes into it as the string ``Ref.path``.
    """

    id: str
    attempt: int
    function: str
    config: Mapping[str, Any]
    threads: int = 1


@dataclass(frozen=True, kw_only=True)
class Done:
    """How an attempt ended.

    ``result`` is the function's JSON object where ``outcome`` is "ok"; else ``reason`` says why: for "error" the
    exception's type and message with ``detail`` holding the traceback; for "lost" how the worker ended.
    """

    id: str
    attempt: int
    outcome: Outcome
    result: Mapping[str, Any] | None = None
    reason: str = ""
    detail: str = ""
    wall_s: float = 0.0
    cpu_s: float = 0.0


@runtime_checkable
class Engine(Protocol):
    """Runs jobs. Not thread-safe: one driver owns it."""

    def capacity(self) -> int:
        """Return how many jobs run at once."""
        ...

    def share(self, path: Path) -> Ref:
        """Make a file or folder readable by every worker."""
        ...

    def submit(self, job: Job, *, timeout_s: float | None = None) -> None:
        """Queue a job; it ends as "timeout" ``timeout_s`` after it starts running."""
        ...

    def poll(self, timeout_s: float) -> list[Done]:
        """Return the attempts that ended, waiting up to ``timeout_s`` for the first; empty when none did.

        Returns at once when no attempt is on its way.
        """
        ...

    def cancel(self, id: str) -> None:
        """Stop a job; it ends as "cancelled"."""
        ...

    def close(self) -> None:
        """Stop all workers."""
        ...
