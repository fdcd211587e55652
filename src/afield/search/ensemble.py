"""The chosen trials as one graph, and as the learners' own libraries: two roads that must meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from afield.core.registry import load
from afield.graph.builder import Builder, Value
from afield.parts.protocol import Feature, FittedEncoder, FittedLearner
from afield.problem.problem import Task
from afield.problem.schema import ColumnSpec, Schema
from afield.search.artifacts import load_state
from afield.search.features import encoder_session, input_dtype, specs_of, state_path
from afield.search.finish import Finish, lower_finish
from afield.search.memory import Memory
from afield.search.recipe import Recipe, Use
from afield.search.store import Split
from afield.search.tasks import fold_state_path
from afield.search.trial import Trial


@dataclass(frozen=True)
class Member:
    """A trial in the ensemble: its weight, the fitted learners of its folds, and how many trees they have."""

    trial: str
    recipe: Recipe
    weight: float
    learners: tuple[FittedLearner, ...]
    features: tuple[Feature, ...]
    trees: int


@dataclass(frozen=True)
class Ensemble:
    """Members, the fitted encoders that they share (use id to encoder), and what is done to their blend."""

    task: Task
    classes: int
    specs: tuple[ColumnSpec, ...]
    encoders: Mapping[str, tuple[Use, FittedEncoder]]
    members: tuple[Member, ...]
    finish: Finish = field(default_factory=Finish)

    def columns_of(self, use: Use) -> list[ColumnSpec]:
        """Return the columns that an encoder takes."""
        return specs_of(use, self.specs)


def load_ensemble(
    split: Split,
    specs: Sequence[ColumnSpec],
    trials: Sequence[Trial],
    weights: Mapping[str, float],
    memory: Memory,
    refits: Mapping[str, Mapping[str, Any]],
) -> Ensemble:
    """Restore the members from the study's files; checksums are compared with the journal's.

    ``refits`` maps a trial to the result of its fit on all rows, where folds are windows of time.
    """
    chosen = [t for t in trials if t.id in weights]
    encoders: dict[str, tuple[Use, FittedEncoder]] = {}
    members = []
    for trial in sorted(chosen, key=lambda t: (-weights[t.id], t.id)):
        features: list[Feature] = []
        for use in trial.recipe.encoders:
            if use.id not in encoders:
                record = memory.get("job", f"{split.name}/{use.id}") or {}
                state = load_state(state_path(split, use), record["state"])
                encoders[use.id] = (use, load("parts", use.part).restore(state))
            features += encoders[use.id][1].features
        learner = load("parts", trial.recipe.learner.part)
        results = {-1: refits[trial.id]} if trial.id in refits else dict(enumerate(trial.folds))
        fitted = tuple(
            learner.restore(load_state(fold_state_path(split, trial.id, f), str(r["state"])))
            for f, r in results.items()
        )
        trees = sum(int(r["trees"]) for r in results.values())
        members.append(Member(trial.id, trial.recipe, weights[trial.id], fitted, tuple(features), trees))
    answer = split.answer
    return Ensemble(answer.task, answer.classes, tuple(specs), encoders, tuple(members))


def build_model(ensemble: Ensemble, schema: Schema) -> onnx.ModelProto:
    """Return the graph from raw columns to the answer, without metadata.

    Nodes of a member are named ``/<trial>-<learner>/...``, those of an encoder ``/<use id>/...``.
    """
    builder = Builder()
    inputs = {s.name: builder.input(s.input_name, input_dtype(s), ["N"]) for s in schema.columns}
    blocks: dict[str, Value] = {}
    for key, (use, encoder) in ensemble.encoders.items():
        with builder.scope(key):
            blocks[key] = encoder.lower(builder, {s.name: inputs[s.name] for s in ensemble.columns_of(use)})
    stacked: dict[tuple[str, ...], Value] = {}
    total: Value | None = None
    for member in ensemble.members:
        ids = tuple(use.id for use in member.recipe.encoders)
        if ids not in stacked:
            stacked[ids] = builder.concat([blocks[i] for i in ids], axis=1)
        with builder.scope(f"{member.trial}-{member.recipe.learner.part}"):
            learner = load("parts", member.recipe.learner.part)
            answers = learner.lower(builder, stacked[ids], member.learners, ensemble.task, ensemble.classes)
            if member.weight != 1.0:
                answers = builder.op("Mul", answers, builder.constant(np.float64(member.weight)))
            total = answers if total is None else builder.op("Add", total, answers)
    if total is None:
        raise ValueError("an ensemble needs at least one member")
    with builder.scope("answer"):
        lower_finish(builder, total, ensemble.finish, schema.target)
    return builder.build("afield")


class Reference:
    """The ensemble's answers from the learners' own libraries, blended and calibrated in float64 numpy.

    Features come from the encoder graphs (their only forward path); nothing else of the file is used.
    """

    def __init__(self, ensemble: Ensemble) -> None:
        self._ensemble = ensemble
        self._sessions = {
            key: encoder_session(encoder, ensemble.columns_of(use)) for key, (use, encoder) in ensemble.encoders.items()
        }

    def __call__(self, feed: Mapping[str, NDArray[Any]], chunk: int = 1_024) -> NDArray[np.float64]:
        """Return float64 [n, K] or [n, 1] for rows given as graph inputs by input name."""
        rows = len(next(iter(feed.values())))
        parts = [self._answers({n: v[i : i + chunk] for n, v in feed.items()}) for i in range(0, rows, chunk)]
        return np.concatenate(parts)

    def _answers(self, feed: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        blocks = {}
        for key, (use, _) in self._ensemble.encoders.items():
            wanted = {s.input_name: feed[s.input_name] for s in self._ensemble.columns_of(use)}
            blocks[key] = self._sessions[key].run(["features"], wanted)[0]
        total: NDArray[np.float64] | float = 0.0
        for member in self._ensemble.members:
            features = np.ascontiguousarray(np.hstack([blocks[use.id] for use in member.recipe.encoders]))
            folds = [fitted.reference(features) for fitted in member.learners]
            total = total + member.weight * np.mean(folds, axis=0)
        return self._ensemble.finish.calibration(np.asarray(total, dtype=np.float64))
