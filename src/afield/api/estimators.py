"""afield as scikit-learn estimators: the same search, in pipelines and cross-validation."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from afield.api.fit import fit
from afield.problem.problem import Effort, Problem, Task

#: name of the target's column in the table that is made of X and y
TARGET = "y (target)"


class _AfieldEstimator(BaseEstimator):
    """What both estimators share: parameters, and X as columns."""

    def __init__(
        self,
        *,
        effort: Effort = "quick",
        minutes: float | None = None,
        metric: str | None = None,
        n_jobs: int | None = None,
        random_state: int = 0,
    ) -> None:
        self.effort = effort
        self.minutes = minutes
        self.metric = metric
        self.n_jobs = n_jobs
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _columns(self, X: Any, *, reset: bool) -> dict[str, Any]:
        """Return column name to values; a frame keeps its own names and kinds, an array is all numbers."""
        if hasattr(X, "columns") and not isinstance(X, np.ndarray):
            validate_data(self, X, skip_check_array=True, reset=reset)
            names = [str(n) for n in X.columns]
            return {n: X[c] for n, c in zip(names, X.columns, strict=True)}
        array = validate_data(
            self, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan", ensure_min_samples=2 if reset else 1
        )
        return {f"x{i}": array[:, i] for i in range(array.shape[1])}

    def _fit(self, columns: dict[str, Any], target: NDArray[Any], task: Task, kinds: dict[str, str]) -> Self:
        problem = Problem(
            target=TARGET,
            task=task,
            kinds=kinds,
            effort=self.effort,
            minutes=self.minutes,
            metric=self.metric,
            jobs=0 if self.n_jobs is None else max(0, self.n_jobs),
            seed=int(self.random_state or 0),
        )
        with tempfile.TemporaryDirectory(prefix="afield-") as folder:
            result = fit(problem, frame={**columns, TARGET: target}, root=Path(folder))
        self.model_ = result.model
        return self

    def _kinds(self, X: Any, columns: dict[str, Any]) -> dict[str, str]:
        """Return kinds for arrays, whose numbers are numbers even where they look like ids."""
        return {} if hasattr(X, "columns") else dict.fromkeys(columns, "number")


class AfieldClassifier(ClassifierMixin, _AfieldEstimator):
    """Classifier that searches for a good model and holds it as one ONNX file.

    Parameters
    ----------
    effort : {"quick", "standard", "thorough"}
    minutes : float or None
        Wall time instead of effort; then results are not reproducible.
    metric : str or None
        What the score reports; None: ``roc_auc`` for two classes, ``log_loss`` for more.
    n_jobs : int or None
        Worker processes; None: one a processor.
    random_state : int

    Attributes
    ----------
    model_ : afield.Model
        ``model_.save("model.onnx")`` writes the file.
    classes_ : ndarray [K]
    n_features_in_ : int

    Examples
    --------
    >>> from afield import AfieldClassifier
    >>> classifier = AfieldClassifier().fit(X, y)  # doctest: +SKIP
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Search for a model of ``y`` (shape [N]) from ``X`` (array [N, F] of numbers, or a frame)."""
        columns = self._columns(X, reset=True)
        labels = _target(self, y, len(next(iter(columns.values()))))
        check_classification_targets(labels)
        self.classes_, index = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class only ({self.classes_[0]!r}): there is nothing to learn")
        task: Task = "binary" if len(self.classes_) == 2 else "multiclass"
        texts = np.array([f"class {i}" for i in range(len(self.classes_))], dtype=object)
        return self._fit(columns, texts[index], task, self._kinds(X, columns))

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the label of each row, [N]."""
        check_is_fitted(self)
        labels = self.model_.predict(self._columns(X, reset=False))
        return np.asarray(self.classes_[[int(str(label).removeprefix("class ")) for label in labels]])

    def predict_proba(self, X: Any) -> NDArray[np.float32]:
        """Return float32 [N, K], in the order of ``classes_``."""
        check_is_fitted(self)
        probabilities = self.model_.predict_proba(self._columns(X, reset=False))
        order = [self.model_.classes.index(f"class {i}") for i in range(len(self.classes_))]
        return np.asarray(probabilities[:, order])


class AfieldRegressor(RegressorMixin, _AfieldEstimator):
    """Regressor that searches for a good model and holds it as one ONNX file.

    Parameters
    ----------
    effort : {"quick", "standard", "thorough"}
    minutes : float or None
        Wall time instead of effort; then results are not reproducible.
    metric : str or None
        What the score reports; None: ``rmse``.
    n_jobs : int or None
        Worker processes; None: one a processor.
    random_state : int

    Attributes
    ----------
    model_ : afield.Model
        ``model_.save("model.onnx")`` writes the file.
    n_features_in_ : int

    Examples
    --------
    >>> from afield import AfieldRegressor
    >>> regressor = AfieldRegressor(effort="standard").fit(X, y)  # doctest: +SKIP
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Search for a model of ``y`` (shape [N]) from ``X`` (array [N, F] of numbers, or a frame)."""
        columns = self._columns(X, reset=True)
        values = _target(self, y, len(next(iter(columns.values()))), numeric=True)
        return self._fit(columns, values, "regression", self._kinds(X, columns))

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Return float64 [N]."""
        check_is_fitted(self)
        return np.asarray(self.model_.predict(self._columns(X, reset=False)), dtype=np.float64)


def _target(estimator: Any, y: Any, rows: int, *, numeric: bool = False) -> NDArray[Any]:
    """Return y as a checked vector of ``rows`` values.

    Raises
    ------
    ValueError
        As scikit-learn says it.
    """
    from sklearn.utils import check_array
    from sklearn.utils.validation import check_consistent_length

    if y is None:
        name = type(estimator).__name__
        raise ValueError(f"This {name} estimator requires y to be passed, but the target y is None.")
    vector = column_or_1d(y, warn=True)
    if numeric or vector.dtype.kind == "f":
        vector = check_array(vector, ensure_2d=False, dtype=np.float64, input_name="y")
    if len(vector) != rows:
        check_consistent_length(np.empty(rows), vector)
    return np.asarray(vector)
