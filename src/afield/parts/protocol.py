"""What a part is. Frozen from day one: everything that fits, whoever wrote it, speaks this.

State instead of pickles: a fitted part gives its state as arrays and JSON, is stored as ``.npz`` and comes back
through ``restore``. So a killed study loses nothing, and nothing unsafe is ever loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from afield.data.answer import Answer
    from afield.data.table import Table
    from afield.graph.builder import Builder, Value
    from afield.problem.problem import Task
    from afield.problem.schema import ColumnSpec

Settings = Mapping[str, Any]  # JSON values only
State = dict[str, NDArray[Any]]  # arrays and, under "json", a 0-d str array with a JSON object; never object dtype
Form = Literal["dense", "codes", "embedding"]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One knob of a part: its default and what it may be.

    ``kind`` is "integer", "number", "choice" or "boolean"; ``low`` and ``high`` bound numbers (``log`` draws them
    on a logarithmic scale), ``choices`` lists JSON values.
    """

    kind: Literal["integer", "number", "choice", "boolean"]
    default: Any
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    choices: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Whole:
    """All rows that a fit's rows were taken from: what does not look at the target can be done once for all folds.

    Parameters
    ----------
    key : str
        Equal for equal features, in this process.
    features : callable
        Returns float32 [all rows, F].
    rows, valid : int64
        The fit's rows and its validation rows, ascending positions in ``features``.
    """

    key: str
    features: Callable[[], NDArray[np.float32]]
    rows: NDArray[np.int64]
    valid: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class FitContext:
    """Everything about a fit that is not data.

    Parameters
    ----------
    seed : int
    threads : int
        Threads that this fit may use; fixed, so that results do not depend on the machine's load.
    weights : float64 [N] or None
        Row weights.
    groups : int64 [N] or None
        Group of each row.
    forward : bool
        The rows are in windows of time, and each is to know of earlier ones alone.
    folds : int64 [N] or None
        The fold that each row belongs to, for parts that cross-fit inside; -1: never held out.
    validation : tuple of (features, Answer, weights) or None
        Rows to stop early on; learners only.
    rounds : int or None
        Fixed number of boosting rounds, epochs, ... instead of early stopping; learners that have such.
    objective : str
        What the fit is to make small: ``log_loss`` for classes; ``squared_error``, ``absolute_error`` or
        ``pinball:<q>`` (``pinball_level`` reads q) for a regression. A learner that cannot may do what comes near.
        Empty: ``log_loss`` or ``squared_error``.
    time_limit_s : float or None
        Stop by then with what there is. None under ``--effort``: then time decides nothing.
    cancelled : callable
        Returns True when the work is to stop.
    like : FittedEncoder or None
        Encoders with ``uses_target`` only, in a fit without a fold: the one that was fitted on all rows. What it chose
        (columns, pairs) is kept, so that every fold has the same features; what it learnt from targets is learnt anew.
    whole : Whole or None
        Learners only: where the rows come from, when they come from the study's features as they are.
    """

    seed: int = 0
    threads: int = 1
    weights: NDArray[np.float64] | None = None
    groups: NDArray[np.int64] | None = None
    forward: bool = False
    folds: NDArray[np.int64] | None = None
    validation: tuple[NDArray[np.float32], Answer, NDArray[np.float64] | None] | None = None
    rounds: int | None = None
    objective: str = ""
    time_limit_s: float | None = None
    cancelled: Callable[[], bool] = field(default=lambda: False)
    like: FittedEncoder | None = None
    whole: Whole | None = None

    @property
    def pinball_level(self) -> float | None:
        """The quantile that the objective asks for: 0.5 for the absolute error, None for means and classes."""
        kind, _, level = self.objective.partition(":")
        return float(level) if kind == "pinball" else 0.5 if kind == "absolute_error" else None


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One column of a feature matrix.

    Parameters
    ----------
    name : str
        Readable, such as ``color=red`` or ``when.weekday``.
    column : str
        The one input column that it is computed from; "" where it is computed from several.
    form : {"dense", "codes", "embedding"}
        codes: whole numbers 0..levels-1 without order.
    levels : int
        For codes.
    identity : bool
        True when the feature is the column's number itself, so that a threshold on it is a threshold on the column.
    """

    name: str
    column: str
    form: Form = "dense"
    levels: int = 0
    identity: bool = False


@runtime_checkable
class FittedEncoder(Protocol):
    """An encoder after fit. Its only forward path is ``lower``."""

    @property
    def features(self) -> Sequence[Feature]:
        """The columns of the output matrix, in order."""
        ...

    def lower(self, builder: Builder, inputs: Mapping[str, Value]) -> Value:
        """Add nodes that turn inputs (column name to value of shape [N]) into float32 [N, len(features)]."""
        ...

    def state(self) -> State:
        """Return everything that ``Encoder.restore`` needs."""
        ...


@runtime_checkable
class Encoder(Protocol):
    """Columns of one kind, or of several, to features.

    ``kinds`` holds what it may be given: ``number``, or sorted and joined by a plus ``category+number`` for columns of
    both kinds at once. ``uses_target`` is True when values are learnt from targets; an encoder that looks at them only
    to choose among columns may say False, and is then fitted once.
    """

    name: str
    kinds: frozenset[str]
    uses_target: bool
    space: Mapping[str, Setting]

    def fit(
        self, table: Table, specs: Sequence[ColumnSpec], target: Answer, context: FitContext, settings: Settings
    ) -> FittedEncoder:
        """Fit on all rows of ``table``; ``specs`` names the columns to encode, together of one entry of ``kinds``.

        An encoder with ``uses_target`` is fitted once for each fold, without it, by the caller.
        """
        ...

    def restore(self, state: State) -> FittedEncoder:
        """Return the fitted encoder that gave this state."""
        ...


@runtime_checkable
class FittedLearner(Protocol):
    """A learner after fit.

    One whose library has answered the rows of ``context.validation`` while it fitted may give those answers as
    ``held_answers``, in the form of ``reference``: they need not be computed again.
    """

    def reference(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the training library's own answer: probabilities [n, K] (K >= 2), or predictions [n, 1]."""
        ...

    def state(self) -> State:
        """Return everything that ``Learner.restore`` needs."""
        ...

    @property
    def rounds(self) -> int:
        """Rounds that were kept; 0 where there is no such thing."""
        ...


@runtime_checkable
class Learner(Protocol):
    """Features to answer."""

    name: str
    tasks: frozenset[str]
    space: Mapping[str, Setting]

    def fit(
        self,
        features: NDArray[np.float32],
        forms: Sequence[Feature],
        target: Answer,
        context: FitContext,
        settings: Settings,
    ) -> FittedLearner:
        """Fit on float32 [N, F]."""
        ...

    def restore(self, state: State) -> FittedLearner:
        """Return the fitted learner that gave this state."""
        ...

    def lower(
        self, builder: Builder, features: Value, fitted: Sequence[FittedLearner], task: Task, classes: int
    ) -> Value:
        """Add nodes for the plain mean of the fitted learners' answers.

        They are the folds of one recipe, merged where that is possible: float32 [N, F] to float64 [N, K]
        probabilities, or float64 [N, 1] predictions.
        """
        ...
