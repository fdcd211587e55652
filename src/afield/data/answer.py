"""What is to be learned, as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.problem.problem import Task


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What is to be learned.

    Parameters
    ----------
    task : {"binary", "multiclass", "regression"}
    values : ndarray [N]
        int64 class index in 0..classes-1 for classification, float64 for regression.
    classes : int
        Number of classes; 0 for regression.
    """

    task: Task
    values: NDArray[Any]
    classes: int = 0

    def take(self, rows: NDArray[np.int64]) -> Answer:
        """Return the answers of these rows."""
        return Answer(task=self.task, values=self.values[rows], classes=self.classes)
