"""Everything that a report shows, as plain frozen data: who fills it need not know HTML, who renders it not the study.

All fields but ``title`` may be left out: a part of the report without facts is not shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, TypeVar

from afield.core.findings import Finding


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The question: what was to be predicted, and how the answer is judged."""

    target: str = ""
    task: str = ""
    metric: str = ""
    unit: str = ""
    data: str = ""
    effort: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ColumnFacts:
    """One column of the data.

    Parameters
    ----------
    role : {"feature", "target", "group", "time", "weight", "ignored"}
    missing : float
        Share of missing cells, 0 to 1.
    distinct : int
        Distinct values.
    low, middle, high : str
        Smallest, middle and largest value as text; empty for categories and texts.
    levels : tuple of (str, int)
        The most frequent levels and their rows.
    histogram : tuple of int
        Rows in bins of equal width from ``low`` to ``high``; empty where it makes no sense.
    """

    name: str
    kind: str
    role: str = "feature"
    unit: str = ""
    missing: float = 0.0
    distinct: int = 0
    low: str = ""
    middle: str = ""
    high: str = ""
    levels: tuple[tuple[str, int], ...] = ()
    histogram: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ScoreFacts:
    """The honest score. ``how`` is one sentence; ``level`` the coverage of low to high; others: further metrics."""

    metric: str
    value: float
    low: float | None = None
    high: float | None = None
    level: float = 0.95
    rows: int = 0
    how: str = ""
    text: str = ""
    higher_is_better: bool = True
    others: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """A simple rule's score on the same rows."""

    name: str
    value: float


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """``counts[i][j]``: rows of class i that were answered with class j."""

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Residuals:
    """Predictions against actual values, at most 2,000 rows."""

    predicted: tuple[float, ...]
    actual: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class CalibrationBin:
    """Rows of similar stated probability: its mean, how often it was so, the interval of that."""

    predicted: float
    observed: float
    count: int
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Whether 70 % means 70 %. ``of`` says which class, or ``the answer given``."""

    of: str
    bins: tuple[CalibrationBin, ...]


@dataclass(frozen=True, kw_only=True)
class Roc:
    """Receiver operating characteristic of a class; ``area`` under it."""

    of: str
    false_positive: tuple[float, ...]
    true_positive: tuple[float, ...]
    area: float


@dataclass(frozen=True, kw_only=True)
class ImportanceFacts:
    """How much the score's loss grows when a column is shuffled, with its interval."""

    column: str
    drop: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class TrialFacts:
    """One row of the leaderboard. ``weight`` is its share in the model, 0 when it is not in it."""

    id: str
    recipe: str
    learner: str
    status: str = "ok"
    score: float | None = None
    reason: str = ""
    fit_s: float | None = None
    bytes: int | None = None
    weight: float = 0.0


@dataclass(frozen=True, kw_only=True)
class SliceFacts:
    """A group of rows where the model does worse: mean loss there against the mean loss of the other rows."""

    text: str
    rows: int
    score: float
    overall: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class CostFacts:
    """What the model costs to keep and to run; timings were measured on this machine."""

    bytes: int = 0
    nodes: int = 0
    trees: int = 0
    latency_us: float | None = None
    load_ms: float | None = None


@dataclass(frozen=True, kw_only=True)
class ParityFacts:
    """The file against the learners' own libraries."""

    rows: int = 0
    hostile_rows: int = 0
    largest: float = 0.0
    tolerance: float = 0.0
    labels_different: int = 0
    near_ties: int = 0


@dataclass(frozen=True, kw_only=True)
class PointFacts:
    """A model of the front: its size and time by forecast, its out-of-fold score with the standard error."""

    bytes: int
    latency_us: float
    score: float
    noise: float
    members: tuple[str, ...] = ()
    own: bool = False


@dataclass(frozen=True, kw_only=True)
class StageFacts:
    """Wall time of one stage."""

    stage: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class ReportFacts:
    """All that one report shows.

    Parameters
    ----------
    loss : str
        The name of the loss of slices and importance, for the axis labels.
    decision : str
        How probabilities become a label, in words.
    provenance : mapping of str to str
    """

    title: str
    asked: Asked = field(default_factory=Asked)
    rows: int = 0
    rows_without_target: int = 0
    columns: tuple[ColumnFacts, ...] = ()
    findings: tuple[Finding, ...] = ()
    score: ScoreFacts | None = None
    baselines: tuple[Baseline, ...] = ()
    confusion: Confusion | None = None
    residuals: Residuals | None = None
    calibration: Calibration | None = None
    roc: Roc | None = None
    importance: tuple[ImportanceFacts, ...] = ()
    leaderboard: tuple[TrialFacts, ...] = ()
    slices: tuple[SliceFacts, ...] = ()
    loss: str = "loss"
    decision: str = ""
    cost: CostFacts | None = None
    parity: ParityFacts | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)
    timing: tuple[StageFacts, ...] = ()
    front: tuple[PointFacts, ...] = ()
    study: str = ""
    state: Literal["finished", "stopped"] = "finished"

    def to_json(self) -> dict[str, Any]:
        """Return all fields as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ReportFacts:
        """Return the facts that ``to_json`` wrote, also after a trip through JSON text."""
        values = dict(data)
        for name, kind in _ONE.items():
            if values.get(name) is not None:
                values[name] = _read(kind, values[name])
        for name, kind in _MANY.items():
            values[name] = tuple(_read(kind, item) for item in values.get(name, ()))
        values["findings"] = tuple(Finding.from_json(dict(item)) for item in values.get("findings", ()))
        if values.get("calibration") is not None:
            bins = tuple(_read(CalibrationBin, b) for b in values["calibration"].bins)
            values["calibration"] = Calibration(of=values["calibration"].of, bins=bins)
        return _read(cls, values)


_ONE: dict[str, type[Any]] = {
    "asked": Asked, "score": ScoreFacts, "confusion": Confusion, "residuals": Residuals, "calibration": Calibration,
    "roc": Roc, "cost": CostFacts, "parity": ParityFacts,
}  # fmt: skip
_MANY: dict[str, type[Any]] = {
    "columns": ColumnFacts, "baselines": Baseline, "importance": ImportanceFacts, "leaderboard": TrialFacts,
    "slices": SliceFacts, "timing": StageFacts, "front": PointFacts,
}  # fmt: skip

Record = TypeVar("Record")


def _read(kind: type[Record], data: Mapping[str, Any]) -> Record:
    known = {f.name for f in fields(kind)}  # type: ignore[arg-type]  # a dataclass by construction
    return kind(**{k: _tuples(v) for k, v in data.items() if k in known})


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list | tuple) else value
