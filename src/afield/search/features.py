"""Training features come from running fitted encoder graphs, never from a second version of the same step.

Encoders are separable by column, so string columns are encoded once for each distinct value where that is cheaper.
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
from afield.parts.protocol import Feature, FitContext, FittedEncoder
from afield.problem.schema import ColumnSpec
from afield.search.recipe import Use
from afield.search.store import Split

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


def encode(fitted: FittedEncoder, specs: Sequence[ColumnSpec], table: Table) -> NDArray[np.float32]:
    """Return float32 [rows, width]: the encoder's graph run on the table."""
    session = encoder_session(fitted, specs)
    width = max(len(fitted.features), len(specs), 1)
    chunk = min(CHUNK.get(specs[0].kind, CHUNK_ROWS), max(1, CHUNK_CELLS // width))
    columns = {s.name: table[s.name] for s in specs}
    strings = [c for c in columns.values() if isinstance(c, StringColumn)]
    distinct = max((len(c.levels) for c in strings), default=0)
    if len(strings) == len(columns) and distinct <= table.rows // 2:
        return _encode_distinct(session, fitted.features, specs, columns, distinct, chunk)
    return run_chunks(session, {s.input_name: columns[s.name] for s in specs}, len(fitted.features), table.rows, chunk)


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
    session: Any,
    features: Sequence[Feature],
    specs: Sequence[ColumnSpec],
    columns: Mapping[str, Any],
    distinct: int,
    chunk: int,
) -> NDArray[np.float32]:
    padded = {}
    for spec in specs:
        texts = np.full(distinct, "", dtype=object)
        texts[: len(columns[spec.name].levels)] = columns[spec.name].levels
        padded[spec.input_name] = StringColumn(np.arange(distinct, dtype=np.int32), texts)
    small = run_chunks(session, padded, len(features), distinct, chunk)
    rows = len(next(iter(columns.values())))
    out = np.empty((rows, len(features)), dtype=np.float32)
    for i, feature in enumerate(features):
        out[:, i] = small[columns[feature.column].codes, i]
    return out


def specs_of(use: Use, specs: Sequence[ColumnSpec]) -> list[ColumnSpec]:
    """Return the columns that an encoder takes."""
    return [s for s in specs if s.kind == use.kind]


def fit_encoder(split: Split, use: Use, rows: NDArray[np.int64] | None, seed: int) -> FittedEncoder:
    """Fit the encoder on these rows of the split (None: all)."""
    from afield.search.store import open_question

    part = load("parts", use.part)
    specs = specs_of(use, open_question(split.question_folder).specs)
    table, answer, weights = split.table.select([s.name for s in specs]), split.answer, split.part("weights")
    groups = split.part("groups")
    if rows is not None:
        table, answer = table.take(rows), answer.take(rows)
        weights = None if weights is None else weights[rows]
        groups = None if groups is None else groups[rows]
    fitted: FittedEncoder = part.fit(
        table, specs, answer, FitContext(seed=seed, weights=weights, groups=groups), use.settings
    )
    return fitted


def training_features(
    split: Split, use: Use, fitted: FittedEncoder, specs: Sequence[ColumnSpec], seed: int
) -> NDArray[np.float32]:
    """Return the matrix that learners train on, float32 [rows of the split, width].

    An encoder that looks at the target gives each row the features of one fitted without the row's fold; with
    windows of time, of one fitted on earlier rows only.
    """
    table = split.table.select([s.name for s in specs])
    if not load("parts", use.part).uses_target:
        return encode(fitted, specs, table)
    out = np.empty((len(split.rows), len(fitted.features)), dtype=np.float32)
    for train, valid in _cross_fit(split.folds):
        without = fit_encoder(split, use, train, seed)
        if [f.name for f in without.features] != [f.name for f in fitted.features]:
            raise ValueError(f"encoder {use.part!r} changes its features from fold to fold")
        out[valid] = encode(without, specs, table.take(valid))
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
