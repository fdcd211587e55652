"""What encoders average of the target, and its sums over the rows of each level, in few passes and little memory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from afield.core.randomness import derive_seed
from afield.data.answer import Answer

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TargetSums:
    """The target as K figures of each row.

    ``figures``: float64 [N], one figure of each row (regression: standardised, so that float32 holds the means of any
    target), or None. Else ``marks``: float64 [K, classes], the K figures of each class, and ``classes``: int64 [N].
    """

    weights: Floats
    figures: Floats | None
    classes: NDArray[np.int64]
    marks: Floats

    @classmethod
    def of(cls, target: Answer, weights: Floats | None, *, most: int) -> TargetSums:
        """Return the figures: one, or one for each of at most ``most`` classes; else ``most`` halves of the classes."""
        weights = np.ones(len(target.values)) if weights is None else weights
        none = np.empty(0, np.int64), np.empty((0, 0))
        if target.task == "regression":
            centred = target.values - _mean(target.values, weights)
            spread = np.sqrt(_mean(centred**2, weights))
            return cls(weights, centred / spread if spread > 0 else np.zeros(len(centred)), *none)
        if target.task == "binary":
            return cls(weights, target.values.astype(np.float64), *none)
        if target.classes <= most:
            return cls(weights, None, target.values, np.eye(target.classes))
        # Too many classes for a mean each: each mean tells a random half of the classes from the other. The halves
        # depend on the numbers alone, so that every fold has the same features.
        draw = np.random.default_rng(derive_seed("target_mean", target.classes, most))
        return cls(weights, None, target.values, draw.integers(0, 2, (most, target.classes)).astype(np.float64))

    @property
    def count(self) -> int:
        """K."""
        return 1 if self.figures is not None else len(self.marks)

    def by(self, codes: NDArray[np.integer], size: int) -> tuple[Floats, Floats]:
        """Return weight float64 [size] and weighted sums float64 [size, K] over the rows of each code."""
        weight = _sums(codes, self.weights, size)
        if self.figures is not None:
            return weight, _sums(codes, self.weights * self.figures, size)[:, None]
        classes = self.marks.shape[1]
        if len(self.marks) == classes:  # one mark for each class: one pass for all
            flat = codes.astype(np.int64) * classes + self.classes
            return weight, _sums(flat, self.weights, size * classes).reshape(size, classes)
        return weight, np.stack([_sums(codes, self.weights * m[self.classes], size) for m in self.marks], axis=1)

    @cached_property
    def prior(self) -> Floats:
        """Return float64 [K]: the means over all rows."""
        weight, sums = self.by(np.zeros(len(self.weights), np.int64), 1)
        return sums[0] / weight[0] if weight[0] > 0 else np.zeros(self.count)

    @cached_property
    def variance(self) -> Floats:
        """Return float64 [K]: the variance over all rows."""
        if self.figures is None:  # marks are 0 or 1
            prior = self.prior
            return prior * (1.0 - prior)
        return np.array([_mean((self.figures - _mean(self.figures, self.weights)) ** 2, self.weights)])


def _sums(codes: NDArray[np.integer], values: Floats, size: int) -> Floats:
    return np.asarray(np.bincount(codes, values, size), dtype=np.float64)


def _mean(values: Floats, weights: Floats) -> float:
    total = float(weights.sum())
    return float((values * weights).sum()) / total if total > 0 else 0.0
