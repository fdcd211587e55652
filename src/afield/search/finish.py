"""What happens after the blend: calibration of the answers, then the label. Settled on out-of-fold answers."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from afield.data.metrics import Metric
from afield.graph.builder import Builder, Value
from afield.model.calibration import Calibration
from afield.model.decision import Decision
from afield.problem.schema import TargetSpec
from afield.search.calibration import Judged, fit_calibration, lower_calibration
from afield.search.decision import choose_decision


@dataclass(frozen=True)
class Finish:
    """How the blend becomes the answer; ``decision`` counts for classes only."""

    calibration: Calibration = field(default_factory=Calibration)
    decision: Decision = field(default_factory=Decision)


def settle(judged: Judged, metric: Metric, target: TargetSpec, costs: NDArray[np.float64] | None = None) -> Finish:
    """Return the finish for a blend, by its out-of-fold answers; where nothing gains, the one that does nothing."""
    calibration = fit_calibration(judged, metric)
    if target.task == "regression":
        return Finish(calibration)
    answers = calibration(judged.answers)
    judged = Judged(judged.truth, answers, judged.weights, judged.fold, judged.groups)
    return Finish(calibration, choose_decision(judged, metric, target.classes, costs))


def lower_finish(builder: Builder, blend: Value, finish: Finish, target: TargetSpec) -> None:
    """Add calibration, rule and outputs (``label``, ``probabilities``; ``prediction``) to float64 [N, K] or [N, 1].

    The label follows from the probabilities as they are given out, so that the two cannot disagree.
    """
    answers = lower_calibration(builder, blend, finish.calibration)
    if target.task == "regression":
        builder.output(builder.reshape(answers, [-1]), "prediction", ["N"])
        return
    probabilities = builder.cast(answers, "float32")
    scores, rule = probabilities, finish.decision
    weights = rule.diagonal(target.classes)
    if rule.rule == "costs":
        scores = builder.op(
            "MatMul", builder.cast(probabilities, "float64"), builder.constant(rule.matrix(target.classes))
        )
    elif weights is not None:
        scores = builder.op("Mul", builder.cast(probabilities, "float64"), builder.constant(weights))
    best = builder.op("ArgMax", scores, dtype="int64", axis=1, keepdims=0)
    label = builder.gather(builder.constant(np.asarray(target.classes, dtype=object)), best, axis=0)
    builder.output(label, "label", ["N"])
    builder.output(probabilities, "probabilities", ["N", len(target.classes)])
