"""From a checked graph to the bytes of the model file: card, self-test and provenance go in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.core.findings import Finding
from afield.core.registry import lacking, list_parts
from afield.data.table import Table
from afield.graph.profile import MICROSOFT
from afield.model.card import Baseline, Card, ColumnNote, Licensed, Member, Parity, Score
from afield.model.metadata import Provenance, SelfTest, to_metadata
from afield.model.samples import synthesise
from afield.model.selftest import record
from afield.problem.problem import Problem
from afield.problem.schema import Schema
from afield.search.driver import Solution
from afield.search.ensemble import Ensemble, Reference
from afield.search.parity import TOLERANCE

SAMPLES = 16
#: always named in the provenance, beside what the parts require
LIBRARIES = ("numpy", "onnx", "onnxruntime", "pandas")


def make_selftest(
    ensemble: Ensemble, schema: Schema, table: Table, *, seed: int, scale: float, real: bool, samples: int = SAMPLES
) -> SelfTest:
    """Return sample rows with the answers of the learners' own libraries.

    Rows are synthesised column by column; with ``real`` they are rows of the training table.
    """
    feed: Mapping[str, NDArray[Any]]
    if real:
        rows = np.unique(np.linspace(0, table.rows - 1, samples).astype(np.int64))
        feed = {s.input_name: table[s.name].feed(rows) for s in schema.columns}
    else:
        feed = synthesise(schema, samples, seed)
    answers = Reference(ensemble)(feed)
    if schema.target.task == "regression":
        reference: dict[str, NDArray[Any]] = {"prediction": answers[:, 0]}
    else:
        classes = schema.target.classes
        labels = np.asarray(classes, dtype=object)[ensemble.finish.decision.labels(answers, classes)]
        reference = {"label": labels, "probabilities": answers}
    return record(schema, feed, reference, tolerance=TOLERANCE, scale=scale, real=real)


def make_card(
    *,
    metric: str,
    schema: Schema,
    table: Table,
    solution: Solution,
    parity: Mapping[str, Any],
    score: Score | None,
    baselines: Sequence[Baseline],
    findings: Sequence[Finding],
    without_target: int,
    notes: Sequence[str],
) -> Card:
    """Return the card."""
    target, ensemble = schema.target, solution.ensemble
    parts = sorted({u.part for u, _ in ensemble.encoders.values()} | {m.recipe.learner.part for m in ensemble.members})
    licences = {e.name: str(e.manifest["licence"]) for e in list_parts()}
    foreign = any(node.domain == MICROSOFT for node in solution.model.graph.node)
    fields = {k: v for k, v in parity.items() if k != "where"}
    return Card(
        title=f"{target.name} from {len(schema.columns)} column{'' if len(schema.columns) == 1 else 's'}",
        task=target.task,
        target=target.name,
        unit=target.unit,
        metric=metric,
        rows_used=table.rows,
        rows_without_target=without_target,
        score=score,
        baselines=tuple(baselines),
        decision=None if target.task == "regression" else ensemble.finish.decision,
        calibration=None if ensemble.finish.calibration.kind == "none" else ensemble.finish.calibration,
        members=tuple(
            Member(
                recipe=m.recipe.name,
                learner=m.recipe.learner.part,
                weight=m.weight,
                trees=m.trees,
            )
            for m in ensemble.members
        ),
        columns=tuple(
            ColumnNote(name=s.name, kind=s.kind, unit=s.unit, share_missing=float(table[s.name].missing.mean()))
            for s in schema.columns
        ),
        findings=tuple(findings),
        parity=Parity(**fields),
        needs="onnxruntime (com.microsoft Tokenizer)" if foreign else "standard ONNX",
        parts=tuple(Licensed(name=p, licence=licences[p]) for p in parts),
        notes=tuple(notes),
    )


def libraries() -> dict[str, str]:
    """Return the versions of the packages that may have had a hand in a model."""
    required = {name for entry in list_parts() if not lacking(entry) for name in entry.manifest.get("requires", ())}
    return {name: version(name) for name in sorted(required.union(LIBRARIES))}


def make_provenance(problem: Problem, digest: str, name: str) -> Provenance:
    """Return where the model comes from; nothing timed, no path."""
    return Provenance(
        afield=version("afield"),
        data=digest,
        data_name=name,
        seed=problem.seed,
        effort="" if problem.minutes else problem.effort,
        minutes=problem.minutes,
        libraries=libraries(),
    )


def pack(solution: Solution, schema: Schema, card: Card, selftest: SelfTest, provenance: Provenance) -> bytes:
    """Return the bytes of the model file."""
    from onnx.helper import set_model_props

    model = solution.model
    set_model_props(model, dict(sorted(to_metadata(schema, card, selftest, provenance).items())))
    return model.SerializeToString(deterministic=True)
