"""How probabilities become a label. The rule is written in the card and obeyed by the graph; this is it in numpy.

Every rule is ``label = argmax(P @ D)``, D float64 [K, K]: the identity for the most probable class, a diagonal for
weights (of two classes: a threshold), the negative cost matrix for the least expected cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Rule = Literal["argmax", "threshold", "weights", "costs"]


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A rule from probabilities to a label.

    Parameters
    ----------
    rule : {"argmax", "threshold", "weights", "costs"}
        The most probable class; ``positive`` from ``threshold`` on; the largest probability times its class's
        weight; the least expected cost.
    threshold : float
        Probability of ``positive``, 0 to 1.
    positive : str
        A class as text.
    weights : tuple of float
        One for each class, in the order of the schema; the largest is 1.
    costs : tuple of tuple of float
        Row: the true class; column: the answered one.
    metric : str
        What the rule was tuned for; empty where nothing was tuned.
    unasked : bool
        True where the metric left the rule open, and it was tuned because a class is rare.
    """

    rule: Rule = "argmax"
    threshold: float = 0.5
    positive: str = ""
    weights: tuple[float, ...] = ()
    costs: tuple[tuple[float, ...], ...] = ()
    metric: str = ""
    unasked: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", tuple(map(float, self.weights)))  # JSON has lists
        object.__setattr__(self, "costs", tuple(tuple(map(float, row)) for row in self.costs))

    def diagonal(self, classes: Sequence[str]) -> NDArray[np.float64] | None:
        """Return the weight of each class, float64 [K]; None for ``argmax`` and ``costs``."""
        if self.rule == "threshold" and self.positive in classes:
            found = np.full(len(classes), self.threshold)
            found[list(classes).index(self.positive)] = 1.0 - self.threshold
            return np.asarray(found / found.max())
        return np.array(self.weights) if self.rule == "weights" else None

    def matrix(self, classes: Sequence[str]) -> NDArray[np.float64]:
        """Return D, float64 [K, K]."""
        if self.rule == "costs":
            costs = np.array(self.costs)
            return -costs / np.abs(costs).max()
        weights = self.diagonal(classes)
        return np.eye(len(classes)) if weights is None else np.diag(weights)

    def scores(self, probabilities: NDArray[Any], classes: Sequence[str]) -> NDArray[np.float64]:
        """Return P @ D, float64 [N, K]: the largest is the label."""
        wide = np.asarray(probabilities, dtype=np.float64)
        if self.rule == "costs":
            return wide @ self.matrix(classes)
        weights = self.diagonal(classes)
        return wide if weights is None else wide * weights

    def labels(self, probabilities: NDArray[Any], classes: Sequence[str]) -> NDArray[np.int64]:
        """Return the index of each row's label, int64 [N]."""
        return self.scores(probabilities, classes).argmax(axis=1).astype(np.int64)

    def margin(self, probabilities: NDArray[Any], classes: Sequence[str]) -> NDArray[np.float64]:
        """Return how far each row is from another label, float64 [N], in units of probability.

        No probabilities that are off by less than half of it can change the label.
        """
        scores, columns = self.scores(probabilities, classes), self.matrix(classes)
        apart = np.abs(columns[:, :, None] - columns[:, None, :]).sum(axis=0) / 2.0  # 1 for the identity
        best = scores.argmax(axis=1)
        rows = np.arange(len(scores))
        with np.errstate(divide="ignore", invalid="ignore"):
            gaps = (scores[rows, best][:, None] - scores) / apart[best]
        gaps[apart[best] == 0] = np.inf  # the label itself, and answers that always cost the same
        return np.asarray(gaps.min(axis=1))

    def text(self, classes: Sequence[str] = ()) -> str:
        """Return the rule in words."""
        if self.rule == "threshold":
            rule = f"{self.positive!r} from a probability of {self.threshold:.3g} on"
        elif self.rule == "weights":
            names = classes or [f"class {i + 1}" for i in range(len(self.weights))]
            shown = ", ".join(f"{n!r} {w:.3g}" for n, w in list(zip(names, self.weights, strict=True))[:8])
            more = f" and {len(self.weights) - 8} more" if len(self.weights) > 8 else ""
            rule = f"the largest probability times the weight of its class: {shown}{more}"
        elif self.rule == "costs":
            rule = "the answer of the least expected cost, by the cost matrix"
        else:
            rule = "the most probable class"
        if not self.metric or self.rule == "costs":
            return rule
        tuned = f"{rule}; tuned out-of-fold for {self.metric}"
        return (
            f"{tuned}, since a class is rare and the metric of the search leaves the rule open"
            if self.unasked
            else tuned
        )
