"""What an afield model carries beside its graph: schema, card, self-test and provenance, as canonical JSON.

Equal contents give equal bytes: sorted keys, no times, no paths. NaN is null; infinities are the texts "inf" and
"-inf", since JSON has neither.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from afield.core.errors import ModelFileError
from afield.core.randomness import canonical_json
from afield.model.card import Card, read_fields
from afield.model.container import damaged
from afield.problem.schema import MEDIA_KINDS, Schema

#: The newest version of the layout described in this module. Files of every past version load.
#: 1: tables. 2: columns of pictures and sounds. A file states the oldest version that it can be read by.
FORMAT = 2


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where a model comes from: nothing timed, no path.

    Parameters
    ----------
    afield : str
        Version that wrote the file.
    data : str
        Digest of the training data.
    data_name : str
        Name of the data without its folder.
    seed : int
    effort : str
        ``quick``, ``standard``, ``thorough``, or empty under ``--minutes``.
    minutes : float or None
    libraries : mapping of str to str
        Versions of the libraries that trained it.
    """

    afield: str
    data: str = ""
    data_name: str = ""
    seed: int = 0
    effort: str = ""
    minutes: float | None = None
    libraries: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a JSON object."""
        return asdict(self) | {"libraries": dict(self.libraries)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Provenance:
        """Return the provenance that ``to_json`` wrote."""
        return read_fields(cls, data)


@dataclass(frozen=True, kw_only=True)
class SelfTest:
    """Sample rows with reference answers.

    Parameters
    ----------
    inputs : mapping of str to tuple
        Graph input name to its values: float (NaN = missing) or str (``""`` = missing), one for each row. Pictures
        and sounds are str as ``afield.model.media`` writes them.
    labels : tuple of str
        Classification: the reference label of each row, as text; else empty.
    probabilities : tuple of tuple of float
        Classification: reference probabilities, rows of K; else empty.
    prediction : tuple of float
        Regression: reference predictions; else empty.
    tolerance : float
        Largest difference allowed: absolute for probabilities; for regression times max(|y|, ``scale``).
    scale : float
        Standard deviation of the target; 0 for classification.
    real : bool
        True when the rows are real training rows, which the user asked for; else they are synthesised.
    """

    inputs: Mapping[str, tuple[float, ...] | tuple[str, ...]]
    labels: tuple[str, ...] = ()
    probabilities: tuple[tuple[float, ...], ...] = ()
    prediction: tuple[float, ...] = ()
    tolerance: float = 1e-6
    scale: float = 0.0
    real: bool = False

    @property
    def rows(self) -> int:
        """The number of sample rows."""
        return len(self.labels) or len(self.prediction)

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a JSON object without NaN or infinities."""
        return {
            "inputs": {name: _store(values) for name, values in self.inputs.items()},
            "labels": list(self.labels),
            "probabilities": [_store(row) for row in self.probabilities],
            "prediction": _store(self.prediction),
            "tolerance": self.tolerance,
            "scale": self.scale,
            "real": self.real,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], numbers: Iterable[str]) -> SelfTest:
        """Return the self-test that ``to_json`` wrote; ``numbers`` are the inputs that take numbers."""
        wanted = set(numbers)
        inputs = {n: _restore(v) if n in wanted else tuple(v) for n, v in data["inputs"].items()}
        values = dict(data) | {
            "inputs": inputs,
            "labels": tuple(data["labels"]),
            "probabilities": tuple(_restore(row) for row in data["probabilities"]),
            "prediction": _restore(data["prediction"]),
        }
        return read_fields(cls, values)


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """All that the file says beside its graph."""

    schema: Schema
    card: Card
    selftest: SelfTest
    provenance: Provenance


def to_metadata(schema: Schema, card: Card, selftest: SelfTest, provenance: Provenance) -> dict[str, str]:
    """Return the ``metadata_props`` of the file."""
    return {
        "afield.format": "2" if any(c.kind in MEDIA_KINDS for c in schema.columns) else "1",
        "afield.schema": canonical_json(schema.to_json()),
        "afield.card": canonical_json(card.to_json()),
        "afield.selftest": canonical_json(selftest.to_json()),
        "afield.provenance": canonical_json(provenance.to_json()),
    }


def from_metadata(properties: Mapping[str, str]) -> Metadata:
    """Return what ``to_metadata`` wrote.

    Raises
    ------
    ModelFileError
        ``model.foreign``, ``model.version``, ``model.damaged``.
    """
    if "afield.schema" not in properties:
        raise ModelFileError(
            "model.foreign",
            "This ONNX file was not made by afield: it has no schema inside.",
            got=f"metadata {sorted(properties)}" if properties else "no metadata",
            fix="Run it with onnxruntime itself, or give a file that `afield fit` wrote.",
        )
    _check_format(properties.get("afield.format", ""))
    try:
        schema = Schema.from_json(json.loads(properties["afield.schema"]))
        numbers = [c.input_name for c in schema.columns if c.kind == "number"]
        selftest = SelfTest.from_json(json.loads(properties["afield.selftest"]), numbers)
        _check_selftest(schema, selftest)
        return Metadata(
            schema=schema,
            card=Card.from_json(json.loads(properties["afield.card"])),
            selftest=selftest,
            provenance=Provenance.from_json(json.loads(properties["afield.provenance"])),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise damaged(f"its metadata cannot be understood ({type(error).__name__}: {error})") from error


def _check_selftest(schema: Schema, selftest: SelfTest) -> None:
    """Raise ValueError when the samples and their answers do not fit the schema."""
    rows, classes = selftest.rows, len(schema.target.classes)
    regression = schema.target.task == "regression"
    if rows and set(selftest.inputs) != {c.input_name for c in schema.columns}:
        raise ValueError("the self-test has other columns than the schema")
    if any(len(values) != rows for values in selftest.inputs.values()):
        raise ValueError("the self-test has columns of different lengths")
    if (regression and selftest.labels) or (not regression and selftest.prediction):
        raise ValueError("the self-test is of another task than the schema")
    wanted = 0 if regression else rows
    if len(selftest.probabilities) != wanted or any(len(row) != classes for row in selftest.probabilities):
        raise ValueError("the self-test has probabilities of another shape")


def _check_format(text: str) -> None:
    if not (text.isascii() and text.isdigit()):
        raise damaged(f"its format version is {text!r}")
    if int(text) > FORMAT:
        raise ModelFileError(
            "model.version",
            "The file was written by a newer afield.",
            got=f"format {text}",
            expected=f"format {FORMAT} or older",
            fix="pip install --upgrade afield",
        )


def _store(values: Iterable[float | str]) -> list[float | str | None]:
    stored: list[float | str | None] = []
    for value in values:
        if isinstance(value, str) or math.isfinite(value):
            stored.append(value)
        else:
            stored.append(None if math.isnan(value) else str(value))
    return stored


def _restore(values: Iterable[float | str | None]) -> tuple[float, ...]:
    return tuple(math.nan if v is None else float(v) for v in values)
