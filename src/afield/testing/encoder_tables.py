"""Small tables of every column kind, ordinary and hostile, that the encoder kit runs encoders on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.data.answer import Answer
from afield.data.table import Column, NumberColumn, StringColumn, Table
from afield.problem.problem import TASKS, Task
from afield.problem.schema import KINDS, ColumnSpec, Kind

#: Text in four rows of every ordinary category and text column: too few to be kept anywhere.
RARE_TEXT = "Jane Doe 4711"
ROWS = 150

_NAMES = ("first", "größe (cm)", "0:a/b.c", "1:red")  # names that a graph, a key or a file may trip over
_WORDS = ("salmon", "net", "torn", "near", "the", "cage", "Wasser", "trüb", "42", "feed", "late", "ok")
_WEIRD_TEXTS = (
    "", "never seen", " ", "\n", "\t", "\0", "a\0b", "red\0", "0:red", "1:", ":", "nan", "Größe", "e\u0301",
    "\U0001f41f\u200d", "\ufeff", "\u202e", "\\", "'\"", "A" * 3_000,
)  # fmt: skip
_WEIRD_TIMES = (
    "2023-02-30", "2023-13-01", "2023-00-10", "0000-01-01", "10000-01-01", "2023-1-1", "2023-01-01T24:00:00",
    "2023-01-01T10:00", "2023-01-01T10:00:60", "2023-01-01 10:00:00", "2023-01-01\n", "\n2023-01-01", "2023-01-01T",
    "\uff12\uff10\uff12\uff13-01-01", "2023-01-01T10:00:00Z", "-2023-01-01", "2023-01-01\0", "0001-01-01",
    "9999-12-31T23:59:59", "2024-02-29", "1900-02-29",
)  # fmt: skip
_WEIRD_NUMBERS = (
    np.nan, np.inf, -np.inf, 1e308, -1e308, 5e-324, -0.0, 0.0, 3.5e38, -3.5e38, 1e-46, 2.0**53 + 1, 16_777_217.0,
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A table to fit on, what its columns are, and hostile rows to encode afterwards."""

    name: str
    table: Table
    specs: Sequence[ColumnSpec]
    hostile: Table


def make_cases(kind: str) -> list[Case]:
    """Return the ordinary table (first) and the degenerate ones of a column kind, or of kinds joined by a plus."""
    kinds = kind.split("+")
    places = [(k, i) for i in range(3 if len(kinds) == 1 else 2) for k in kinds]
    specs = [ColumnSpec(name=name, kind=_kind(k)) for name, (k, _) in zip(_NAMES, places, strict=False)]
    ordinary = [_ordinary(k, i) for k, i in places]
    pairs = list(zip(ordinary, places, strict=True))
    columns: dict[str, list[NDArray[Any]]] = {
        "ordinary columns": ordinary,
        "constant columns": [np.repeat(v[1:2], ROWS) for v in ordinary],
        "missing columns": [np.full(ROWS, np.nan if k == "number" else "", v.dtype) for v, (k, _) in pairs],
        "one row": [v[1:2] for v in ordinary],
        "hostile columns": _even([_hostile(k, i, copies=6) for k, i in places]),
        "one column": ordinary[: len(kinds)],
    }
    cases = []
    for name, values in columns.items():
        hostile = _even([_hostile(k, i) for k, i in places[: len(values)]])
        cases.append(Case(name, _table(values), specs[: len(values)], _table(hostile)))
    return cases


def make_answers(rows: int) -> list[Answer]:
    """Return an answer of each task, one with more classes than an encoder may hold."""
    rng = np.random.default_rng(7)
    answers = [Answer(task="regression", values=rng.normal(1e9, 2, rows))]
    for task, classes in (("binary", 2), ("multiclass", 3), ("multiclass", 40)):
        answers.append(Answer(task=_task(task), values=rng.integers(0, classes, rows), classes=classes))
    return answers


def make_telling_answer(case: Case) -> Answer:
    """Return a regression target that two columns of a kind tell together, and neither by itself."""
    numbers = [c.values for c in case.table.columns.values() if isinstance(c, NumberColumn)][:2]
    codes = [c.codes for c in case.table.columns.values() if isinstance(c, StringColumn)][:2]
    values = np.random.default_rng(11).normal(0, 0.01, case.table.rows)
    if len(numbers) == 2:
        values += np.sin(2 * np.log1p(np.nan_to_num(numbers[0] * numbers[1])))
    if len(codes) == 2:
        values += (codes[0] + codes[1]) % 2
    return Answer(task="regression", values=values)


def _task(task: str) -> Task:
    return next(known for known in TASKS if known == task)


def _kind(kind: str) -> Kind:
    return next(known for known in KINDS if known == kind)


def _table(values: Sequence[NDArray[Any]]) -> Table:
    columns: dict[str, Column] = {}
    for name, column in zip(_NAMES, values, strict=False):
        if column.dtype == np.float64:
            columns[name] = NumberColumn(column)
        else:
            # A level that no row has any more, as after taking rows of a larger table.
            whole = StringColumn.of(np.append(column, RARE_TEXT + " elsewhere"))
            columns[name] = whole.take(np.arange(len(column)))
    for held in columns.values():  # an encoder must leave its inputs alone
        for array in (held.values,) if isinstance(held, NumberColumn) else (held.codes, held.levels):
            array.setflags(write=False)
    return Table(columns, len(values[0]))


def _even(columns: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Return the columns, each repeated to the length of the longest."""
    longest = max(len(column) for column in columns)
    return [np.resize(column, longest) for column in columns]


def _ordinary(kind: str, which: int) -> NDArray[Any]:
    """Return the values of ordinary column number ``which``: float64 or object [ROWS], the second row present."""
    rng = np.random.default_rng(which)
    gaps = rng.random(ROWS) < (0.15, 0.0, 0.3)[which]
    gaps[1] = False
    if kind == "number":
        plain = [rng.lognormal(0, 2, ROWS), rng.integers(0, 9, ROWS), 1.7e9 + rng.permutation(ROWS)][which]
        return np.where(gaps, np.nan, plain.astype(np.float64))
    if kind == "datetime":
        unit = ("D", "s", "h")[which]
        moments = np.datetime64("2019-11-05T06:07:08") + rng.integers(0, 90_000_000, ROWS).astype("timedelta64[s]")
        texts = [str(moment.astype(f"datetime64[{unit}]").astype("datetime64[s]")) for moment in moments]
        values = np.array([t[:10] for t in texts] if unit == "D" else texts, dtype=object)
    elif kind == "category":
        levels = [("red", "green", "blau"), tuple(f"level {i}" for i in range(12)), ("yes", "no")][which]
        values = np.array(levels, dtype=object)[rng.integers(0, len(levels), ROWS)]
        values[40:44] = RARE_TEXT
    else:
        values = np.array([" ".join(rng.choice(_WORDS, rng.integers(1, 8))) for _ in range(ROWS)], dtype=object)
        values[40:44] = RARE_TEXT
    values[gaps] = ""
    return values


def _hostile(kind: str, which: int, copies: int = 1) -> NDArray[Any]:
    """Return hostile values, shifted by column so that they meet in every row with others."""
    if kind == "number":
        return np.roll(np.tile(np.array(_WEIRD_NUMBERS), copies), which)
    texts = _WEIRD_TEXTS + _WEIRD_TIMES if kind == "datetime" else _WEIRD_TEXTS
    return np.roll(np.tile(np.array(texts, dtype=object), copies), which)
