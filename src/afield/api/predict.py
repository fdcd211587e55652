"""Answers for many rows: a file in, a file out, in constant memory and in the order of the rows."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from afield.api.answers import Batch, Write, csv_writer, ending, writing
from afield.api.rows import Feed, batches, is_file
from afield.core.errors import ProblemError
from afield.core.files import replacing
from afield.core.output import check_output

if TYPE_CHECKING:
    from afield.model.model import Model


@dataclass(frozen=True)
class Written:
    """Where answers went, and how many; ``path`` is None for stdout."""

    path: Path | None
    rows: int


def answer(model: Model, data: object) -> NDArray[Any]:
    """Return one answer a row, [N]: labels with the type that they had in training, or float64 predictions.

    Raises
    ------
    DataError, ModelFileError
        Where a row cannot be used, with its file, column and row.
    """
    if not is_file(data):
        return model.predict(data)
    columns = answer_columns(model)
    name = next(iter(columns))
    parts = [_answers(model, feed)[name] for feed, _ in batches(model, data)]
    kind = {"integer": np.int64, "number": np.float64, "boolean": np.bool_}.get(columns[name], object)
    return np.array([value for part in parts for value in part], dtype=kind)


def predict_file(
    model: Model | Path, data: object, *, out: Path | None = None, keep: Sequence[str] = (), force: bool = False
) -> Written:
    """Write the answer of every row of ``data`` to ``out``, or as CSV to stdout.

    Columns: those of ``keep``, then ``prediction``, or ``label`` and ``probability_<class>`` for each class.

    Parameters
    ----------
    model : Model, or the path of its file
    data : path, URL or frame
        A file is read in batches.
    out : Path, optional
        .csv, .tsv, .csv.gz, .jsonl, .jsonl.gz or .parquet; it appears when it is whole.
    keep : sequence of str
        Columns of ``data`` that go before the answers.
    force : bool
        Overwrite ``out``.

    Raises
    ------
    ProblemError
        ``problem.option``: a kept column has the name of an answer.
    UnsupportedError
        ``output.exists``, ``output.unwritable``, ``output.disk_full``.
    DataError, ModelFileError
        Where a row cannot be used, with its file, column and row.
    """
    if isinstance(model, Path):
        from afield.model.model import Model

        model = Model.load(model)
    answers = answer_columns(model)
    kept = tuple(dict.fromkeys(keep))
    if clash := [name for name in kept if name in answers]:
        raise ProblemError(
            "problem.option",
            f"The column {clash[0]!r} cannot be kept: an answer has that name.",
            where="--keep",
            fix="Rename the column in the data.",
        )
    columns = dict.fromkeys(kept, "string") | answers
    if out is None:
        return Written(None, _write_all(model, data, kept, csv_writer(sys.stdout, list(columns))))
    form = ending(out)
    check_output(out, force=force)
    with replacing(out) as temporary, writing(temporary, form, columns) as write:
        rows = _write_all(model, data, kept, write)
    return Written(out, rows)


def answer_columns(model: Model) -> dict[str, str]:
    """Return the columns of answers with their types, in order."""
    target = model.schema.target
    if target.task == "regression":
        return {"prediction": "number"}
    return {"label": target.label_type} | {f"probability_{text}": "float" for text in target.classes}


def _write_all(model: Model, data: object, keep: Sequence[str], write: Write) -> int:
    rows = 0
    for feed, kept in batches(model, data, keep=keep):
        answers = _answers(model, feed)
        write({**{name: kept[name] for name in keep}, **answers})
        rows += len(next(iter(answers.values())))
    return rows


def _answers(model: Model, feed: Feed) -> Batch:
    """Return the answers of a batch as lists of JSON values."""
    names = {spec.input_name for spec in model.schema.columns}
    found = model.run({name: values for name, values in feed.items() if name in names})
    if model.schema.target.task == "regression":
        return {"prediction": found["prediction"].tolist()}
    typed = dict(zip(model.schema.target.classes, model.classes, strict=True))
    answers: dict[str, Sequence[Any]] = {"label": [typed[text] for text in found["label"]]}
    for number, text in enumerate(model.schema.target.classes):
        # through text, so that 0.1 stays 0.1 and does not become 0.10000000149011612
        answers[f"probability_{text}"] = found["probabilities"][:, number].astype(np.str_).astype(np.float64).tolist()
    return answers
