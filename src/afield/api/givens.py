"""Rows for a model of any kind: tables by its schema, arrays by its inputs, or the samples inside the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.api.answered import truth_of
from afield.api.rows import Feed, Kept, batches
from afield.api.tensors import read_arrays, tensor_rows
from afield.core.errors import AfieldError, ModelFileError, ProblemError
from afield.model.model import Model
from afield.model.samples import synthesise
from afield.model.selftest import stored_feed

#: rows made up from a schema beside the samples inside the file
MADE_UP = 200
#: rows of a table that are read
MOST = 200_000
_MEDIA = ("image", "audio", "signal")


@dataclass(frozen=True, kw_only=True)
class Given:
    """Rows of a model.

    Parameters
    ----------
    feed : mapping of str to ndarray [N, ...]
        Inputs of the graph.
    truth : ndarray [N, ...] or None
        Of a model that afield wrote: class index int64 [N], or float64 [N]; of another: as the file has it.
    source : str
        Where they come from, for people.
    measured : bool
        Whether they are real rows, on which a score says something.
    """

    feed: Mapping[str, NDArray[Any]]
    truth: NDArray[Any] | None
    source: str
    measured: bool

    @property
    def rows(self) -> int:
        """N."""
        return len(next(iter(self.feed.values()))) if self.feed else 0

    def taken(self, rows: NDArray[Any]) -> Given:
        """Return some of the rows: indices, or a mask."""
        truth = None if self.truth is None else self.truth[rows]
        return replace(self, feed={n: v[rows] for n, v in self.feed.items()}, truth=truth)


def opened(content: bytes) -> Model | None:
    """Return the model, None for a file without afield's metadata."""
    try:
        return Model.load(content)
    except ModelFileError as error:
        if error.code != "model.foreign":
            raise
        return None


def own_rows(content: bytes) -> Given:
    """Return the samples inside a file and rows made up from its schema.

    Raises
    ------
    ProblemError
        ``problem.option``: the file has none.
    """
    model = opened(content)
    if model is None:
        raise ProblemError(
            "problem.option", "Without data nobody knows the ranges of this model's activations.", where="--int8",
            got="a file without afield's samples", fix="Add --data FILE: .npz or .npy with rows of the inputs.",
        )  # fmt: skip
    feed = stored_feed(model.selftest, model.schema)
    if any(c.kind in _MEDIA for c in model.schema.columns):
        return Given(feed=feed, truth=None, source="the samples inside the file", measured=False)
    more = synthesise(model.schema, MADE_UP, seed=2)
    whole = {n: np.concatenate([v, more[n]]) for n, v in feed.items()}
    return Given(feed=whole, truth=None, source="the samples inside the file, and made-up rows of its schema",
                 measured=False)  # fmt: skip


def given_rows(content: bytes, data: object) -> Given:
    """Return the rows of a table, of a file of arrays, or of arrays by name.

    Raises
    ------
    DataError, ModelFileError
        Where they cannot be read as rows of this model.
    """
    model = opened(content)
    source = Path(data).name if isinstance(data, str | Path) else "the rows given"
    if model is not None:
        feed, truth = _table(model, data)
        return Given(feed=feed, truth=truth, source=source, measured=True)
    if isinstance(data, str | Path):
        arrays: Mapping[str, NDArray[Any]] = read_arrays(Path(data))
    elif isinstance(data, np.ndarray):
        arrays = {"": data}
    elif isinstance(data, Mapping):
        arrays = {str(n): np.asarray(v) for n, v in data.items()}
    else:
        raise ModelFileError(
            "model.rows", "This object cannot be read as rows of tensors.", where="data", got=type(data).__name__,
            expected="a .npz or .npy file, an array, or a dict of arrays by input",
        )  # fmt: skip
    feed, truth = tensor_rows(content, arrays, source)
    return Given(feed=feed, truth=truth, source=source, measured=True)


def _table(model: Model, data: object) -> tuple[dict[str, NDArray[Any]], NDArray[Any] | None]:
    """Return the feed and, where the target's column is there, the truth; rows without a target are left out."""
    target = model.schema.target
    try:
        read = _first(batches(model, data, extra=(target.spec,)))
    except AfieldError as error:
        if error.code not in ("data.missing_column", "model.missing_column"):
            raise
        read = _first(batches(model, data))  # complains again where another column is missing
    feed = {n: np.concatenate([part[n] for part in read]) for n in read[0]}
    cells = feed.pop(target.spec.input_name, None)
    if cells is None:
        return feed, None
    known = ~np.isnan(cells) if target.task == "regression" else cells != ""
    if not known.any():
        return feed, None
    truth = truth_of(model, cells[known], np.flatnonzero(known))
    return {n: v[known] for n, v in feed.items()}, truth


def _first(parts: Iterable[tuple[Feed, Kept]]) -> list[Feed]:
    """Return the first batches, of a few hundred thousand rows at most."""
    found, count = [], 0
    for feed, _ in parts:
        found.append(feed)
        count += len(next(iter(feed.values())))
        if count >= MOST:
            break
    return found
