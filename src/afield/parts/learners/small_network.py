"""A network of a few hundred numbers: for microcontrollers, as a student of larger models, and where torch is not.

It takes dense features near 1, as encoders for linear models give them; what scale they have left is folded into the
first layer. ``fit_soft`` learns from a teacher's probabilities.
"""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.data.answer import Answer
from afield.graph.builder import Builder, Value
from afield.parts.learners.folds import mean_probabilities, total
from afield.parts.learners.small_adam import Course, Floats, Layers, Rows, fit_layers, forward, start
from afield.parts.learners.standardise import Scale
from afield.parts.protocol import Feature, FitContext, FittedLearner, Setting, Settings, State
from afield.parts.settings import settle
from afield.problem.problem import Task

_RAREST = 1e-4  # an absent class starts with this probability
_FEWEST_BATCHES, _SMALLEST_BATCH = 12, 8
_REFERENCE_ROWS = 65_536


@dataclasses.dataclass(frozen=True)
class FittedSmallNetwork:
    """``weights``: float32 [before, after] of each layer, ``biases``: float64 [after]. Missing values count as 0.

    The scores that come out are logits (one for two classes), or predictions in the target's own unit.
    """

    task: Task
    classes: int
    rounds: int
    activation: str
    weights: tuple[NDArray[np.float32], ...]
    biases: tuple[NDArray[np.float64], ...]

    def reference(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return scikit-learn's forward pass: probabilities float64 [n, K], or predictions float64 [n, 1]."""
        from scipy.special import expit, softmax

        chunks = [features[i : i + _REFERENCE_ROWS] for i in range(0, max(1, len(features)), _REFERENCE_ROWS)]
        scores = np.concatenate([self._scores(chunk) for chunk in chunks])
        if self.task == "regression":
            return scores
        return np.hstack([expit(-scores), expit(scores)]) if self.classes == 2 else np.asarray(softmax(scores, axis=1))

    def _scores(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        from sklearn.neural_network import MLPRegressor

        if not len(features):
            return np.zeros((0, len(self.biases[-1])))
        model = MLPRegressor(activation=self.activation)
        model.coefs_, model.intercepts_ = [w.astype(np.float64) for w in self.weights], list(self.biases)
        model.n_layers_, model.out_activation_ = len(self.weights) + 1, "identity"
        model.n_features_in_, model.n_outputs_ = features.shape[1], len(self.biases[-1])
        scores = model.predict(np.nan_to_num(np.asarray(features, np.float64), nan=0.0))
        return np.asarray(scores, dtype=np.float64).reshape(len(features), -1)

    def state(self) -> State:
        """Return weights, biases and what they lack."""
        facts = {"task": self.task, "classes": self.classes, "rounds": self.rounds, "activation": self.activation}
        return {
            "json": np.array(json.dumps(facts, sort_keys=True)),
            **{f"weights.{i}": w for i, w in enumerate(self.weights)},
            **{f"biases.{i}": b for i, b in enumerate(self.biases)},
        }


@dataclasses.dataclass(frozen=True)
class SmallNetwork:
    """The part."""

    name: str = "small_network"
    tasks: frozenset[str] = frozenset({"binary", "multiclass", "regression"})
    space: Mapping[str, Setting] = dataclasses.field(
        default_factory=lambda: {
            "width": Setting(kind="integer", default=32, low=2, high=256, log=True),
            "depth": Setting(kind="integer", default=2, low=1, high=2),
            "activation": Setting(kind="choice", default="relu", choices=("relu", "tanh")),
            "learning_rate": Setting(kind="number", default=0.01, low=1e-4, high=0.1, log=True),
            "weight_decay": Setting(kind="number", default=0.3, low=0.0, high=10.0),
            "epochs": Setting(kind="integer", default=200, low=1, high=5000, log=True),
            "steps": Setting(kind="integer", default=6000, low=1, high=1_000_000, log=True),
            "batch_size": Setting(kind="integer", default=128, low=8, high=8192, log=True),
            "patience": Setting(kind="integer", default=25, low=1, high=1000, log=True),
        }
    )

    def fit(
        self,
        features: NDArray[np.float32],
        forms: Sequence[Feature],
        target: Answer,
        context: FitContext,
        settings: Settings,
    ) -> FittedSmallNetwork:
        """Learn for ``steps`` batches or ``epochs``, whichever is less, and keep the best epoch; a round is an epoch.

        Raises
        ------
        ProblemError
            ``parts.settings``.
        """
        return _fit(features, _wanted(target), target.task, target.classes, context, settle(self.space, settings))

    def restore(self, state: State) -> FittedSmallNetwork:
        """Return the fitted learner that gave this state."""
        facts, layers = json.loads(str(state["json"])), range(sum(k.startswith("weights.") for k in state))
        weights, biases = (tuple(state[f"{kind}.{i}"] for i in layers) for kind in ("weights", "biases"))
        return FittedSmallNetwork(**facts, weights=weights, biases=biases)

    def lower(
        self, builder: Builder, features: Value, fitted: Sequence[FittedLearner], task: Task, classes: int
    ) -> Value:
        """Add a chain of matrix products for each fold, in float64, and the mean of their answers.

        float32 [N, F] to float64 [N, K] or [N, 1].
        """
        folds = [f for f in fitted if isinstance(f, FittedSmallNetwork)]
        missing = builder.op("IsNaN", features, dtype="bool")
        plain = builder.op("Where", missing, builder.constant(np.float32(0.0)), features, dtype="float32")
        wide = builder.cast(plain, "float64")
        scores = [_chain(builder, wide, f, 1.0 / len(folds) if task == "regression" else 1.0) for f in folds]
        if task == "regression":
            return total(builder, scores, 0.0) if len(scores) > 1 else scores[0]
        return mean_probabilities(builder, scores, classes, len(folds))


def fit_soft(
    features: NDArray[np.float32],
    forms: Sequence[Feature],
    soft: NDArray[np.float64],
    context: FitContext,
    settings: Settings,
) -> FittedSmallNetwork:
    """Fit a student to a teacher's answers instead of the truth.

    Parameters
    ----------
    features : float32 [N, F]
    soft : float64 [N, K] or [N, 1]
        The teacher's probabilities of K >= 2 classes, or its predictions of a number.
    context : FitContext
        ``validation`` holds true answers: the epoch that is best on them is kept.
    settings : mapping
        Of the space of ``small_network``.

    Raises
    ------
    ProblemError
        ``parts.settings``.
    """
    outputs = soft.shape[1]
    task: Task = "regression" if outputs == 1 else "binary" if outputs == 2 else "multiclass"
    wanted = soft[:, 1:] if outputs == 2 else soft
    classes = 0 if outputs == 1 else outputs
    return _fit(features, np.asarray(wanted, np.float64), task, classes, context, settle(part.space, settings))


def _wanted(target: Answer) -> NDArray[np.float64]:
    """Return what the scores stand for, [N, outputs]: values, the second class, or all classes."""
    if target.task == "multiclass":
        return np.eye(target.classes)[target.values]
    return np.asarray(target.values, dtype=np.float64)[:, None]


def _fit(
    features: NDArray[np.float32], wanted: NDArray[np.float64], task: Task, classes: int, context: FitContext,
    chosen: Mapping[str, Any],
) -> FittedSmallNetwork:  # fmt: skip
    from threadpoolctl import threadpool_limits

    begin = time.monotonic()
    matrix = np.nan_to_num(features.astype(np.float64), nan=0.0)
    weights = np.ones(len(matrix)) if context.weights is None else context.weights / context.weights.mean()
    centre = matrix.mean(axis=0)
    spread = np.sqrt(((matrix - centre) ** 2).mean(axis=0))
    inverse = np.where(spread > 1e-6 * np.abs(centre), 1.0 / np.where(spread > 0.0, spread, 1.0), 0.0)
    scale, bias = Scale(), np.zeros(1)
    if task == "regression":
        scale = Scale.of(Answer(task=task, values=wanted[:, 0]), context.weights)
        wanted = scale.forth(wanted)
    else:
        shares = np.clip(np.average(wanted, axis=0, weights=weights), _RAREST, 1.0 - _RAREST)
        bias = np.log(shares) - (np.log1p(-shares) if task == "binary" else 0.0)

    def scaled(rows: NDArray[np.float64]) -> Floats:
        return ((rows - centre) * inverse).astype(np.float32)

    draw = np.random.default_rng(context.seed)
    rows = Rows(scaled(matrix), wanted.astype(np.float32), weights.astype(np.float32)[:, None])
    slope, loss = _losses(task, context.pinball_level)
    held: Callable[[Layers], float] | None = None
    if context.validation is not None and context.rounds is None:
        apart, answer, apart_weights = context.validation
        inputs = scaled(np.nan_to_num(apart.astype(np.float64), nan=0.0))
        truth = scale.forth(_wanted(answer)).astype(np.float32)

        def held(layers: Layers) -> float:
            each = loss(forward(layers, inputs, chosen["activation"])[-1], truth)
            return float(np.average(each, weights=apart_weights))

    def over() -> bool:
        late = context.time_limit_s is not None and time.monotonic() - begin >= context.time_limit_s
        return late or context.cancelled()

    course = _course(len(matrix), chosen, context)
    sizes = [matrix.shape[1], *[chosen["width"]] * chosen["depth"], wanted.shape[1]]
    with threadpool_limits(context.threads):  # sums in the matrix product depend on the number of threads
        layers, rounds = fit_layers(start(sizes, bias, draw), rows, slope, held, course, draw, over)
    # what brings features and target to one size becomes part of the first and the last layer
    matrices = [w.astype(np.float64) for w in layers[::2]]
    biases = [b.astype(np.float64) for b in layers[1::2]]
    matrices[-1], biases[-1] = matrices[-1] * scale.spread, scale.back(biases[-1])
    matrices[0] = matrices[0] * inverse[:, None]
    kept = tuple(m.astype(np.float32) for m in matrices)
    biases[0] = biases[0] - centre @ kept[0].astype(np.float64)
    return FittedSmallNetwork(task, classes, rounds, chosen["activation"], kept, tuple(biases))


def _course(rows: int, chosen: Mapping[str, Any], context: FitContext) -> Course:
    batch = min(chosen["batch_size"], max(_SMALLEST_BATCH, rows // _FEWEST_BATCHES))
    epochs = max(1, min(chosen["epochs"], math.ceil(chosen["steps"] / max(1, rows // batch))))
    stop = epochs if context.rounds is None else max(1, context.rounds)
    return Course(
        batch=batch, epochs=max(epochs, stop), stop=stop, patience=chosen["patience"],
        learning_rate=chosen["learning_rate"], weight_decay=chosen["weight_decay"], activation=chosen["activation"],
    )  # fmt: skip


def _losses(
    task: Task, level: float | None
) -> tuple[Callable[[Floats, Floats], Floats], Callable[[Floats, Floats], Floats]]:
    """Return the derivative of the loss by the scores [N, outputs], and the loss of each row [N]."""
    from scipy.special import expit, log_softmax, softmax

    if task == "binary":
        return (lambda s, t: expit(s) - t), (lambda s, t: (np.logaddexp(0.0, s) - t * s)[:, 0])
    if task == "multiclass":
        return (lambda s, t: softmax(s, axis=1) - t), (lambda s, t: -(t * log_softmax(s, axis=1)).sum(axis=1))
    if level is None:
        return (lambda s, t: s - t), (lambda s, t: ((s - t) ** 2)[:, 0])
    up, down = np.float32(-level), np.float32(1.0 - level)
    return (lambda s, t: np.where(t > s, up, down)), (lambda s, t: np.maximum(up * (s - t), down * (s - t))[:, 0])


def _chain(builder: Builder, value: Value, fitted: FittedSmallNetwork, share: float) -> Value:
    """Return the scores float64 [N, outputs]; ``share`` of them."""
    for i, (weights, bias) in enumerate(zip(fitted.weights, fitted.biases, strict=True)):
        value = builder.op("MatMul", value, builder.cast(builder.constant(weights), "float64"))
        value = builder.op("Add", value, builder.constant(bias))
        if i < len(fitted.weights) - 1:
            value = builder.op("Tanh" if fitted.activation == "tanh" else "Relu", value)
    return value if share == 1.0 else builder.op("Mul", value, builder.constant(np.float64(share)))


part = SmallNetwork()
