"""What long work says while it runs. The CLI prints events, ``--json`` writes them, the studio streams them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

#: stage    a stage began: {"name"}
#: table    data was read: {"rows", "columns", "source"}
#: problem  the problem as understood: {"target", "task", "metric", ...}
#: finding  a Finding, as JSON
#: trial    a trial ended: {"id", "split", "recipe", "status", "score", "done", "planned", "reason"}
#: student  a small model beside the search ended: as trial
#: best     a better ensemble: {"score", "metric", "trials"}
#: ended    a search ended before its budget: {"split", "why"}
#: progress {"split", "left_s"}: seconds left for the split, None without a limit
#: score    the honest score: {"metric", "value", "low", "high", "rows", "how"}
#: parity   {"rows", "hostile_rows", "largest", "tolerance"}
#: written  the model file: {"path", "bytes"}
#: notice   one sentence for people: {"text"}
KINDS = (
    "stage", "table", "problem", "finding", "trial", "student", "best", "ended", "progress", "score", "parity",
    "written", "notice",
)  # fmt: skip


@dataclass(frozen=True)
class Event:
    """One thing that happened. ``data`` holds JSON values only."""

    kind: str
    data: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown event kind {self.kind!r}")


Listener = Callable[[Event], None]


def silent(event: Event) -> None:
    """Ignore the event."""
