"""The problem: what to predict, from which data, under which limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

Task = Literal["binary", "multiclass", "regression"]
Effort = Literal["quick", "standard", "thorough"]
TASKS: tuple[Task, ...] = ("binary", "multiclass", "regression")
EFFORTS: tuple[Effort, ...] = ("quick", "standard", "thorough")


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A question to data, as the user states it. Everything but ``target`` can be left to afield.

    Parameters
    ----------
    target : str
        The column to predict.
    data : str
        Path or URL of the table; empty when a frame was given.
    test : str
        Path or URL of rows kept apart by the user: their score replaces the estimated one.
    task : {"binary", "multiclass", "regression"} or None
        None: inferred from the target.
    metric : str or None
        A name of ``afield.data.metrics``, such as ``mae`` or ``pinball:0.9``; None: the task's default.
    costs : mapping of str to mapping of str to float
        For classes: true class to answered class to cost. Makes the metric the mean cost of a row.
    group, time, weight : str or None
        Columns with special roles; none of them is a feature.
    ignore : tuple of str
        Columns to leave out.
    kinds : mapping of str to str
        Column kinds that the user settles.
    decimal : {"", "point", "comma"}
        The decimal mark of numbers in text files; empty: inferred for each column.
    dates : mapping of str to str
        strptime format of a datetime column.
    positive : str or None
        The class of two that metrics such as F1 look for; None: the second in order, such as 1, true or yes.
    minutes : float or None
        Wall time from the start to a valid file; None: ``effort`` counts work instead.
    effort : {"quick", "standard", "thorough"}
    jobs : int
        Worker processes; 0: one a processor.
    memory_bytes : int
        Memory that workers may use together; 0: three quarters of the machine's.
    max_size_bytes : int or None
        The largest file; None: what is worth its bytes.
    max_latency_us : float or None
        The longest that one row may take in one thread, in microseconds by the table of operator costs.
    seed : int
    real_samples : bool
        Put real rows into the file's self-test instead of synthesised ones.
    """

    target: str
    data: str = ""
    test: str = ""
    task: Task | None = None
    metric: str | None = None
    costs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    group: str | None = None
    time: str | None = None
    weight: str | None = None
    ignore: tuple[str, ...] = ()
    kinds: Mapping[str, str] = field(default_factory=dict)
    decimal: Literal["", "point", "comma"] = ""
    dates: Mapping[str, str] = field(default_factory=dict)
    positive: str | None = None
    minutes: float | None = None
    effort: Effort = "quick"
    jobs: int = 0
    memory_bytes: int = 0
    max_size_bytes: int | None = None
    max_latency_us: float | None = None
    seed: int = 0
    real_samples: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return all fields as a JSON object."""
        return asdict(self) | {"ignore": list(self.ignore), "kinds": dict(self.kinds), "dates": dict(self.dates)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Problem:
        """Return the problem that ``to_json`` wrote; keys that are not fields raise TypeError."""
        return cls(**(dict(data) | {"ignore": tuple(data.get("ignore", ()))}))

    @classmethod
    def field_names(cls) -> list[str]:
        """Return the names of all fields, in order."""
        return [f.name for f in fields(cls)]
