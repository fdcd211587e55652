"""``target.disguise``: one column alone decides the target, so it is the target in another dress, or comes after it.

Rules are made on one half of the rows and judged on the other, so an id column, which fits any target on the rows it
has seen, is not accused. A column is accused only when it is right where guessing the commonest answer is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from afield.checks import rules
from afield.checks.context import CheckContext, ignore_options, percent
from afield.core.findings import Finding
from afield.core.randomness import derive_seed

#: rows of the first look, which every column gets
SCREEN_ROWS = 4_000
#: least held-out rows away from the commonest answer that make evidence
LEAST_AWAY = 15
#: from so many of them on the finding is serious; below, an honest lucky predictor cannot be excluded
SURE_AWAY = 40
#: share of the rows away from the commonest answer that may be wrong: decided, nearly decided
DECIDED, NEARLY = 0.005, 0.02


class Verdict(NamedTuple):
    """How a rule of one column did on held-out rows."""

    rows: int
    wrong: int
    away: int
    text: str


def find(context: CheckContext) -> Iterator[Finding]:
    """Yield a finding for each column that decides the target."""
    screen = context.sampled(SCREEN_ROWS)
    for name in context.features:
        first = judge(screen, name)
        if first is None or first.wrong > max(1.0, 3 * NEARLY * first.away):
            continue
        verdict = first if screen is context else judge(context, name)
        if verdict is None or verdict.away < LEAST_AWAY:
            continue
        decided = verdict.wrong <= 0.001 * verdict.rows and verdict.wrong <= DECIDED * verdict.away
        if decided or verdict.wrong <= NEARLY * verdict.away:
            yield _finding(context, name, verdict, decided)


def _finding(context: CheckContext, name: str, verdict: Verdict, decided: bool) -> Finding:
    right = verdict.rows - verdict.wrong
    share = "every one" if not verdict.wrong else f"{right:,} ({percent(right / verdict.rows)})"
    return Finding(
        code="target.disguise",
        severity="serious" if decided and verdict.away >= SURE_AWAY else "warning",
        column=name,
        what=f"{name!r} alone {'decides' if decided else 'nearly decides'} {context.target.name!r}: {verdict.text} "
        f"is right on {share} of {verdict.rows:,} held-out rows.",
        fix=f"If {name!r} is not known when the prediction is made: {ignore_options([name])}",
        effect="The score is too good to be true: with this column the model answers from the target itself.",
    )


def judge(context: CheckContext, name: str) -> Verdict | None:
    """Return the best rule of this column on held-out rows; None when nothing can be held out."""
    rows = context.rows
    if rows < 2 * LEAST_AWAY:
        return None
    made = np.zeros(rows, dtype=bool)
    made[np.random.default_rng(derive_seed("disguise", rows)).permutation(rows)[: rows // 2]] = True
    column, target = context.table[name], context.target.name
    test = ~made
    verdicts: list[Verdict] = []
    if context.answer.task == "regression":
        actual = np.asarray(context.answer.values, dtype=np.float64)
        spread = float(np.std(actual))
        middle = float(np.median(actual[made]))
        away = int(np.sum(np.abs(actual[test] - middle) > rules.CLOSE * spread))
        for predicted, text in rules.numbers(column, context.specs[name], actual, made, target):
            wrong = int(np.sum(~(np.abs(predicted - actual[test]) <= rules.CLOSE * spread)))
            verdicts.append(Verdict(int(test.sum()), wrong, away, text))
    else:
        classes: NDArray[np.int64] = np.asarray(context.answer.values, dtype=np.int64)
        common = int(np.argmax(np.bincount(classes[made], minlength=context.answer.classes)))
        away = int(np.sum(classes[test] != common))
        names = context.target.classes
        for chosen, text in rules.classes(column, context.specs[name], classes, made, names):
            verdicts.append(Verdict(int(test.sum()), int(np.sum(chosen != classes[test])), away, text))
    return min(verdicts, key=lambda v: v.wrong, default=None)
