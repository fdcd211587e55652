"""What the answers to the test rows are worth: the metrics, and how sure each is, from rows drawn again.

Every system of a split sees the same draws, so that the spread of a difference can be had from two cells alone,
without keeping a million answers in the repository.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from benchmarks.automl.plan import METRICS
from benchmarks.paired import HIGHER, Tested, measure_of

DRAWS = 100


def more_metrics(tested: Tested) -> dict[str, float]:
    """Return all metrics of the answers."""
    rows = np.ones(len(tested.truth))
    if tested.task == "regression":
        off = tested.answers - tested.truth
        spread = float(np.mean((tested.truth - tested.truth.mean()) ** 2))
        return {
            "rmse": float(np.sqrt(np.mean(off**2))),
            "mae": float(np.mean(np.abs(off))),
            "r2": 1 - float(np.mean(off**2)) / spread if spread else 0.0,
        }
    hit = tested.answers.argmax(axis=1) == tested.truth
    found = {
        "log_loss": measure_of(tested, "log_loss")(rows),
        "accuracy": float(hit.mean()),
        "balanced_accuracy": float(np.mean([hit[tested.truth == c].mean() for c in np.unique(tested.truth)])),
    }
    return ({"auc": measure_of(tested, "auc")(rows)} if tested.task == "binary" else {}) | found


def drawn_scores(tested: Tested, seed: int) -> list[float]:
    """Return the headline metric over ``DRAWS`` draws of the test rows, the same for every system of a split."""
    measure, random = measure_of(tested, METRICS[tested.task]), np.random.default_rng(seed)
    rows = len(tested.truth)
    draws = (np.bincount(random.integers(rows, size=rows), minlength=rows) for _ in range(DRAWS))
    return [float(f"{measure(counts.astype(float)):.7g}") for counts in draws]


def gain(value: float, metric: str) -> float:
    """Return the metric with its sign turned so that higher is better."""
    return value if metric in HIGHER else -value


def normalised(
    values: Mapping[str, float], zero: float | None, *, floor: float | None = 0.0
) -> dict[str, float] | None:
    """Return 1 for the best of ``values`` (higher is better), 0 for ``zero``, and straight between and below.

    ``zero`` None: the worst of the values. ``floor``: what is worse is set to it, so that one failure does not decide
    a mean. None: no system is better than ``zero``; the scale does not exist.
    """
    best = max(values.values())
    zero = min(values.values()) if zero is None else zero
    if best - zero <= 1e-12 * max(1.0, abs(best)):
        return None
    scaled = {name: (value - zero) / (best - zero) for name, value in values.items()}
    return scaled if floor is None else {name: max(floor, value) for name, value in scaled.items()}


def ranks(values: Mapping[str, float]) -> dict[str, float]:
    """Return the rank of each, 1 for the highest; those that tie share the mean of their places."""
    return {
        name: 1
        + sum(_beats(other, value) for other in values.values())
        + (sum(_ties(other, value) for other in values.values()) - 1) / 2
        for name, value in values.items()
    }


def result(first: float, second: float) -> float:
    """Return 1 when the first value is higher, 0 when lower, one half when both agree to four digits."""
    return 0.5 if _ties(first, second) else float(first > second)


def _ties(first: float, second: float) -> bool:
    return f"{first:.4g}" == f"{second:.4g}"


def _beats(first: float, second: float) -> bool:
    return first > second and not _ties(first, second)


def interval(values: Sequence[float], *, draws: int = 5000, level: float = 0.95) -> tuple[float, float]:
    """Return the bootstrap interval of the mean: tables drawn with replacement."""
    random = np.random.default_rng(0)
    means = np.asarray(values)[random.integers(len(values), size=(draws, len(values)))].mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def error_of_difference(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the standard error of a difference of two systems from their scores over the same draws."""
    return float(np.nanstd(np.asarray(first) - np.asarray(second), ddof=1))
