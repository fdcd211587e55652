"""``target.nearly_given``: one number column, or a plain sum of a few, gives almost all of a regression target.

That can be honest physics, so it is a warning: only the user knows whether the columns are there beforehand.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from afield.checks import rules, target_disguise
from afield.checks.context import CheckContext, ignore_options, listed, percent
from afield.core.findings import Finding
from afield.core.randomness import derive_seed
from afield.data.table import NumberColumn

#: share of the held-out variance that one column, or a sum of a few, explains when it is said
ONE, SEVERAL = 0.95, 0.99
#: most columns of a sum, most columns tried, most rows used, least rows
MOST_SUMMED, MOST_TRIED, MOST_ROWS, LEAST_ROWS = 4, 200, 5_000, 200

Floats = NDArray[np.float64]


def find(context: CheckContext) -> Iterator[Finding]:
    """Yield a warning for a sum of columns, else one for each single column."""
    if context.answer.task != "regression" or context.rows < LEAST_ROWS:
        return
    small = context.sampled(MOST_ROWS)
    accused = {f.column for f in target_disguise.find(context)}
    actual = np.asarray(small.answer.values, dtype=np.float64)
    made = np.zeros(small.rows, dtype=bool)
    made[np.random.default_rng(derive_seed("given", small.rows)).permutation(small.rows)[: small.rows // 2]] = True
    singles: list[tuple[str, float]] = []
    for name in small.features:
        if name in accused or not isinstance(column := small.table[name], NumberColumn):
            continue
        answers = rules.numbers(column, small.specs[name], actual, made, context.target.name)
        best = max((explained(p, actual[~made]) for p, said in answers if said != rules.BETWEEN), default=0.0)
        if best > 0.1:
            singles.append((name, best))
    singles.sort(key=lambda s: -s[1])
    single = [s for s in singles if s[1] >= ONE]
    chosen, share = _sum(small, [n for n, _ in singles[:MOST_TRIED]], accused, actual, made)
    if share >= SEVERAL and len(chosen) > 1:
        yield _finding(context, chosen, share)
    else:
        for name, part in single:
            yield _finding(context, [name], part)


def explained(predicted: Floats, actual: Floats) -> float:
    """Return the share of the variance explained, 0 where the rule was silent too often."""
    known = np.isfinite(predicted)
    if known.mean() < 0.9:
        return 0.0
    rest = float(np.mean((predicted[known] - actual[known]) ** 2))
    spread = float(np.var(actual))
    return max(0.0, 1.0 - rest / spread) if spread > 0 else 0.0


def _sum(
    context: CheckContext, strong: list[str], accused: set[str], actual: Floats, made: NDArray[np.bool_]
) -> tuple[list[str], float]:
    """Return the columns of the best sum, picked one by one by how they fit the making rows, and its held-out share."""
    tried = strong + [n for n in context.features if n not in strong and n not in accused]
    pool: dict[str, Floats] = {}
    for name in tried[:MOST_TRIED]:
        column = context.table[name]
        if isinstance(column, NumberColumn) and np.isfinite(column.values).mean() > 0.9:
            values = np.where(np.isfinite(column.values), column.values, np.nanmedian(column.values))
            if (spread := float(np.std(values))) > 0:
                pool[name] = (values - values.mean()) / spread
    chosen: list[str] = []
    share = 0.0
    basis: Floats = np.ones((context.rows, 1))
    rest = actual - actual[made].mean()
    while pool and len(chosen) < MOST_SUMMED and share < 0.9999:
        name = max(pool, key=lambda n: abs(float(pool[n][made] @ rest[made])))
        basis = np.column_stack([basis, pool.pop(name)])
        weights = np.linalg.lstsq(basis[made], actual[made], rcond=None)[0]
        better = explained(basis[~made] @ weights, actual[~made])
        if better < share + 1e-4 or (share >= SEVERAL and 1 - better > (1 - share) / 2):  # it adds little to enough
            break
        chosen.append(name)
        share, rest = better, actual - basis @ weights
    return chosen, share


def _finding(context: CheckContext, names: list[str], share: float) -> Finding:
    several = len(names) > 1
    return Finding(
        code="target.nearly_given",
        severity="warning",
        column=names[0],
        what=f"{listed(names)}{' added up with weights' if several else ''} "
        f"explain{'' if several else 's'} {percent(share)} of {context.target.name!r} on held-out rows.",
        fix=f"If {'they are' if several else 'it is'} not known when the prediction is made: {ignore_options(names)}",
        effect="If known only afterwards, the score is too good to be true.",
    )
