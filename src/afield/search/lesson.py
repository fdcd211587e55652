"""What a student learns from its teacher, the ensemble: soft labels, or made-up rows with the teacher's answers.

A student of a fold is taught by the models of that same fold and no others, for these have not seen the rows that it is
judged on. (Out-of-fold answers of the training rows come from models that have: students taught by them look far better
out-of-fold than they are.) Made-up rows mix the training rows of the fold column by column.

Probabilities reach the learners as copies of a row, one for each likely class, weighted by its probability: every
learner takes weights, so parts need no second way to be fitted.

Source: Hinton et al., Distilling the Knowledge in a Neural Network (2015); Bucila et al., Model Compression (KDD 2006).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.core.randomness import derive_seed
from afield.core.registry import load
from afield.data.answer import Answer
from afield.data.table import Table
from afield.search.artifacts import load_state, open_array
from afield.search.features import encode, matrix_path, specs_of, state_path
from afield.search.memory import Memory
from afield.search.recipe import Recipe, Use
from afield.search.store import Split, open_question, open_split
from afield.search.tasks import Lesson, fit_fold, fold_state_path, stack

SOFT, AUGMENTED = "soft", "augmented"
#: a class less probable than this gets no copy of the row
LEAST_SHARE = 0.01
#: made-up rows: so many for each real one, within bounds; a cell comes from a second row with this probability
MADE_UP, LEAST_MADE_UP, MOST_MADE_UP, MOST_TEXT_ROWS, SWAPPED = 3, 2_000, 20_000, 4_000, 0.3


def teacher_config(memory: Memory, split: Split, recipe: Recipe) -> dict[str, Any]:
    """Return what a worker needs to know of the teacher: weights, recipes, checksums of fitted states (JSON)."""
    members, uses = {}, {u.id: u for u in recipe.encoders}
    for trial, weight in recipe.lesson["teacher"].items():
        told = (memory.get("trial", f"{split.name}/{trial}") or {})["recipe"]
        states = [(memory.get("job", f"{split.name}/{trial}/{f}") or {})["state"] for f in range(split.folds.count)]
        members[trial] = {"weight": weight, "recipe": told, "states": states}
        uses |= {u.id: u for u in Recipe.from_json(told).encoders}
    encoders = {
        key: {"use": use.to_json(), "state": (memory.get("job", f"{split.name}/{key}") or {})["state"]}
        for key, use in uses.items()
    }
    return {"members": members, "encoders": encoders}


def fit_student(config: Mapping[str, Any]) -> dict[str, Any]:
    """Fit one fold of a student; as ``fit_fold``, with ``teacher`` as ``teacher_config`` gives it."""
    split, recipe = open_split(Path(config["split"])), Recipe.from_json(config["recipe"])
    seed = derive_seed(config["seed"], "lesson", recipe.id, config["fold"])
    return fit_fold(config, partial(taught, split, recipe, config["teacher"], config["fold"], seed))


def taught(
    split: Split,
    recipe: Recipe,
    teacher: Mapping[str, Any],
    fold: int,
    seed: int,
    rows: NDArray[np.int64],
    lesson: Lesson,
) -> Lesson:
    """Return what the student learns instead of the plain rows and labels."""
    features, answer, weights = lesson
    weights = np.ones(len(rows)) if weights is None else weights
    if recipe.lesson["labels"] == SOFT:
        uses = [u for m in teacher["members"].values() for u in Recipe.from_json(m["recipe"]).encoders]
        seen = {u.id: stack([open_array(matrix_path(split, u))], rows) for u in uses}
        return spread(features, taught_answers(split, teacher, fold, seen), weights, answer)
    made_up = mixed(split.table, rows, split, np.random.default_rng(seed))
    blocks = encoded(split, teacher, made_up)
    more = stack([blocks[u.id] for u in recipe.encoders], np.arange(made_up.rows))
    hard = np.eye(answer.classes)[answer.values] if answer.classes else np.asarray(answer.values, np.float64)[:, None]
    return spread(
        np.concatenate([features, more]),
        np.concatenate([hard, taught_answers(split, teacher, fold, blocks)]),
        np.concatenate([weights, np.full(made_up.rows, weights.sum() / made_up.rows)]),
        answer,
    )


def mixed(table: Table, rows: NDArray[np.int64], split: Split, draw: np.random.Generator) -> Table:
    """Return made-up rows: real ones some of whose cells come from other rows."""
    texts = any(s.kind == "text" for s in open_question(split.question_folder).specs)
    most = MOST_TEXT_ROWS if texts else MOST_MADE_UP
    count = int(np.clip(MADE_UP * len(rows), min(LEAST_MADE_UP, most), most))
    first, second = rows[draw.integers(0, len(rows), count)], rows[draw.integers(0, len(rows), count)]
    columns = {}
    for name, column in table.columns.items():
        columns[name] = column.take(np.where(draw.random(count) < SWAPPED, second, first))
    return Table(columns, count)


def encoded(split: Split, teacher: Mapping[str, Any], table: Table) -> dict[str, NDArray[np.float32]]:
    """Return each encoder's features of these rows, by use id."""
    specs, blocks = open_question(split.question_folder).specs, {}
    for key, told in teacher["encoders"].items():
        use = Use.from_json(told["use"])
        fitted = load("parts", use.part).restore(load_state(state_path(split, use), told["state"]))
        columns = specs_of(use, specs)
        blocks[key] = encode(fitted, columns, table.select([s.name for s in columns]))
    return blocks


def taught_answers(
    split: Split, teacher: Mapping[str, Any], fold: int, blocks: Mapping[str, NDArray[np.float32]]
) -> NDArray[np.float64]:
    """Return the answers of the teacher's models of this fold.

    Where ``fold`` is -1 these are the models of all folds, or of the last window of time.
    """
    total: NDArray[np.float64] | float = 0.0
    for trial, member in teacher["members"].items():
        recipe = Recipe.from_json(member["recipe"])
        part = load("parts", recipe.learner.part)
        matrices = [blocks[u.id] for u in recipe.encoders]
        features = stack(matrices, np.arange(len(matrices[0])))
        every = range(split.folds.count)
        folds = [fold] if fold >= 0 else every[-1:] if split.folds.forward else every
        answers = [
            part.restore(load_state(fold_state_path(split, trial, f), member["states"][f])).reference(features)
            for f in folds
        ]
        total = total + member["weight"] * np.mean(answers, axis=0)
    return np.asarray(total, dtype=np.float64)


def spread(
    features: NDArray[np.float32], soft: NDArray[np.float64], weights: NDArray[np.float64], answer: Answer
) -> Lesson:
    """Return rows that any learner takes: a regression's values, or a copy of each row for each likely class."""
    if not answer.classes:
        return features, Answer(task=answer.task, values=soft[:, 0]), weights
    share = np.where(soft >= LEAST_SHARE, soft, 0.0)
    share /= share.sum(axis=1, keepdims=True)
    rows, classes = np.nonzero(share)
    target = Answer(task=answer.task, values=classes.astype(np.int64), classes=answer.classes)
    return features[rows], target, weights[rows] * share[rows, classes]
