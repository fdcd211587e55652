"""Tables of any size with all that real ones have: numbers, categories, dates, texts, missing cells, a target."""

from __future__ import annotations

import numpy as np
import pandas as pd

WORDS = "pump valve seal leak noise heat rust wear check clean filter pressure belt motor replaced late".split()


def mixed_table(rows: int, columns: int, *, seed: int = 0, rich: bool = False) -> pd.DataFrame:
    """Return ``columns`` features, a fifth of them categories, and the binary target ``y``.

    ``rich``: one date and one text column among the features, too. Two per cent of the cells are missing.
    """
    draw = np.random.default_rng(seed)
    signal = np.zeros(rows)
    table: dict[str, object] = {}
    for number in range(columns):
        weight = draw.normal() / np.sqrt(1 + number)
        if rich and number == 1:
            days = draw.integers(0, 3000, rows)
            table["when"] = (np.datetime64("2016-01-01", "D") + days).astype(str).astype(object)
            signal += weight * np.sin(days * 2 * np.pi / 365)
        elif rich and number == 2:
            picked = draw.integers(0, len(WORDS), (rows, 6))
            table["remark"] = np.array([" ".join(WORDS[i] for i in row) for row in picked], dtype=object)
            signal += weight * (picked == 3).sum(axis=1)
        elif number % 5 == 4:
            levels = int(draw.choice([2, 5, 20, 200]))
            codes = draw.integers(0, levels, rows)
            table[f"level {number}"] = np.array([f"level {i}" for i in range(levels)], dtype=object)[codes]
            signal += weight * draw.normal(size=levels)[codes]
        else:
            values = np.exp(draw.normal(size=rows)) if number % 3 else draw.normal(size=rows)
            table[f"number {number}"] = np.round(values, 4)
            signal += weight * np.tanh(values - 0.5)
    frame = pd.DataFrame(table)
    for name in frame.columns:
        frame.loc[draw.random(rows) < 0.02, name] = None
    frame["y"] = np.where(signal + draw.normal(size=rows) * 0.5 > np.median(signal), "yes", "no")
    return frame
