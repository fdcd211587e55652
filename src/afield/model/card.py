"""The card: what a model predicts, from what, how well, and how honest that figure is. It travels inside the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeVar

from afield.core.findings import Finding
from afield.model.calibration import Calibration
from afield.model.decision import Decision

How = Literal["outer_splits", "test_file", "out_of_fold"]
HOWS: dict[str, str] = {
    "outer_splits": "estimated from outer splits that no choice saw",
    "test_file": "measured on the rows of the test file",
    "out_of_fold": "out-of-fold: rows that choices saw, so it flatters a little",
}


@dataclass(frozen=True, kw_only=True)
class Score:
    """A figure with its interval and where it comes from.

    Parameters
    ----------
    metric : str
    value, low, high : float or None
        ``low`` and ``high`` bound the interval at ``level``; None where it could not be computed.
    level : float
        Coverage of the interval, such as 0.95.
    rows : int
        Rows that the figure was computed on.
    how : {"outer_splits", "test_file", "out_of_fold"}
    splits : int
    text : str
        One sentence for people.
    others : mapping of str to float or None
        Further metrics on the same rows.
    """

    metric: str
    value: float | None
    low: float | None = None
    high: float | None = None
    level: float = 0.95
    rows: int = 0
    how: How = "out_of_fold"
    splits: int = 0
    text: str = ""
    others: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """The score of a simple rule, on the rows of the model's score."""

    name: str
    value: float | None


@dataclass(frozen=True, kw_only=True)
class Member:
    """One recipe of the ensemble. ``recipe`` is its name or settings in words; ``trees`` is 0 where there are none."""

    recipe: str
    learner: str
    weight: float
    trees: int = 0


@dataclass(frozen=True, kw_only=True)
class ColumnNote:
    """What people want to know about one input column; the schema says how it is read."""

    name: str
    kind: str
    unit: str = ""
    share_missing: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Parity:
    """How far the file was from the learners' own libraries before it was written."""

    rows: int
    hostile_rows: int
    largest: float
    tolerance: float
    labels_different: int = 0
    near_ties: int = 0


@dataclass(frozen=True, kw_only=True)
class Licensed:
    """A part inside the model and its licence."""

    name: str
    licence: str


@dataclass(frozen=True, kw_only=True)
class Card:
    """Everything that the model says about itself. JSON values and the small classes above only."""

    title: str
    task: str
    target: str
    unit: str = ""
    metric: str = ""
    rows_used: int = 0
    rows_without_target: int = 0
    score: Score | None = None
    baselines: tuple[Baseline, ...] = ()
    decision: Decision | None = None
    calibration: Calibration | None = None
    members: tuple[Member, ...] = ()
    columns: tuple[ColumnNote, ...] = ()
    findings: tuple[Finding, ...] = ()
    parity: Parity | None = None
    needs: str = "standard ONNX"
    parts: tuple[Licensed, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the card as a JSON object."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Card:
        """Return the card that ``to_json`` wrote; keys from later minor versions are passed over."""
        values = dict(data)
        for name, kind in _SINGLE.items():
            if values.get(name) is not None:
                values[name] = read_fields(kind, values[name])
        for name, kind in _MANY.items():
            values[name] = tuple(read_fields(kind, item) for item in values.get(name, ()))
        values["findings"] = tuple(Finding.from_json(item) for item in values.get("findings", ()))
        values["notes"] = tuple(values.get("notes", ()))
        return read_fields(cls, values)


_SINGLE: dict[str, type[Any]] = {"score": Score, "decision": Decision, "calibration": Calibration, "parity": Parity}
_MANY: dict[str, type[Any]] = {"baselines": Baseline, "members": Member, "columns": ColumnNote, "parts": Licensed}

Record = TypeVar("Record")


def read_fields(kind: type[Record], data: Mapping[str, Any]) -> Record:
    """Return ``kind`` made of those keys of ``data`` that it knows."""
    known = {f.name for f in fields(kind)}  # type: ignore[arg-type]  # a dataclass by construction
    return kind(**{k: v for k, v in data.items() if k in known})


def _plain(value: Any) -> Any:
    if isinstance(value, Finding):
        return value.to_json()
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if hasattr(value, "__dataclass_fields__"):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    return value
