"""Ranks of features: which float, code or computed value lies above how many thresholds, exactly as in double.

A question of a tree is answered in double in the file. A number reaches it as a float32 that went through steps which
never turn two numbers round; so for each threshold there is one last float32 that still answers yes. It is found by
halving the range of all floats and computing the very steps, and proven on itself and on the float after it. Floats are
compared as integers of the same order, which needs no floating-point unit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from afield.platforms.microcontroller.following.cells import Cell
from afield.platforms.microcontroller.following.columns import CodeColumn
from afield.platforms.microcontroller.following.steps import Step, run
from afield.platforms.microcontroller.ir import Array

#: keys of -infinity and infinity; below the first stands "never"
LOWEST, HIGHEST = -(2**31) + 0x7FFFFF, 0x7F800000
NEVER = -(2**31)


def keys_of(values: Array) -> Array:
    """Return for float32 numbers integers of the same order, int64; -0.0 stands just below 0.0. NaN has none."""
    bits = np.asarray(values, dtype=np.float32).view(np.int32).astype(np.int64)
    return np.where(bits < 0, bits ^ 0x7FFFFFFF, bits)


def floats_of(keys: Array) -> Array:
    """Return the float32 numbers of keys."""
    wide = np.asarray(keys, dtype=np.int64)
    return np.where(wide < 0, wide ^ 0x7FFFFFFF, wide).astype(np.int32).view(np.float32)


def last_keys(steps: tuple[Step, ...], thresholds: Array, dtype: np.dtype[np.generic]) -> Array:
    """Return for each threshold the key of the last float32 ``x`` with ``steps(x) <= threshold``; NEVER for none.

    ``dtype`` is the type in which the steps begin.
    """

    def answers(keys: Array) -> Array:
        return np.asarray(run_on_keys(steps, keys, dtype) <= thresholds)

    low, high = np.full(len(thresholds), LOWEST - 1), np.full(len(thresholds), HIGHEST)
    for _ in range(33):  # low answers yes (or is "never"), what follows high answers no
        middle = low + (high - low + 1) // 2
        yes = answers(np.maximum(middle, LOWEST))
        low, high = np.where(yes, middle, low), np.where(yes, high, middle - 1)
        high = np.maximum(high, low)
    _prove(low, answers)
    return np.where(low < LOWEST, NEVER, low)


def _prove(keys: Array, answers: Callable[[Array], Array]) -> None:
    """Hold each key to what it claims: it answers yes, the float after it no, the one before it yes."""
    found = keys >= LOWEST
    after = keys < HIGHEST
    wrong = found & ~answers(np.maximum(keys, LOWEST))
    wrong |= after & answers(np.clip(keys + 1, LOWEST, HIGHEST))
    wrong |= (keys > LOWEST) & ~answers(np.clip(keys - 1, LOWEST, HIGHEST))
    if wrong.any():
        raise ArithmeticError(f"{int(wrong.sum())} thresholds are not where they should be")


def run_on_keys(steps: tuple[Step, ...], keys: Array, dtype: np.dtype[np.generic]) -> Array:
    """Return what steps make of the floats with these keys, float64; those of no float count as -infinity."""
    with np.errstate(all="ignore"):
        return run(steps, floats_of(np.maximum(keys, LOWEST)).astype(dtype)).astype(np.float64)


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


def rank_number(cell: Cell, splits: Array, dtype: np.dtype[np.generic], *, missing_yes: bool) -> tuple[Ranked, Array]:
    """Return the ranked feature of a number, and for each split the largest rank that answers yes."""
    keys = last_keys(cell.steps, splits, dtype)
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
