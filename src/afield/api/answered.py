"""Rows whose target is known, with what a model answers to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from afield.api.rows import batches
from afield.core.errors import DataError

if TYPE_CHECKING:
    from afield.model.model import Model


@dataclass(frozen=True)
class Answered:
    """Truth beside answers.

    ``truth``: float64 [n], or class index int64 [n]; ``answers``: float64 [n], or probabilities float64 [n, K];
    ``labels``: text [n], empty for regression; ``rows``: all rows, those without target included.
    """

    truth: NDArray[Any]
    answers: NDArray[np.float64]
    labels: NDArray[Any]
    rows: int

    def indices(self, task: str, classes: Sequence[str]) -> NDArray[np.int64] | None:
        """Return the class index of each label, int64 [n]; None for a regression."""
        if task == "regression":
            return None
        place = {text: number for number, text in enumerate(classes)}
        return np.array([place[text] for text in self.labels], dtype=np.int64)


def answered_rows(model: Model, data: object) -> Answered:
    """Return truth and answers for the rows of ``data`` whose target is known.

    Raises
    ------
    DataError
        ``problem.target_missing``: no row has a target; ``data.cell``: a class that the model does not know.
    ModelFileError
        Where a row cannot be used.
    """
    target = model.schema.target
    truths, answers, labels, rows = [], [], [], 0
    for feed, _ in batches(model, data, extra=(target.spec,)):
        cells = feed.pop(target.spec.input_name)
        known = ~np.isnan(cells) if target.task == "regression" else cells != ""
        truths.append(truth_of(model, cells[known], np.flatnonzero(known) + rows))
        rows += len(known)
        found = model.run({name: values[known] for name, values in feed.items()})
        answers.append(found["prediction" if target.task == "regression" else "probabilities"].astype(np.float64))
        labels.append(found.get("label", np.zeros(0, dtype=object)))
    truth = np.concatenate(truths) if truths else np.zeros(0)
    if not len(truth):
        raise DataError(
            "problem.target_missing",
            "No row has a value in the target's column, so there is nothing to score.",
            where=f"column {target.name!r}",
            got=f"{rows} rows",
        )
    return Answered(truth, np.concatenate(answers), np.concatenate(labels), rows)


def truth_of(model: Model, cells: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[Any]:
    """Return values float64 [n], or class indices int64 [n]; ``rows`` are their numbers, from 0."""
    target = model.schema.target
    if target.task == "regression":
        return np.asarray(cells, dtype=np.float64)
    position = {text: number for number, text in enumerate(target.classes)}
    found = np.array([position.get(text, -1) for text in cells], dtype=np.int64)
    if (found < 0).any():
        at = int(np.argmax(found < 0))
        raise DataError(
            "data.cell",
            "The target has a class that the model does not know.",
            where=f"column {target.name!r}, row {int(rows[at]) + 1}",
            got=repr(cells[at]),
            expected=", ".join(repr(c) for c in target.classes[:20]),
            fix="Leave these rows out, or train a model on data that has this class.",
        )
    return found
