"""A trial: one recipe evaluated on one split. It ends in a score, costs and a status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from afield.search.recipe import Recipe

#: how ids of small models begin that are tried beside the search
STUDENT = "s"

Status = Literal["ok", "failed", "stopped", "discarded"]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One recipe on one split.

    Parameters
    ----------
    id : str
        ``0007-3fa2c1``: its number in the split, in the order of proposals, and the start of its recipe's id.
    status : {"ok", "failed", "stopped", "discarded"}
        stopped: time or the user ended it before its last fold. discarded: its first fold was so far behind that the
        others were not worth their time.
    loss : float
        The objective on all out-of-fold rows, lower is better; nan unless ok.
    score : float
        The metric on the same rows.
    folds : tuple of dict
        Each fold's result: checksums, rounds, bytes, seconds.
    reason : str
        Why it failed, or was discarded.
    """

    id: str
    split: str
    recipe: Recipe
    status: Status
    loss: float = float("nan")
    score: float = float("nan")
    folds: tuple[Mapping[str, Any], ...] = ()
    reason: str = ""

    @property
    def bytes(self) -> int:
        """Bytes of all folds in a model file."""
        return sum(int(f["bytes"]) for f in self.folds)

    @property
    def latency_us(self) -> float:
        """Microseconds for one row of all folds, by the table of operator costs."""
        return float(sum(f["latency_us"] for f in self.folds))

    @property
    def fit_s(self) -> float:
        """Wall seconds of all folds, one after another."""
        return float(sum(f["fit_s"] for f in self.folds))


def is_student(trial: str) -> bool:
    """Return whether an id is that of a small model, tried beside the search."""
    return trial.startswith(STUDENT)
