"""Holds the file to the learners' own libraries, on training rows and on hostile rows made from the graph itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from afield.data.table import Table
from afield.graph.thresholds import tree_splits
from afield.model.decision import Decision
from afield.model.samples import hostile, synthesise
from afield.model.session import open_session
from afield.problem.schema import Schema
from afield.search.ensemble import Ensemble, Reference

#: |difference|: probabilities absolute, predictions times max(|y|, standard deviation of the target)
TOLERANCE = 1e-6
TRAINING_ROWS, HOSTILE_ROWS = 10_000, 4_000
BATCH = 4_096
#: rows asked one by one, and the cells that these may have: onnxruntime takes long to bind many inputs
SINGLE_ROWS, SINGLE_CELLS = 100, 30_000

Feed = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Parity:
    """How far the file and the libraries are apart.

    ``largest`` counts in the tolerance's units; ``labels_different`` counts rows whose label differs although the two
    best classes of the decision rule are apart by more than twice the tolerance, ``near_ties`` the rows where they
    are not.
    """

    rows: int
    hostile_rows: int
    largest: float
    tolerance: float
    labels_different: int = 0
    near_ties: int = 0
    where: str = ""

    @property
    def passed(self) -> bool:
        """True when nothing is off."""
        return self.largest <= self.tolerance and self.labels_different == 0

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a JSON object."""
        return asdict(self)


def check_parity(model: onnx.ModelProto, ensemble: Ensemble, schema: Schema, table: Table, scale: float) -> Parity:
    """Compare in batches of 4,096 and of one, with one thread and with two.

    ``table``: training rows; ``scale``: the target's standard deviation (regression).
    """
    content = model.SerializeToString()
    rows = np.unique(np.linspace(0, table.rows - 1, min(table.rows, TRAINING_ROWS)).astype(np.int64))
    training = {s.input_name: table[s.name].feed(rows) for s in schema.columns}
    hard = hostile(schema, column_thresholds(model, ensemble), HOSTILE_ROWS, 0)
    reference = Reference(ensemble)
    comparison = _Comparison(schema, scale, ensemble.finish.decision)
    for name, feed in (("training", training), ("hostile", hard)):
        truth = reference(feed)
        session = open_session(content, threads=1)
        comparison.add(f"{name} rows", truth, run_batches(session, feed, BATCH), count=True)
        single = min(SINGLE_ROWS, max(8, SINGLE_CELLS // len(feed)))
        for batch, threads, most in ((1, 1, single), (BATCH, 2, BATCH)):
            few = {n: v[:most] for n, v in feed.items()}
            outputs = run_batches(open_session(content, threads=threads), few, batch)
            comparison.add(f"{name} rows, batch {batch}, {threads} threads", truth[:most], outputs, count=False)
    return comparison.result(len(rows), len(next(iter(hard.values()))))


def run_batches(session: Any, feed: Feed, batch: int) -> list[NDArray[Any]]:
    """Return the outputs of the session, run ``batch`` rows at a time."""
    rows = len(next(iter(feed.values())))
    parts = [session.run(None, {n: v[i : i + batch] for n, v in feed.items()}) for i in range(0, rows, batch)]
    return [np.concatenate(p) for p in zip(*parts, strict=True)]


class _Comparison:
    def __init__(self, schema: Schema, scale: float, rule: Decision) -> None:
        self.schema, self.scale, self.rule = schema, scale, rule
        self.largest, self.where, self.different, self.ties = 0.0, "", 0, 0

    def add(self, where: str, truth: NDArray[np.float64], outputs: list[NDArray[Any]], *, count: bool) -> None:
        if self.schema.target.task == "regression":
            size = np.maximum(np.abs(truth[:, 0]), self.scale if self.scale > 0 else 1.0)
            off = np.abs(outputs[0] - truth[:, 0]) / size
        else:
            off = np.abs(outputs[1] - truth).max(axis=1)
            self._labels(truth, outputs[0], count)
        worst = float(np.max(np.where(np.isnan(off), np.inf, off), initial=0.0))
        if worst > self.largest:
            self.largest = worst
            self.where = f"{where}, row {int(np.argmax(off)) + 1}"

    def _labels(self, truth: NDArray[np.float64], labels: NDArray[Any], count: bool) -> None:
        classes = self.schema.target.classes
        tie = self.rule.margin(truth, classes) <= 2 * TOLERANCE
        wanted = np.asarray(classes, dtype=object)[self.rule.labels(truth, classes)]
        self.different += int(((labels != wanted) & ~tie).sum())
        self.ties += int(tie.sum()) if count else 0

    def result(self, rows: int, hard: int) -> Parity:
        return Parity(rows, hard, self.largest, TOLERANCE, self.different, self.ties, self.where)


def column_thresholds(model: onnx.ModelProto, ensemble: Ensemble) -> dict[str, NDArray[np.float64]]:
    """Return each number column's split points in the trees of the file (features that are the column itself)."""
    found: dict[str, list[NDArray[np.float64]]] = {}
    scopes = {f"/{m.trial}-{m.recipe.learner.part}/": m for m in ensemble.members}
    for splits in tree_splits(model):
        member = next(m for s, m in scopes.items() if splits.node.startswith(s))
        for index, values in splits.thresholds.items():
            if member.features[index].identity:
                found.setdefault(member.features[index].column, []).append(values)
    return {name: np.unique(np.concatenate(parts)) for name, parts in found.items()}


def sample_rows(schema: Schema, count: int, seed: int) -> dict[str, NDArray[Any]]:
    """Return synthesised rows for the self-test."""
    return synthesise(schema, count, seed)
