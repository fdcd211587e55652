"""Permutation importance, computed by asking the exported file: how much worse it gets when a column is shuffled.

Source: Breiman, "Random Forests", 2001, section 10; Fisher, Rudin, Dominici, "All models are wrong, but many are
useful", 2019, for the model-agnostic form.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.core.randomness import derive_seed
from afield.reporting.facts import ImportanceFacts

Feed = Mapping[str, NDArray[Any]]
Predict = Callable[[dict[str, NDArray[Any]]], NDArray[np.float64]]
Loss = Callable[[NDArray[np.float64], NDArray[np.int64]], NDArray[np.float64]]

#: columns that are asked about at most
MOST_COLUMNS = 300
#: most rows asked at a time, fewest, and the cells that all questions together may have
MOST_ROWS, LEAST_ROWS, MOST_CELLS = 2_000, 100, 40_000_000
#: 97.5 % points of Student's t for 1..9 degrees of freedom
STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)


def permutation_importance(
    predict: Predict,
    loss: Loss,
    feed: Feed,
    names: Mapping[str, str],
    *,
    seed: int = 0,
    repeats: int = 5,
    columns: Sequence[str] | None = None,
) -> tuple[ImportanceFacts, ...]:
    """Return the growth of the mean loss for each column, the largest first.

    Parameters
    ----------
    predict : callable
        (feed of n rows) to answers float64 [n] or [n, K], by the exported file.
    loss : callable
        (answers, rows int64 [n]) to the loss of each row, float64 [n]; ``rows`` are the places in the whole feed.
    feed : mapping of str to ndarray [N]
        Graph inputs of rows that the score is computed on.
    names : mapping of str to str
        Column name of each graph input.
    seed, repeats : int
        Each column is shuffled ``repeats`` times; the shuffle depends on the seed, the column and the repeat only.
    columns : sequence of str or None
        The graph inputs to ask about, the most promising first: the first 300 are asked. None: as they come.
    """
    total = len(next(iter(feed.values()))) if feed else 0
    if total < 2:
        return ()
    asked = list(feed if columns is None else columns)[:MOST_COLUMNS]
    budget = MOST_CELLS // max(1, len(asked) * len(feed) * repeats)  # each question has F cells a row
    count = min(total, MOST_ROWS, max(LEAST_ROWS, budget))
    rows = np.sort(np.random.default_rng(derive_seed("importance", seed)).permutation(total)[:count]).astype(np.int64)
    whole = {name: values[rows] for name, values in feed.items()}
    before = float(np.mean(loss(predict(dict(whole)), rows)))
    found: list[ImportanceFacts] = []
    for name in asked:
        values = whole[name]
        if _constant(values):
            found.append(ImportanceFacts(column=names[name], drop=0.0, low=0.0, high=0.0))
            continue
        drops: list[float] = []
        for repeat in range(repeats):
            order = np.random.default_rng(derive_seed("importance", seed, name, repeat)).permutation(count)
            answers = predict(whole | {name: values[order]})
            drops.append(float(np.mean(loss(answers, rows))) - before)
        mean = float(np.mean(drops))
        half = _half(drops)
        found.append(ImportanceFacts(column=names[name], drop=mean, low=mean - half, high=mean + half))
    return tuple(sorted(found, key=lambda i: (-i.drop, i.column)))


def _constant(values: NDArray[Any]) -> bool:
    if values.dtype.kind == "f":
        return bool(np.all((values == values[0]) | (np.isnan(values) & np.isnan(values[0]))))
    return bool(np.all(values == values[0]))


def _half(drops: list[float]) -> float:
    """Return half of the 95 % interval of the mean over the repeats."""
    if len(drops) < 2:
        return 0.0
    student = STUDENT[len(drops) - 2] if len(drops) - 2 < len(STUDENT) else 1.96
    return student * float(np.std(drops, ddof=1)) / math.sqrt(len(drops))
