"""From the questions of forests to ranked features, and to nodes that compare ranks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from afield.platforms.microcontroller.following.cells import Cell
from afield.platforms.microcontroller.following.columns import CodeColumn
from afield.platforms.microcontroller.ir import Array, DType, Graph
from afield.platforms.microcontroller.trees.questions import Questions
from afield.platforms.microcontroller.trees.ranks import (
    DOUBLE,
    SINGLE,
    Order,
    Ranked,
    last_keys,
    rank_codes,
    rank_members,
    rank_number,
    run_on_keys,
)


class NotMonotone(Exception):  # noqa: N818 - a reason, caught where the trees are lowered
    """A feature on which thresholds cannot be moved back to what it is made of."""


@dataclass(frozen=True)
class Asked:
    """What questions compare: rank of feature ``test`` <= ``limit`` means yes. int64 [M] each."""

    test: Array
    limit: Array


def ask(
    graph: Graph, questions: Questions, cells: Array, columns: Mapping[str, Sequence[CodeColumn]]
) -> tuple[list[Ranked], Asked]:
    """Rank the features of all questions.

    Parameters
    ----------
    cells : object array [F]
        What each feature is.
    columns : mapping
        Text columns of the input that holds them.

    Raises
    ------
    NotMonotone
        A feature cannot be ranked.
    """
    feature, split, missing = questions.feature, questions.split, questions.missing_yes
    member, sets = questions.member_count >= 0, questions.sets()
    test, limit = np.zeros(len(feature), np.int64), np.zeros(len(feature), np.int64)
    ranked: list[Ranked] = []
    for f in np.unique(feature).tolist():
        cell = cells[f]
        rank = _ranking(graph, cell, columns)
        for missing_yes in (False, True):
            nodes = np.flatnonzero((feature == f) & ~member & (missing == missing_yes))
            if len(nodes):
                one, limits = rank(split[nodes], missing_yes)
                test[nodes], limit[nodes] = len(ranked), limits
                ranked.append(one)
        known: dict[tuple[bytes, bool], int] = {}
        for node in np.flatnonzero((feature == f) & member).tolist():
            key = (np.sort(sets[node]).tobytes(), bool(missing[node]))
            if key not in known:
                known[key] = len(ranked)
                ranked.append(_membership(graph, cell, columns, sets[node], missing_yes=bool(missing[node])))
            test[node] = known[key]
    order = sorted(range(len(ranked)), key=lambda i: _place(ranked[i]))
    moved = np.zeros(len(order), np.int64)
    moved[order] = np.arange(len(order))
    return [ranked[i] for i in order], Asked(moved[test], limit)


def _place(one: Ranked) -> tuple[bool, str, bool, int]:
    """Features of numbers first, by their root; of these the ones whose NaN is a yes first."""
    return (one.thresholds is None, one.root, one.missing_rank != 0, one.index)


def _ranking(
    graph: Graph, cell: Cell, columns: Mapping[str, Sequence[CodeColumn]]
) -> Callable[[Array, bool], tuple[Ranked, Array]]:
    if cell.root in columns:
        column = columns[cell.root][cell.index]
        return lambda splits, yes: rank_codes(column, cell, splits, missing_yes=yes)
    _demand_rising(cell)
    dtype, order = graph.tensors[cell.root].dtype.numpy, _order(graph, cell)
    return lambda splits, yes: rank_number(cell, splits, dtype, order, missing_yes=yes)


def _demand_rising(cell: Cell) -> None:
    wrong = next((s for s in cell.steps if not s.rising), None)
    if wrong is not None:
        raise NotMonotone(f"a tree asks about a number behind {wrong.op}, which turns its order")


def _membership(
    graph: Graph, cell: Cell, columns: Mapping[str, Sequence[CodeColumn]], members: Array, *, missing_yes: bool
) -> Ranked:
    if cell.root in columns:
        outcomes = columns[cell.root][cell.index].outcomes(cell).astype(np.float64)
        table = rank_members(outcomes, members, missing_yes=missing_yes)
        return Ranked(root=cell.root, index=cell.index, table=table)
    _demand_rising(cell)
    dtype, order = graph.tensors[cell.root].dtype.numpy, _order(graph, cell)
    edges = np.unique(np.concatenate([members, np.nextafter(members, -np.inf)]))
    keys = np.unique(last_keys(cell.steps, edges, dtype, order))
    values = run_on_keys(cell.steps, np.append(keys, keys_above(keys, order)), dtype, order)
    if missing_yes:
        raise NotMonotone("a tree asks whether a number is one of several or missing")
    table = rank_members(values, members, missing_yes=False)
    return Ranked(root=cell.root, index=cell.index, thresholds=keys, missing_rank=len(keys), table=table)


def keys_above(keys: Array, order: Order) -> Array:
    """Return a key above all of them: what a number beyond the last threshold looks like."""
    return np.array([min(int(keys[-1]) + 1, order.infinity)]) if len(keys) else np.array([0])


def _order(graph: Graph, cell: Cell) -> Order:
    return DOUBLE if graph.tensors[cell.root].dtype is DType.FLOAT64 else SINGLE
