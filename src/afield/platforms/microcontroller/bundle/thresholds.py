"""Rows on the thresholds of a model's trees and on the floats after them: where a wrong rounding would show."""

from __future__ import annotations

import numpy as np

from afield.platforms.microcontroller.bundle.meaning import Meaning
from afield.platforms.microcontroller.bundle.rows import Feed
from afield.platforms.microcontroller.trees.ranks import SINGLE, Ranked

#: so many rows at most; of more an even choice is taken
MOST = 600


def threshold_rows(meaning: Meaning, feed: Feed) -> Feed:
    """Return rows of ``feed`` again, each with one number replaced by a threshold or the float after it."""
    table = meaning.compiled.table
    places: list[tuple[str, float]] = []
    for node in meaning.compiled.graph.nodes:
        features = node.attributes.get("features") if node.op == "Ranks" else None
        for one in features if isinstance(features, tuple) else ():
            if isinstance(one, Ranked) and one.root == table.number_input and one.thresholds is not None:
                keys = np.clip(np.concatenate([one.thresholds, one.thresholds + 1]), SINGLE.lowest, SINGLE.infinity)
                places += [(table.numbers[one.index], float(v)) for v in SINGLE.numbers(keys)]
    places = list(dict.fromkeys(places))
    if len(places) > MOST:
        places = [places[i] for i in np.linspace(0, len(places) - 1, MOST).astype(int)]
    rows = len(next(iter(feed.values())))
    picked = np.arange(len(places)) % max(1, rows)
    made = {name: values[picked].copy() for name, values in feed.items()}
    for row, (name, value) in enumerate(places):
        made[name][row] = value
    return made
