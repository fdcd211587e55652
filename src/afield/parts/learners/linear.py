"""Logistic and ridge regression by scikit-learn: small, fast, hard to beat on few rows or plain relations."""

from __future__ import annotations

import dataclasses
import json
import time
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.data.answer import Answer
from afield.graph.builder import Builder, Value
from afield.parts.learners.folds import mean_probabilities
from afield.parts.learners.quantile import fit_quantile
from afield.parts.learners.standardise import Scale
from afield.parts.protocol import Feature, FitContext, FittedLearner, Setting, Settings, State
from afield.parts.settings import settle
from afield.problem.problem import Task

_MAX_CELLS = 40_000_000  # of the float64 copy that is fitted: 320 MB
#: classes: below this share of cells that are not 0 the copy holds these alone, which takes a half to a quarter of the
#: time for the same coefficients; few cells are not worth the change
_SPARSE_SHARE, _SPARSE_CELLS = 0.25, 1_000_000
_STEP = 100  # iterations between two looks at the clock
_REFERENCE_ROWS = 65_536
_NEVER = -1e300  # the score of a class that the rows lacked: its probability is exactly 0


@dataclasses.dataclass(frozen=True)
class FittedLinear:
    """Coefficients in float64.

    ``weights`` is [outputs, F] and ``bias`` [outputs], one output for two present classes or a regression, as
    scikit-learn has them. Missing values count as 0.
    """

    task: Task
    classes: int
    present: tuple[int, ...]
    scale: Scale
    converged: bool
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]

    @property
    def rounds(self) -> int:
        """0: there are no rounds."""
        return 0

    def reference(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return scikit-learn's answer: probabilities float64 [n, K], or predictions float64 [n, 1].

        A single present class has probability 1, which scikit-learn itself refuses to learn.
        """
        chunks = [features[i : i + _REFERENCE_ROWS] for i in range(0, max(1, len(features)), _REFERENCE_ROWS)]
        return np.concatenate([self._answer(np.nan_to_num(np.asarray(c, np.float64), nan=0.0)) for c in chunks])

    def _answer(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        from sklearn.linear_model import LogisticRegression, Ridge

        model = Ridge() if self.task == "regression" else LogisticRegression()
        model.n_features_in_ = features.shape[1]
        if self.task == "regression":
            model.coef_, model.intercept_ = self.weights[0], float(self.bias[0])
            return self.scale.back(np.asarray(model.predict(features), dtype=np.float64))[:, None]
        answer = np.zeros((len(features), self.classes))
        if len(self.present) == 1:
            answer[:, self.present[0]] = 1.0
            return answer
        model.classes_, model.coef_, model.intercept_ = np.array(self.present), self.weights, self.bias
        answer[:, list(self.present)] = model.predict_proba(features)
        return answer

    def state(self) -> State:
        """Return the coefficients and what they lack."""
        facts = {
            "task": self.task, "classes": self.classes, "present": list(self.present),
            "scale": self.scale.to_json(), "converged": self.converged,
        }  # fmt: skip
        return {"json": np.array(json.dumps(facts, sort_keys=True)), "weights": self.weights, "bias": self.bias}

    def scores(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return coefficients [F, outputs] and bias [outputs] whose Sigmoid or Softmax over all classes is the answer.

        For a regression they give the answer itself.
        """
        if self.task == "regression":
            return self.weights.T * self.scale.spread, self.scale.back(self.bias)
        width = self.weights.shape[1]
        if self.classes == 2:
            if len(self.present) == 2:
                return self.weights.T, self.bias
            return np.zeros((width, 1)), np.array([-_NEVER if self.present[0] == 1 else _NEVER])
        weights, bias = np.zeros((width, self.classes)), np.full(self.classes, _NEVER)
        places = list(self.present)
        bias[places] = 0.0
        if len(places) == 2:  # scikit-learn's two-class form: the first class scores 0
            places = places[1:]
        if len(self.present) > 1:
            weights[:, places], bias[places] = self.weights.T, self.bias
        return weights, bias


@dataclasses.dataclass(frozen=True)
class Linear:
    """The part."""

    name: str = "linear"
    tasks: frozenset[str] = frozenset({"binary", "multiclass", "regression"})
    space: Mapping[str, Setting] = dataclasses.field(
        default_factory=lambda: {
            "C": Setting(kind="number", default=1.0, low=1e-5, high=1e5, log=True),
            "alpha": Setting(kind="number", default=1.0, low=1e-5, high=1e6, log=True),
            "max_iterations": Setting(kind="integer", default=1000, low=10, high=100_000, log=True),
            "max_rows": Setting(kind="integer", default=200_000, low=100, high=10_000_000, log=True),
        }
    )

    def fit(
        self,
        features: NDArray[np.float32],
        forms: Sequence[Feature],
        target: Answer,
        context: FitContext,
        settings: Settings,
    ) -> FittedLinear:
        """Fit on at most ``max_rows`` rows, drawn by the seed; ``C`` serves classes, ``alpha`` numbers.

        Stops between iterations when the time is up or the work is cancelled.

        Raises
        ------
        ProblemError
            ``parts.settings``.
        """
        from threadpoolctl import threadpool_limits

        begin = time.monotonic()
        chosen = settle(self.space, settings)
        rows = len(target.values)
        most = min(chosen["max_rows"], max(1000, _MAX_CELLS // max(1, features.shape[1])))
        weights = context.weights
        if rows > most:
            kept = np.sort(np.random.default_rng(context.seed).choice(rows, most, replace=False))
            features, target = features[kept], target.take(kept)
            weights = None if weights is None else weights[kept]
        matrix = _matrix(features, sparse_pays=target.task != "regression")
        with threadpool_limits(context.threads):  # sums in the matrix product depend on the number of threads
            if target.task == "regression":
                return _fit_ridge(matrix, target, weights, chosen, context.pinball_level)
            return _fit_logistic(matrix, target, weights, chosen, begin, context)

    def restore(self, state: State) -> FittedLinear:
        """Return the fitted learner that gave this state."""
        facts = json.loads(str(state["json"]))
        facts |= {"scale": Scale(**facts["scale"]), "present": tuple(facts["present"])}
        return FittedLinear(weights=state["weights"], bias=state["bias"], **facts)

    def lower(
        self, builder: Builder, features: Value, fitted: Sequence[FittedLearner], task: Task, classes: int
    ) -> Value:
        """Add one matrix product for all folds, in float64.

        float32 [N, F] to float64 [N, K] or [N, 1].
        """
        folds = [f.scores() for f in fitted if isinstance(f, FittedLinear)]
        missing = builder.op("IsNaN", features, dtype="bool")
        plain = builder.op("Where", missing, builder.constant(np.float32(0.0)), features, dtype="float32")
        wide = builder.cast(plain, "float64")
        if task == "regression":
            weights, bias = np.mean([w for w, _ in folds], axis=0), np.mean([b for _, b in folds], axis=0)
        else:
            weights, bias = np.concatenate([w for w, _ in folds], axis=1), np.concatenate([b for _, b in folds])
        product = builder.op("MatMul", wide, builder.constant(np.ascontiguousarray(weights)))
        raw = builder.op("Add", product, builder.constant(bias))
        return raw if task == "regression" else mean_probabilities(builder, [raw], classes, len(folds))


def _matrix(features: NDArray[np.float32], *, sparse_pays: bool) -> Any:
    """Return the features in float64, missing values 0: an array, or a sparse matrix where most cells are 0."""
    plain = np.nan_to_num(np.asarray(features, dtype=np.float32), nan=0.0)
    if sparse_pays and plain.size >= _SPARSE_CELLS and np.count_nonzero(plain) < _SPARSE_SHARE * plain.size:
        from scipy.sparse import csr_matrix

        return csr_matrix(plain, dtype=np.float64)
    return plain.astype(np.float64)


def _fit_ridge(
    matrix: NDArray[np.float64], target: Answer, weights: NDArray[np.float64] | None, chosen: Mapping[str, Any],
    level: float | None,
) -> FittedLinear:  # fmt: skip
    """Fit the mean, or a quantile that starts from it."""
    from scipy.linalg import LinAlgWarning
    from sklearn.linear_model import Ridge

    scale = Scale.of(target, weights)
    values = scale.forth(target.values)
    with warnings.catch_warnings():
        warnings.simplefilter("error", LinAlgWarning)
        try:
            model = Ridge(alpha=chosen["alpha"]).fit(matrix, values, sample_weight=weights)
        except LinAlgWarning:  # columns that repeat each other, and next to no penalty
            model = Ridge(alpha=chosen["alpha"], solver="svd").fit(matrix, values, sample_weight=weights)
    slopes, bias = np.asarray(model.coef_, dtype=np.float64).reshape(-1), float(model.intercept_)
    if level is not None:
        slopes, bias = fit_quantile(matrix, values, weights, level, chosen["alpha"], slopes, bias)
    return FittedLinear(
        task="regression", classes=0, present=(), scale=scale, converged=True,
        weights=slopes.reshape(1, -1), bias=np.array([bias], dtype=np.float64),
    )  # fmt: skip


def _fit_logistic(
    matrix: Any, target: Answer, weights: NDArray[np.float64] | None, chosen: Mapping[str, Any],
    begin: float, context: FitContext,
) -> FittedLinear:  # fmt: skip
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    present = tuple(int(c) for c in np.unique(target.values))
    facts: dict[str, Any] = {"task": target.task, "classes": target.classes, "present": present, "scale": Scale()}
    if len(present) == 1:
        nothing = np.zeros((1, matrix.shape[1]))
        return FittedLinear(**facts, converged=True, weights=nothing, bias=np.zeros(1))
    model = LogisticRegression(C=chosen["C"], warm_start=True, max_iter=_STEP)
    left, converged = chosen["max_iterations"], False
    while left > 0 and not converged:
        model.set_params(max_iter=min(_STEP, left))
        left -= _STEP
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # recorded as a fact instead
            model.fit(matrix, target.values, sample_weight=weights)
        converged = int(np.max(model.n_iter_)) < model.max_iter
        late = context.time_limit_s is not None and time.monotonic() - begin >= context.time_limit_s
        if late or context.cancelled():
            break
    return FittedLinear(
        **facts, converged=converged,
        weights=np.asarray(model.coef_, dtype=np.float64), bias=np.asarray(model.intercept_, dtype=np.float64),
    )  # fmt: skip


part = Linear()
