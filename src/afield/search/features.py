"""Training features come from running fitted encoder graphs, never from a second version of the same step.

Where each feature belongs to one column, string columns are encoded once for each distinct value if that is cheaper.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.core.registry import load
from afield.data.splits import Folds
from afield.data.table import NumberColumn, StringColumn, Table
from afield.graph.builder import Builder
from afield.parts.protocol import FitContext, FittedEncoder
from afield.problem.schema import ColumnSpec
from afield.search.recipe import Use
from afield.search.store import Split, open_question

#: rows that an encoder graph sees at once: bounds memory, never changes a value
CHUNK = {"text": 256, "datetime": 16_384}
CHUNK_ROWS, CHUNK_CELLS = 65_536, 8_000_000


def input_dtype(spec: ColumnSpec) -> str:
    """Return the element type of a column's graph input."""
    return "float64" if spec.kind == "number" else "string"


def encoder_session(fitted: FittedEncoder, specs: Sequence[ColumnSpec]) -> Any:
    """Return an onnxruntime session from the columns to the encoder's matrix ``features``."""
    from afield.model.session import open_session

    builder = Builder()
    inputs = {s.name: builder.input(s.input_name, input_dtype(s), ["N"]) for s in specs}
    value = fitted.lower(builder, inputs)
    builder.output(value, "features", ["N", len(fitted.features)])
    return open_session(builder.build("features").SerializeToString(), threads=1)


def encode(
    fitted: FittedEncoder,
    specs: Sequence[ColumnSpec],
    table: Table,
    rows: NDArray[np.int64] | None = None,
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Return float32 [rows, width]: the encoder's graph run on the table, or on these rows of it.

    ``out``: a matrix for all rows of the table, in which the rows are filled in.
    """
    session = encoder_session(fitted, specs)
    width = max(len(fitted.features), len(specs), 1)
    chunk = min(*(CHUNK.get(s.kind, CHUNK_ROWS) for s in specs), CHUNK_ROWS, max(1, CHUNK_CELLS // width))
    columns: dict[str, Any] = {s.name: table[s.name] for s in specs}
    strings = [c for c in columns.values() if isinstance(c, StringColumn)]
    distinct = max((len(c.levels) for c in strings), default=0)
    separable = len(strings) == len(columns) and all(f.column for f in fitted.features)
    count = table.rows if rows is None else len(rows)
    if separable and distinct <= count // 2:
        small = _encode_distinct(session, len(fitted.features), specs, columns, distinct, chunk)
        chunk = CHUNK_ROWS  # looking up is cheap, whatever the graph's price

        def run(part: NDArray[np.int64] | slice) -> NDArray[np.float32]:
            places = np.stack([columns[f.column].codes[part] for f in fitted.features], axis=1)
            return np.take_along_axis(small, places, axis=0)
    else:
        feeds = {s.input_name: columns[s.name] for s in specs}

        def run(part: NDArray[np.int64] | slice) -> NDArray[np.float32]:
            found: NDArray[np.float32] = session.run(["features"], {n: c.feed(part) for n, c in feeds.items()})[0]
            return found

    filled = np.empty((count, len(fitted.features)), dtype=np.float32) if out is None else out
    for start in range(0, count, chunk):
        place = slice(start, min(start + chunk, count))
        part = place if rows is None else rows[place]
        filled[place if out is None else part] = run(part)
    return filled


def run_chunks(
    session: Any, columns: Mapping[str, NumberColumn | StringColumn], width: int, rows: int, chunk: int
) -> NDArray[np.float32]:
    """Run the session over all rows, ``chunk`` at a time."""
    out = np.empty((rows, width), dtype=np.float32)
    for start in range(0, rows, chunk):
        part = slice(start, min(start + chunk, rows))
        out[part] = session.run(["features"], {n: c.feed(part) for n, c in columns.items()})[0]
    return out


def _encode_distinct(
    session: Any, width: int, specs: Sequence[ColumnSpec], columns: Mapping[str, Any], distinct: int, chunk: int
) -> NDArray[np.float32]:
    """Return float32 [distinct, width]: the features of each column's levels, where columns do not meet."""
    padded = {}
    for spec in specs:
        texts = np.full(distinct, "", dtype=object)
        texts[: len(columns[spec.name].levels)] = columns[spec.name].levels
        padded[spec.input_name] = StringColumn(np.arange(distinct, dtype=np.int32), texts)
    return run_chunks(session, padded, width, distinct, chunk)


def specs_of(use: Use, specs: Sequence[ColumnSpec]) -> list[ColumnSpec]:
    """Return the columns that an encoder takes, in the order of the table."""
    return [s for s in specs if s.kind in use.kinds]


def fit_encoder(
    split: Split, use: Use, rows: NDArray[np.int64] | None, seed: int, like: FittedEncoder | None = None
) -> FittedEncoder:
    """Fit the encoder on these rows of the split (None: all); ``like``: the one whose choices are kept."""
    part = load("parts", use.part)
    specs = specs_of(use, open_question(split.question_folder).specs)
    table, answer, weights = _columns(split, specs), split.answer, split.part("weights")
    groups = split.part("groups")
    if rows is not None:
        table, answer = table.take(rows), answer.take(rows)
        weights = None if weights is None else weights[rows]
        groups = None if groups is None else groups[rows]
    context = FitContext(seed=seed, weights=weights, groups=groups, forward=split.folds.forward, like=like)
    fitted: FittedEncoder = part.fit(table, specs, answer, context, use.settings)
    return fitted


def _columns(split: Split, specs: Sequence[ColumnSpec]) -> Table:
    """Return the split's rows of these columns; of no others, for rows that are not all are a copy."""
    question = open_question(split.question_folder)
    table = question.table.select([s.name for s in specs])
    return table if len(split.rows) == table.rows else table.take(split.rows)


def training_features(
    split: Split,
    use: Use,
    fitted: FittedEncoder,
    specs: Sequence[ColumnSpec],
    seed: int,
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Return the matrix that learners train on, float32 [rows of the split, width]; ``out``: where to write it.

    An encoder that learns from the target gives each row the features of one fitted without the row's fold; with
    windows of time, of one fitted on earlier rows only.
    """
    table = _columns(split, specs)
    out = np.empty((len(split.rows), len(fitted.features)), dtype=np.float32) if out is None else out
    if not load("parts", use.part).uses_target:
        return encode(fitted, specs, table, out=out)
    for train, valid in _cross_fit(split.folds):
        without = fit_encoder(split, use, train, seed, fitted)
        if [f.name for f in without.features] != [f.name for f in fitted.features]:
            raise ValueError(f"encoder {use.part!r} changes its features from fold to fold")
        encode(without, specs, table, valid, out)
    return out


def _cross_fit(folds: Folds) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return (rows to fit on, rows to encode) that cover all rows; the first window of time halves itself."""
    pairs = [(folds[k].train, folds[k].valid) for k in range(folds.count)]
    if len(first := np.flatnonzero(folds.of < 0)):
        pairs += [(first[1::2], first[::2]), (first[::2], first[1::2])]
    return [(train, valid) for train, valid in pairs if len(valid)]


def matrix_path(split: Split, use: Use) -> Path:
    """Return where the encoder's training matrix lies."""
    return split.folder / "features" / f"{use.id}.npy"


def state_path(split: Split, use: Use) -> Path:
    """Return where the encoder's state lies."""
    return split.folder / "features" / f"{use.id}.state"
