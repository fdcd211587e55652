"""Wall time against the budget. Under ``--effort`` there is no deadline and time decides nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Clock:
    """Counts from ``started`` (``time.time()`` of the command's start); ``budget_s`` None means no limit.

    ``spent_s`` is what earlier runs of a resumed study used up.
    """

    started: float
    budget_s: float | None = None
    spent_s: float = 0.0
    now: Callable[[], float] = field(default=time.time, repr=False)

    def elapsed_s(self) -> float:
        """Seconds used so far, those of earlier runs included."""
        return self.spent_s + self.now() - self.started

    def left_s(self, share: float = 1.0) -> float | None:
        """Seconds until ``share`` of the budget is used, at least 0; None without a limit."""
        return None if self.budget_s is None else max(0.0, self.budget_s * share - self.elapsed_s())
