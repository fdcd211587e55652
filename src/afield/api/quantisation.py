"""A model rewritten by rows of data before it is exported: the rows, the rewriting, and what it costs of the score.

Some of the rows give the ranges, the others the score of both models.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.api.givens import Given, given_rows, opened, own_rows
from afield.api.losses import Loss, answers, loss_of
from afield.core.errors import DataError, UnsupportedError
from afield.core.randomness import canonical_json, derive_seed
from afield.model.container import read_properties, write_properties
from afield.model.selftest import record, stored_feed
from afield.platforms.protocol import REWRITTEN, Preparing

#: rows that give ranges, and rows that give the score, at most
RANGES, JUDGED = 256, 4096
_FEWEST = 2
#: what runtimes that compute 8-bit integers with roundings of their own may be off
ROUNDING = 0.05


@dataclass(frozen=True, kw_only=True)
class Quantisation:
    """How a model was quantised.

    Parameters
    ----------
    rows : int
        That gave the ranges.
    source : str
        Where these came from.
    loss : Loss or None
        None where there was no data to measure it by.
    remarks : tuple of str
    """

    rows: int
    source: str
    loss: Loss | None
    remarks: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return what ``proof.json`` and the file hold."""
        return asdict(self) | {"text": self.text()}

    def text(self) -> list[str]:
        """Return sentences for people."""
        measured = self.loss.text() if self.loss else "loss of the score: not measured: needs --data"
        return [f"int8: ranges from {self.rows} rows: {self.source}", measured, *self.remarks]


def prepared(
    place: Any, content: bytes, options: Any, data: object = None
) -> tuple[bytes, Quantisation | None, Mapping[str, NDArray[Any]]]:
    """Return the model to export, how it was quantised, and rows to try it on; as it was where nothing is asked for.

    Parameters
    ----------
    place : Platform
    options : ExportOptions
        Of this platform.
    data : object
        Rows in memory, in place of the path that the options name.

    Raises
    ------
    UnsupportedError
        ``model.loss``: more of the score is lost than ``max_loss``; ``graph.operator``: nothing to quantise.
    DataError, ModelFileError
        Where the rows cannot be used.
    """
    if not isinstance(place, Preparing) or not place.prepares(options):
        return content, None, {}
    source = options.data if data is None else data
    if source is None or source == "":
        given = own_rows(content)
        ranges = judged = np.arange(given.rows)
    else:
        given = given_rows(content, source)
        ranges, judged = _parts(given)
    change = place.prepare(content, given.taken(ranges).feed)
    if change is None:
        return content, None, {}
    kept = given.taken(judged)
    loss = loss_of(content, change.model, kept) if given.measured else None
    if loss is not None and loss.lost > options.max_loss:
        raise UnsupportedError(
            "model.loss", "The quantised model loses too much of its score.", where=f"{len(judged)} rows of the data",
            got=loss.text(), expected=f"a loss of at most {options.max_loss:g}",
            fix="Give rows that stand better for what the model will see, keep it in floats (leave --int8 out), "
            f"or allow more (--max-loss {_above(loss.lost):g}).",
        )  # fmt: skip
    told = Quantisation(rows=len(ranges), source=given.source, loss=loss, remarks=change.remarks)
    note = json.dumps(told.to_json(), sort_keys=True, ensure_ascii=False)
    properties = {**read_properties(change.model), **_own_answers(change.model), REWRITTEN: note}
    return write_properties(change.model, properties), told, kept.feed


def _own_answers(content: bytes) -> dict[str, str]:
    """Return the self-test of a rewritten file: its samples with its own answers; nothing where it has no samples."""
    model = opened(content)
    if model is None:
        return {}
    feed = stored_feed(model.selftest, model.schema)
    given = model.selftest
    tolerance = max(given.tolerance, ROUNDING)
    found = record(model.schema, feed, answers(content, feed, plain=True), tolerance=tolerance, scale=given.scale,
                   real=given.real)  # fmt: skip
    return {"afield.selftest": canonical_json(found.to_json())}


def _above(loss: float) -> float:
    """Return a rounded limit that the loss keeps."""
    return float(np.ceil(loss * 100) / 100)


def _parts(given: Given) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows that give ranges, at most half of them, and those that judge."""
    if given.rows < _FEWEST:
        raise DataError(
            "problem.too_few_rows", "Quantisation needs rows for its ranges and others for the score.",
            where=given.source, got=f"{given.rows} rows", expected=f"at least {_FEWEST}, better some hundreds",
        )  # fmt: skip
    mixed = np.random.default_rng(derive_seed(0, "quantisation")).permutation(given.rows)
    count = min(RANGES, given.rows // 2)
    return np.sort(mixed[:count]), np.sort(mixed[count : count + JUDGED])
