"""Turns truth and answers into what the charts show: confusion, residuals, calibration, ROC."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.core.randomness import derive_seed
from afield.reporting.facts import Calibration, CalibrationBin, Confusion, Residuals, Roc

Floats = NDArray[np.float64]

#: most points of a scatter plot, of a curve
POINTS, CURVE = 2_000, 200
#: rows that a calibration bin needs
LEAST_BIN = 10
#: quantile of the normal distribution for 95 % intervals
Z = 1.959963984540054


def confusion(truth: NDArray[np.int64], answered: NDArray[np.int64], classes: Sequence[str]) -> Confusion:
    """Return rows of class i answered with class j; both arrays int64 [N] of class indexes."""
    count = len(classes)
    table = np.bincount(truth * count + answered, minlength=count * count).reshape(count, count)
    return Confusion(classes=tuple(classes), counts=tuple(tuple(int(c) for c in row) for row in table))


def residuals(truth: Floats, predicted: Floats) -> Residuals:
    """Return at most 2,000 rows, drawn by the row count alone."""
    rows = np.arange(len(truth))
    if len(rows) > POINTS:
        chooser = np.random.default_rng(derive_seed("residuals", len(rows)))
        rows = np.sort(chooser.choice(len(rows), size=POINTS, replace=False))
    shown = rows[np.isfinite(truth[rows]) & np.isfinite(predicted[rows])]
    return Residuals(
        predicted=tuple(float(f"{v:.6g}") for v in predicted[shown]),
        actual=tuple(float(f"{v:.6g}") for v in truth[shown]),
    )


def wilson(hits: float, rows: float) -> tuple[float, float]:
    """Return the 95 % interval of a share.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    """
    if rows <= 0:
        return 0.0, 1.0
    rate = hits / rows
    centre = (rate + Z * Z / (2 * rows)) / (1 + Z * Z / rows)
    half = Z / (1 + Z * Z / rows) * math.sqrt(rate * (1 - rate) / rows + Z * Z / (4 * rows * rows))
    return max(0.0, centre - half), min(1.0, centre + half)


def calibration(happened: NDArray[np.bool_], stated: Floats, of: str) -> Calibration:
    """Return bins of a tenth, cut finer where many rows are, and joined where few are.

    Parameters
    ----------
    happened : bool [N]
        Whether it was so.
    stated : float64 [N]
        The probability that the model gave to it.
    """
    cuts = np.unique([*np.arange(1, 10) / 10, *np.quantile(stated, [0.2, 0.4, 0.6, 0.8])])
    place = np.searchsorted(cuts, stated, side="right")
    found: list[CalibrationBin] = []
    part = np.zeros(len(stated), dtype=bool)
    for i in range(len(cuts) + 1):
        part |= place == i
        last = i == len(cuts)
        if part.sum() < LEAST_BIN and not (last and part.any()):
            continue
        count, hits = int(part.sum()), int(happened[part].sum())
        low, high = wilson(hits, count)
        mean = float(np.mean(stated[part]))
        found.append(CalibrationBin(predicted=mean, observed=hits / count, count=count, low=low, high=high))
        part = np.zeros(len(stated), dtype=bool)
    return Calibration(of=of, bins=tuple(found))


def calibration_of(
    truth: NDArray[np.int64], probabilities: Floats, classes: Sequence[str], positive: int
) -> Calibration:
    """Return the calibration of the positive class (two classes), or of the class that is answered (more)."""
    if len(classes) == 2:
        return calibration(truth == positive, probabilities[:, positive], f"class {classes[positive]}")
    answered = np.argmax(probabilities, axis=1)
    return calibration(truth == answered, probabilities.max(axis=1), "the class that it names")


def roc(happened: NDArray[np.bool_], score: Floats, of: str) -> Roc | None:
    """Return the curve in at most 200 points; None when only one class is there."""
    hits, others = int(happened.sum()), int((~happened).sum())
    if not hits or not others:
        return None
    order = np.argsort(-score, kind="stable")
    last = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)
    true = np.concatenate([[0.0], np.cumsum(happened[order])[last] / hits])
    false = np.concatenate([[0.0], np.cumsum(~happened[order])[last] / others])
    area = float(np.sum(np.diff(false) * (true[1:] + true[:-1]) / 2))
    kept = np.unique(np.linspace(0, len(true) - 1, min(len(true), CURVE)).round().astype(int))
    return Roc(of=of, false_positive=_short(false[kept]), true_positive=_short(true[kept]), area=area)


def _short(values: NDArray[Any]) -> tuple[float, ...]:
    return tuple(float(f"{v:.4g}") for v in values)
