"""The learned order of recipes: what adds most to a blend, on recorded tables like this one, for its time.

``order.npz`` holds for each recorded table its traits, and for each pair of recipes the mean product of their
out-of-fold errors. So the squared error (the Brier score) of any blend is known exactly, without the answers. The
order is greedy: next comes the recipe whose best share in the blend lowers the error most, as the mean over tables
near in traits, by the square root of its CPU seconds. ``benchmarks/order/`` makes the file anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.search.shape import Shape

RECORDS = Path(__file__).with_name("order.npz")
#: distance of traits at which a table counts 0.6 as much, and what the farthest counts at least
REACH, LEAST = 1.0, 0.05
#: how the gain is weighed against CPU seconds, and seconds that every recipe costs beside (relative to the first)
COST_POWER, FIXED_COST = 0.5, 0.3
#: where time is short, ten times the time must lower the squared error by 30 %
HASTE = 0.15

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Records:
    """What was recorded on T tables with R recipes.

    Parameters
    ----------
    names : list of str
        Of the recipes.
    traits : mapping of str to float64 [T]
    errors : float64 [T, R, R]
        Mean product of two recipes' errors, the least on the diagonal scaled to 1; NaN: not recorded.
    costs : float64 [T, R]
        CPU seconds, relative to the first recipe's.
    """

    names: Sequence[str]
    traits: Mapping[str, Floats]
    errors: Floats
    costs: Floats

    @classmethod
    def load(cls, path: Path = RECORDS) -> Records:
        """Read the records."""
        with np.load(path, allow_pickle=False) as found:
            count = len(found["names"])
            errors = np.zeros((len(found["packed"]), count, count))
            upper = np.triu_indices(count)
            errors[:, upper[0], upper[1]] = found["packed"]
            errors[:, upper[1], upper[0]] = found["packed"]
            traits = {str(n): found["traits"][:, i].astype(np.float64) for i, n in enumerate(found["trait_names"])}
            return cls([str(n) for n in found["names"]], traits, errors, found["costs"].astype(np.float64))

    def known(self, names: Sequence[str]) -> tuple[list[int], NDArray[np.int64]]:
        """Return the places of the recorded among ``names``, and where in the records each of them is."""
        place = {name: i for i, name in enumerate(self.names)}
        found = [i for i, name in enumerate(names) if name in place]
        return found, np.array([place[names[i]] for i in found], dtype=np.int64)

    def weights(self, shape: Shape) -> Floats:
        """Return how much each recorded table counts for a table of this shape, float64 [T], sum 1."""
        own = shape.traits()
        distance = np.zeros(len(self.errors))
        for name, values in self.traits.items():
            distance += (values - own[name]) ** 2
        near = np.maximum(np.exp(-distance / (2 * REACH**2)), LEAST)
        return near / near.sum()


@lru_cache(maxsize=1)
def _records() -> Records:
    return Records.load()


def learned_order(shape: Shape, names: Sequence[str], records: Records | None = None) -> list[int]:
    """Return the places of ``names`` in the order to try them; those without records come last, as given."""
    records = _records() if records is None else records
    known, recipes = records.known(names)
    order = _greedy(records, recipes, records.weights(shape))
    return [known[i] for i in order] + [i for i in range(len(names)) if i not in set(known)]


def strongest(shape: Shape, names: Sequence[str], records: Records | None = None) -> int | None:
    """Return the place of the recipe with the least error on tables like this one, for little time."""
    records = _records() if records is None else records
    known, recipes = records.known(names)
    if not known:
        return None
    alone = np.diagonal(records.errors, axis1=1, axis2=2)[:, recipes]
    there = ~np.isnan(alone)
    weights = records.weights(shape)[:, None] * there
    costs = records.costs[:, recipes]
    worth = np.log(np.where(there, alone, 1.0)) + HASTE * np.log(np.where(there, costs, 1.0) + FIXED_COST)
    losses = (weights * worth).sum(axis=0) / np.maximum(weights.sum(axis=0), 1e-12)
    return known[int(np.argmin(np.where(there.any(axis=0), losses, np.inf)))]


def _greedy(records: Records, recipes: NDArray[np.int64], weights: Floats) -> list[int]:
    """Return the order of ``recipes`` (places in the records), as places in ``recipes``."""
    errors = records.errors[:, recipes][:, :, recipes]
    alone = np.diagonal(errors, axis1=1, axis2=2)
    costs = (records.costs[:, recipes] + FIXED_COST) ** COST_POWER
    blend = np.full(len(errors), np.nan)  # error of the blend so far
    cross = np.full(alone.shape, np.nan)  # mean product of the blend's error with each recipe's
    left = list(range(len(recipes)))
    order: list[int] = []
    while left:
        if not order:
            gain = -np.log(np.where(np.isnan(alone), np.inf, alone)) + 10  # from an error of e^10 down to its own
            after = alone
            share = np.ones_like(alone)
        else:
            share = _best_share(blend[:, None], cross, alone)
            after = (1 - share) ** 2 * blend[:, None] + 2 * share * (1 - share) * cross + share**2 * alone
            gain = np.log(blend[:, None]) - np.log(after)
        known = ~np.isnan(gain) & ~np.isnan(costs) & np.isfinite(gain)
        worth = np.where(known, gain / np.where(known, costs, 1.0), 0.0)
        told = (weights[:, None] * known).sum(axis=0)
        scores = (weights[:, None] * worth).sum(axis=0) / np.where(told > 0, told, 1.0)
        best = max(left, key=lambda i: (scores[i], -i))
        left.remove(best)
        order.append(best)
        take = known[:, best]
        moved = share[:, best, None] * errors[:, best] + (1 - share[:, best, None]) * np.nan_to_num(cross)
        cross = np.where(take[:, None], moved, cross)
        blend = np.where(take, after[:, best], blend)
    return order


def _best_share(blend: Floats, cross: Floats, alone: Floats) -> Floats:
    """Return the share of a newcomer, 0 to 1, that makes the squared error of the blend least."""
    spread = blend - 2 * cross + alone
    with np.errstate(invalid="ignore", divide="ignore"):
        share: Any = np.where(spread > 1e-12, (blend - cross) / spread, 0.0)
    return np.clip(share, 0.0, 1.0)
