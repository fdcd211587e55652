"""The folder of a study: its table, splits, features and trials, each written once and checked when read.

::

    .afield/studies/<id>/
      journal.jsonl            what happened; see journal.py
      table/                   numbers and codes as .npy, levels and specs as JSON
      splits/<name>/           rows and folds of the main split and of each outer one
      splits/<name>/features/  one matrix for each encoder
      splits/<name>/trials/    out-of-fold answers and fitted states
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.core.files import write_atomic
from afield.data.answer import Answer
from afield.data.splits import Folds
from afield.data.table import Column, NumberColumn, StringColumn, Table
from afield.problem.schema import ColumnSpec
from afield.search.artifacts import new_array, open_array, save_array


@dataclass(frozen=True)
class Question:
    """The stated problem as arrays: everything that a fit may see.

    ``table`` holds the feature columns of the rows whose target is present; ``specs`` are theirs, in order.
    """

    table: Table
    specs: tuple[ColumnSpec, ...]
    answer: Answer
    weights: NDArray[np.float64] | None
    groups: NDArray[np.int64] | None
    times: NDArray[np.float64] | None


def save_question(folder: Path, question: Question) -> None:
    """Write the question; ``meta.json`` comes last, so that a folder with it is whole.

    Columns of a kind share one file, however many there are: numbers float64 [columns, rows], codes int32.
    """
    folder.mkdir(parents=True, exist_ok=True)
    columns = [question.table[s.name] for s in question.specs]
    numbers = [c.values for c in columns if isinstance(c, NumberColumn)]
    strings = [c for c in columns if isinstance(c, StringColumn)]
    for name, rows, dtype in (
        ("numbers", numbers, np.float64),
        ("codes", [c.codes for c in strings], np.int32),
    ):
        with new_array(folder / f"{name}.npy", (len(rows), question.table.rows), np.dtype(dtype)) as out:
            for place, row in enumerate(rows):
                out[place] = row
    save_array(folder / "answer.npy", question.answer.values)
    for name in ("weights", "groups", "times"):
        if (values := getattr(question, name)) is not None:
            save_array(folder / f"{name}.npy", values)
    write_atomic(folder / "levels.json", json.dumps([[str(v) for v in c.levels] for c in strings]).encode())
    meta = {
        "rows": question.table.rows,
        "specs": [s.to_json() for s in question.specs],
        "task": question.answer.task,
        "classes": question.answer.classes,
    }
    write_atomic(folder / "meta.json", json.dumps(meta).encode())


def open_question(folder: Path) -> Question:
    """Open what ``save_question`` wrote, as memory maps; cached in each process."""
    return _open_question(folder, *_stamp(folder / "meta.json"))


def _stamp(path: Path) -> tuple[str, int, int]:
    """Return what tells a file from another of this name: from another folder, or written after it was removed."""
    try:
        found = path.stat()
    except OSError:
        return str(path.absolute()), 0, 0  # opening says what is wrong
    return str(path.absolute()), found.st_ino, found.st_mtime_ns


@lru_cache(maxsize=2)
def _open_question(folder: Path, path: str, inode: int, written_ns: int) -> Question:
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    levels = iter(json.loads((folder / "levels.json").read_text(encoding="utf-8")))
    numbers, codes = iter(open_array(folder / "numbers.npy")), iter(open_array(folder / "codes.npy"))
    specs = tuple(ColumnSpec.from_json(s) for s in meta["specs"])
    columns: dict[str, Column] = {
        spec.name: NumberColumn(next(numbers))
        if spec.kind == "number"
        else StringColumn(next(codes), _texts(next(levels)))
        for spec in specs
    }
    extra: dict[str, Any] = {
        name: open_array(folder / f"{name}.npy") if (folder / f"{name}.npy").exists() else None
        for name in ("weights", "groups", "times")
    }
    answer = Answer(task=meta["task"], values=open_array(folder / "answer.npy"), classes=meta["classes"])
    return Question(table=Table(columns, meta["rows"]), specs=specs, answer=answer, **extra)


def _texts(values: Sequence[str]) -> NDArray[np.object_]:
    texts = np.empty(len(values), dtype=object)
    texts[:] = values
    return texts


@dataclass(frozen=True)
class Split:
    """A part of the rows, with a plan of folds, in a folder of its own.

    ``rows`` are positions in the question's table; everything below the split counts positions in ``rows``.
    """

    name: str
    folder: Path
    question_folder: Path
    rows: NDArray[np.int64]
    folds: Folds

    @property
    def answer(self) -> Answer:
        """The answers of the split's rows."""
        return open_question(self.question_folder).answer.take(self.rows)

    def part(self, name: str) -> NDArray[Any] | None:
        """Return ``weights``, ``groups`` or ``times`` of the split's rows, or None."""
        values = getattr(open_question(self.question_folder), name)
        return None if values is None else np.asarray(values[self.rows])

    @property
    def table(self) -> Table:
        """The split's rows of the table."""
        question = open_question(self.question_folder)
        whole = len(self.rows) == question.table.rows
        return question.table if whole else question.table.take(self.rows)


def save_split(split: Split) -> None:
    """Write rows and folds; ``split.json`` comes last."""
    for sub in ("features", "trials"):
        (split.folder / sub).mkdir(parents=True, exist_ok=True)
    save_array(split.folder / "rows.npy", split.rows)
    save_array(split.folder / "folds.npy", split.folds.of)
    meta = {"name": split.name, "count": split.folds.count, "forward": split.folds.forward}
    write_atomic(split.folder / "split.json", json.dumps(meta).encode())


def open_split(folder: Path) -> Split:
    """Open what ``save_split`` wrote; cached in each process."""
    return _open_split(folder, *_stamp(folder / "split.json"))


@lru_cache(maxsize=8)
def _open_split(folder: Path, path: str, inode: int, written_ns: int) -> Split:
    meta = json.loads((folder / "split.json").read_text(encoding="utf-8"))
    folds = Folds(np.asarray(open_array(folder / "folds.npy")), meta["count"], meta["forward"])
    rows = np.asarray(open_array(folder / "rows.npy"))
    return Split(meta["name"], folder, folder.parent.parent / "table", rows, folds)
