"""How much of a small file the metadata may take: fewer sample rows and a shorter card rather than a worse model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import onnx

from afield.api.packing import SAMPLES, make_card, make_provenance
from afield.api.stating import Understood
from afield.core.findings import Finding
from afield.data.metrics import METRICS
from afield.data.table import Table
from afield.model.card import Baseline, Card, Score
from afield.model.metadata import to_metadata
from afield.model.samples import synthesise
from afield.model.selftest import record
from afield.problem.problem import Problem
from afield.search.driver import Solution
from afield.search.parity import TOLERANCE, Parity

#: a figure as long as any
LONG = -1.2345678901234567e-100
#: under a limit, metadata of more than this share gives way to the model
SHARE = 0.15
ROOM_FOR_SENTENCES = 300


@dataclass(frozen=True)
class Level:
    """How much a file says about itself: sample rows of its self-test, and whether its card is short."""

    samples: int = SAMPLES
    short: bool = False


LEVELS = (Level(), Level(8), Level(4), Level(4, short=True), Level(2, short=True), Level(1, short=True))


def shortened(card: Card, level: Level) -> Card:
    """Return the card with what the level leaves of it, and a note that says so."""
    notes = list(card.notes)
    if level.samples < SAMPLES:
        rows = f"{level.samples} sample row{'' if level.samples == 1 else 's'}"
        notes.append(f"The limit on size left room for {rows} of {SAMPLES} in the self-test.")
    if not level.short:
        return replace(card, notes=tuple(notes))
    kept: list[Finding] = [replace(f, rows=(), fix="", effect="") for f in card.findings if f.severity == "serious"]
    if left_out := len(card.findings) - len(kept):
        notes.append(f"{left_out} findings are left out for the limit on size: `afield report` shows them.")
    score = None if card.score is None else replace(card.score, others={})
    return replace(card, findings=tuple(kept), columns=(), score=score, notes=tuple(notes))


def sizer(
    problem: Problem, understood: Understood, table: Table, metric: str, size_bytes: int | None
) -> Callable[[Solution], int]:
    """Return what says how large the file of a solution is at most, with metadata that a limit leaves room for."""

    def packed_bytes(solution: Solution) -> int:
        graph = solution.model.ByteSize()
        sizes = [metadata_bytes(solution, problem, understood, table, metric, level) for level in LEVELS]
        if size_bytes is None:
            return graph + sizes[0]
        return graph + next((s for s in sizes if s <= SHARE * size_bytes), sizes[-1])

    return packed_bytes


def metadata_bytes(
    solution: Solution, problem: Problem, understood: Understood, table: Table, metric: str, level: Level
) -> int:
    """Return what metadata takes at most: every figure that is not known yet counts as a long one."""
    schema, rows = understood.schema, table.rows
    score = Score(
        metric=metric, value=LONG, low=LONG, high=LONG, rows=rows, how="outer_splits", splits=3,
        text="x" * ROOM_FOR_SENTENCES, others=dict.fromkeys((*METRICS, metric), LONG),
    )  # fmt: skip
    card = make_card(
        metric=metric,
        schema=schema,
        table=table,
        solution=solution,
        parity=Parity(rows, rows, LONG, LONG, rows, rows).to_json(),
        score=score,
        baselines=[Baseline(name="x" * 24, value=LONG)] * 2,
        findings=understood.findings,
        without_target=understood.without_target,
        notes=("x" * 40,),
    )
    feed = synthesise(schema, level.samples, problem.seed)
    count = len(schema.target.classes)
    reference = (
        {"prediction": np.full(level.samples, LONG)}
        if schema.target.task == "regression"
        else {
            "label": np.full(level.samples, max(schema.target.classes, key=len), dtype=object),
            "probabilities": np.full((level.samples, count), LONG),
        }
    )
    selftest = record(schema, feed, reference, tolerance=TOLERANCE, scale=LONG, real=problem.real_samples)
    provenance = make_provenance(problem, understood.digest, understood.source)
    found = to_metadata(schema, shortened(card, level), selftest, provenance)
    return entries_bytes(list(found.items()))


def entries_bytes(entries: Sequence[tuple[str, str]]) -> int:
    """Return what metadata entries add to a serialised model: their bytes, a tag and a length of up to five bytes."""
    return sum(onnx.StringStringEntryProto(key=k, value=v).ByteSize() + 6 for k, v in entries)
