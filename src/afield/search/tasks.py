"""What a worker does: encode one block of features, or fit one fold of one trial.

JSON in, JSON out, arrays in files.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.core.randomness import derive_seed
from afield.core.registry import load
from afield.data.answer import Answer
from afield.graph.builder import Builder
from afield.graph.cost import INPUT_US, RUN_US, Cost, estimate
from afield.parts.protocol import Feature, FitContext, FittedLearner, Learner, Whole
from afield.search.artifacts import new_array, open_array, save_array, save_state
from afield.search.features import fit_encoder, matrix_path, specs_of, state_path, training_features
from afield.search.recipe import Recipe, Use
from afield.search.store import Split, open_question, open_split


def encode_block(config: Mapping[str, Any]) -> dict[str, Any]:
    """Fit an encoder on all rows of a split and write the matrix that learners train on.

    Config: ``split`` (folder), ``use``, ``seed``. Result: ``features``, ``state`` (sha256 of the state file).
    """
    split, use = open_split(Path(config["split"])), Use.from_json(config["use"])
    seed = derive_seed(config["seed"], use.id)
    fitted = fit_encoder(split, use, None, seed)
    specs = specs_of(use, open_question(split.question_folder).specs)
    with new_array(matrix_path(split, use), (len(split.rows), len(fitted.features)), np.float32) as out:
        training_features(split, use, fitted, specs, seed, out)
    return {
        "features": [asdict(f) for f in fitted.features],
        "state": save_state(state_path(split, use), fitted.state()),
    }


#: what a learner is fitted on: features [N, F], answers, weights [N] or None
Lesson = tuple[NDArray[np.float32], Answer, NDArray[np.float64] | None]
Teach = Callable[[NDArray[np.int64], Lesson], Lesson]


def fit_fold(config: Mapping[str, Any], teach: Teach | None = None) -> dict[str, Any]:
    """Fit one fold of a trial; write its state and its answers to the validation rows.

    Config: ``split``, ``trial``, ``fold`` (-1: all rows, nothing to validate), ``recipe``, ``features`` (use id to
    feature list), ``seed``, ``threads``, ``time_limit_s``, ``rounds``, ``objective``. Result: files with
    checksums and costs. ``teach`` may change what the learner is fitted on.
    """
    started, cpu = time.perf_counter(), time.process_time()
    split, recipe, fold = open_split(Path(config["split"])), Recipe.from_json(config["recipe"]), config["fold"]
    matrices = [open_array(matrix_path(split, use)) for use in recipe.encoders]
    forms = [Feature(**f) for use in recipe.encoders for f in config["features"][use.id]]
    every = np.arange(len(split.rows))
    rows = every if fold < 0 else split.folds[fold].train
    valid = np.empty(0, dtype=np.int64) if fold < 0 else split.folds[fold].valid
    answer = split.answer
    objective, weights = training_objective(config.get("objective", ""), answer, split.part("weights"))
    features_valid = stack(matrices, valid)
    lesson: Lesson = (stack(matrices, rows), answer.take(rows), None if weights is None else weights[rows])
    features, target, row_weights = lesson if teach is None else teach(rows, lesson)
    context = FitContext(
        seed=derive_seed(config["seed"], recipe.id, fold),
        threads=config["threads"],
        weights=row_weights,
        validation=(features_valid, answer.take(valid), None if weights is None else weights[valid])
        if len(valid)
        else None,
        rounds=config["rounds"],
        objective=objective,
        time_limit_s=config["time_limit_s"],
        whole=Whole(whole_key(split, recipe.encoders), lambda: stack(matrices, every), rows, valid)
        if teach is None
        else None,
    )
    learner = load("parts", recipe.learner.part)
    fitted = learner.fit(features, forms, target, context, recipe.learner.settings)
    folder = trial_folder(split, config["trial"])
    folder.mkdir(exist_ok=True)
    result: dict[str, Any] = {"rounds": int(fitted.rounds)}
    if len(valid):
        known = getattr(fitted, "held_answers", None)  # some libraries have computed them already
        answers = np.asarray(fitted.reference(features_valid) if known is None else known, dtype=np.float64)
        if not np.isfinite(answers).all():
            wrong = int((~np.isfinite(answers)).sum())
            raise ArithmeticError(f"{recipe.learner.part} gave {wrong} answers that are not finite")
        save_array(answers_path(split, config["trial"], fold), answers)
    result["state"] = save_state(fold_state_path(split, config["trial"], fold), fitted.state())
    cost = lowered_cost(learner, fitted, len(forms), answer)
    result |= {"bytes": cost.bytes, "latency_us": cost.latency_us, "trees": cost.trees}
    return result | {"fit_s": time.perf_counter() - started, "cpu_s": time.process_time() - cpu}


def training_objective(
    objective: str, answer: Answer, weights: NDArray[np.float64] | None
) -> tuple[str, NDArray[np.float64] | None]:
    """Return what learners are told, and the row weights: a relative error is an absolute one of weighted rows.

    Rows near 0 would outweigh all others: their weight is that of a hundredth of the middle size.
    """
    if objective != "relative_error":
        return objective, weights
    size = np.abs(np.asarray(answer.values, dtype=np.float64))
    middle = float(np.median(size[size > 0])) if (size > 0).any() else 1.0
    share = np.where(size > 0, middle / np.maximum(size, middle / 100), 1e-6)
    return "absolute_error", share if weights is None else share * weights


def lowered_cost(learner: Learner, fitted: FittedLearner, width: int, answer: Answer) -> Cost:
    """Return what the fold adds to a model, by the table of operator costs: no clock enters a choice."""
    builder = Builder()
    features = builder.input("features", "float32", ["N", width])
    value = learner.lower(builder, features, [fitted], answer.task, answer.classes)
    builder.output(value, "answers", ["N", max(answer.classes, 1)])
    cost = estimate(builder.build("fold", check=False))
    return replace(cost, latency_us=cost.latency_us - RUN_US - INPUT_US)


def whole_key(split: Split, uses: Sequence[Use]) -> str:
    """Return what tells these features from all others that this process may meet, those of a removed study too."""
    found = [matrix_path(split, use) for use in uses]
    return "|".join(f"{path.absolute()}:{path.stat().st_ino}:{path.stat().st_mtime_ns}" for path in found)


def stack(matrices: Sequence[NDArray[np.float32]], rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return float32 [len(rows), sum of widths], written once into one array."""
    out = np.empty((len(rows), sum(m.shape[1] for m in matrices)), dtype=np.float32)
    start = 0
    for matrix in matrices:
        out[:, start : start + matrix.shape[1]] = matrix[rows]
        start += matrix.shape[1]
    return out


def trial_folder(split: Split, trial: str) -> Path:
    """Return where a trial keeps its files."""
    return split.folder / "trials" / trial


def answers_path(split: Split, trial: str, fold: int) -> Path:
    """Return where the answers to a fold's validation rows lie."""
    return trial_folder(split, trial) / f"answers-{fold}.npy"


def fold_state_path(split: Split, trial: str, fold: int) -> Path:
    """Return where a fold's fitted learner lies; fold -1 was fitted on all rows."""
    return trial_folder(split, trial) / ("all.state" if fold < 0 else f"fold-{fold}.state")
