"""The questions of many nodes, whatever their trees look like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from afield.platforms.microcontroller.ir import Array


@dataclass(frozen=True, kw_only=True)
class Questions:
    """M questions.

    Parameters
    ----------
    feature : int64 [M]
        What a question is about.
    split : float64 [M]
        The answer is yes when ``x <= split``; NaN for a question of membership.
    missing_yes : bool [M]
        Whether NaN is a yes.
    member_count : int64 [M]
        -1: a threshold. Otherwise yes for so many values, the next ones of ``members``.
    members : float64 [S]
    """

    feature: Array
    split: Array
    missing_yes: Array
    member_count: Array
    members: Array

    def sets(self) -> dict[int, Array]:
        """Return the members for each question of membership."""
        ends = np.cumsum(np.maximum(self.member_count, 0))
        return {int(i): self.members[ends[i] - self.member_count[i] : ends[i]]
                for i in np.flatnonzero(self.member_count >= 0)}  # fmt: skip
