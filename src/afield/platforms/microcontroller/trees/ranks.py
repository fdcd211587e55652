"""Ranks of features: which float, code or computed value lies above how many thresholds, exactly as in double.

A question of a tree is answered in double in the file. A number reaches it as a float32 that went through steps which
never turn two numbers round; so for each threshold there is one last float32 that still answers yes. It is found by
halving the range of all floats and computing the very steps, and proven on itself and on the float after it. Floats are
compared as integers of the same order, which needs no floating-point unit. A value that is computed as a double is
compared as such.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from afield.platforms.microcontroller.following.cells import Cell
from afield.platforms.microcontroller.following.columns import CodeColumn
from afield.platforms.microcontroller.following.steps import Step, run
from afield.platforms.microcontroller.ir import Array


@dataclass(frozen=True)
class Order:
    """Numbers of one type as whole numbers of the same order, and as many bits.

    Parameters
    ----------
    real, whole : numpy type
    infinity : int
        The key of infinity.
    """

    real: type[np.floating[Any]]
    whole: type[np.signedinteger[Any]]
    infinity: int

    @property
    def least(self) -> int:
        """The least whole number: stands for "never"."""
        return int(np.iinfo(self.whole).min)

    @property
    def lowest(self) -> int:
        """The key of -infinity."""
        return -1 - self.infinity

    def keys(self, values: Array) -> Array:
        """Return the keys of numbers, int64; -0.0 stands just below 0.0. NaN has none."""
        bits = np.asarray(values, dtype=self.real).view(self.whole).astype(np.int64)
        return np.where(bits < 0, bits ^ np.iinfo(self.whole).max, bits)

    def numbers(self, keys: Array) -> Array:
        """Return the numbers of keys."""
        wide = np.asarray(keys, dtype=np.int64)
        return np.where(wide < 0, wide ^ np.iinfo(self.whole).max, wide).astype(self.whole).view(self.real)


SINGLE = Order(np.float32, np.int32, 0x7F800000)
DOUBLE = Order(np.float64, np.int64, 0x7FF0000000000000)


def last_keys(steps: tuple[Step, ...], thresholds: Array, dtype: np.dtype[np.generic], order: Order = SINGLE) -> Array:
    """Return for each threshold the key of the last number ``x`` with ``steps(x) <= threshold``; the least for none.

    ``dtype`` is the type in which the steps begin, ``order`` that of the numbers as C holds them.
    """

    def answers(keys: Array) -> Array:
        return np.asarray(run_on_keys(steps, keys, dtype, order) <= thresholds)

    low, high = np.full(len(thresholds), order.lowest - 1), np.full(len(thresholds), order.infinity)
    for _ in range(np.iinfo(order.whole).bits + 1):  # low answers yes (or is "never"), what follows high answers no
        middle = (low >> 1) + (high >> 1) + (((low & 1) + (high & 1) + 1) >> 1)
        yes = answers(np.maximum(middle, order.lowest))
        low, high = np.where(yes, middle, low), np.where(yes, high, middle - 1)
        high = np.maximum(high, low)
    _prove(low, answers, order)
    return np.where(low < order.lowest, order.least, low)


def _prove(keys: Array, answers: Callable[[Array], Array], order: Order) -> None:
    """Hold each key to what it claims: it answers yes, the number after it no, the one before it yes."""
    lowest, highest = order.lowest, order.infinity
    found = keys >= lowest
    after = keys < highest
    wrong = found & ~answers(np.maximum(keys, lowest))
    wrong |= after & answers(np.clip(keys + 1, lowest, highest))
    wrong |= (keys > lowest) & ~answers(np.clip(keys - 1, lowest, highest))
    if wrong.any():
        raise ArithmeticError(f"{int(wrong.sum())} thresholds are not where they should be")


def run_on_keys(steps: tuple[Step, ...], keys: Array, dtype: np.dtype[np.generic], order: Order = SINGLE) -> Array:
    """Return what steps make of the numbers with these keys, float64; those of no number count as -infinity."""
    with np.errstate(all="ignore"):
        return run(steps, order.numbers(np.maximum(keys, order.lowest)).astype(dtype)).astype(np.float64)


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """One feature with its ranks.

    Parameters
    ----------
    root : str
        The value that holds it.
    index : int
        Its element there.
    thresholds : int64 [n] or None
        Sorted keys of a number; its rank is how many of them lie below it.
    missing_rank : int
        Rank of NaN.
    table : int64 or None
        The rank of each code of a text column; beside ``thresholds``: what stands in place of each rank.
    """

    root: str
    index: int
    thresholds: Array | None = None
    missing_rank: int = 0
    table: Array | None = None


def rank_number(
    cell: Cell, splits: Array, dtype: np.dtype[np.generic], order: Order, *, missing_yes: bool
) -> tuple[Ranked, Array]:
    """Return the ranked feature of a number, and for each split the largest rank that answers yes."""
    keys = last_keys(cell.steps, splits, dtype, order)
    distinct = np.unique(keys)
    ranked = Ranked(root=cell.root, index=cell.index, thresholds=distinct,
                    missing_rank=0 if missing_yes else len(distinct))  # fmt: skip
    return ranked, np.searchsorted(distinct, keys)


def rank_codes(column: CodeColumn, cell: Cell, splits: Array, *, missing_yes: bool) -> tuple[Ranked, Array]:
    """Return the ranked feature of a text column, and for each split the largest rank that answers yes."""
    values = column.outcomes(cell).astype(np.float64)
    distinct = np.unique(splits)
    below = (distinct[None, :] < values[:, None]).sum(axis=1)
    table = np.where(np.isnan(values), 0 if missing_yes else len(distinct), below)
    # ranks that no code has are not told apart
    used = np.unique(table)
    limits = np.searchsorted(distinct, splits)
    highest = np.searchsorted(used, limits, side="right") - 1
    above = int((highest < 0).any())  # a split to which no code says yes needs a rank below all of them
    ranked = Ranked(root=cell.root, index=cell.index, table=np.searchsorted(used, table) + above)
    return ranked, highest + above


def rank_members(values: Array, members: Array, *, missing_yes: bool) -> Array:
    """Return 0 for each value that is a member, and 1 for the others."""
    inside = np.isin(values, members) | (np.isnan(values) & missing_yes)
    return np.where(inside, 0, 1).astype(np.int64)
