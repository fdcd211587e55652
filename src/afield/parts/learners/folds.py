"""The last nodes of a learner: scores of its folds to the mean of their answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from afield.graph.builder import Builder, Value


def mean_probabilities(builder: Builder, scores: Sequence[Value], classes: int, folds: int) -> Value:
    """Return float64 [N, classes]: each fold's Sigmoid (two classes, one score) or Softmax, averaged.

    Parameters
    ----------
    scores : sequence of Value
        float64; side by side they are [N, folds] for two classes, else [N, folds * classes], fold after fold.
    """
    raw = builder.concat(scores, axis=1)
    if classes == 2:
        positive = builder.op("Sigmoid", raw)
        return both_classes(builder, positive if folds == 1 else _over_columns(builder, "ReduceMean", positive, keep=1))
    if folds == 1:
        return builder.op("Softmax", raw, axis=1)
    each = builder.op("Softmax", builder.reshape(raw, [-1, folds, classes]), axis=2)
    return _over_columns(builder, "ReduceMean", each, keep=0)


def _over_columns(builder: Builder, kind: str, value: Value, *, keep: int) -> Value:
    return builder.op(kind, value, builder.constant(np.array([1], dtype=np.int64)), keepdims=keep)


def both_classes(builder: Builder, positive: Value) -> Value:
    """Return float64 [N, 2] from the probability of the second class, float64 [N, 1]."""
    return builder.concat([builder.op("Sub", builder.constant(np.float64(1.0)), positive), positive], axis=1)


def total(builder: Builder, values: Sequence[Value], offset: float) -> Value:
    """Return float64 [N, 1]: the sum of float64 [N, 1] values and a constant."""
    summed = values[0]
    if len(values) > 1:
        summed = _over_columns(builder, "ReduceSum", builder.concat(values, axis=1), keep=1)
    return builder.op("Add", summed, builder.constant(np.float64(offset)))
