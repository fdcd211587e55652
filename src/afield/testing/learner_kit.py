"""The conformance kit for learners: call ``check_learner(part)`` from a test of your own package.

Each case trains on a table made to be hard (missing values, codes, constants, few rows, a class that the rows lack)
and holds the lowered graph to the training library's own answers, on training rows and on rows made of the graph's
own thresholds.
"""

from __future__ import annotations

import dataclasses
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from afield.core.errors import ProblemError
from afield.core.registry import list_parts
from afield.data.answer import Answer
from afield.graph.builder import Builder
from afield.graph.thresholds import tree_thresholds
from afield.parts.protocol import Feature, FitContext, FittedLearner, Learner, Settings
from afield.parts.settings import settle

Features = NDArray[np.float32]
TOLERANCE = 1e-6  # of a probability, or of max(|prediction|, standard deviation of the target)
_LARGEST = np.float32(3.4e38)
_HOSTILE_ROWS = 4000


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """A training set with something hard in it; ``validation``: rows to stop early on."""

    name: str
    features: Features
    forms: tuple[Feature, ...]
    target: Answer
    weights: NDArray[np.float64] | None = None
    validation: tuple[Features, Answer, None] | None = None

    @property
    def spread(self) -> float:
        """The unit of the tolerance beside the answer's own size."""
        return float(np.std(self.target.values)) if self.target.task == "regression" else 1.0


def cases(tasks: Sequence[str]) -> tuple[Case, ...]:
    """Return the cases for these tasks."""
    made = []
    for task, classes, offset in (
        ("binary", 2, 0.0), ("multiclass", 3, 0.0), ("multiclass", 7, 0.0), ("regression", 0, 0.0),
        ("regression", 0, 5e5), ("regression", 0, -1e9),
    ):  # fmt: skip
        if task not in tasks:
            continue
        name = f"{task}-{classes or f'{offset:g}'}"
        made.append(_case(name, 400, task, classes, offset))
        if offset >= 0.0:
            made.append(_case(f"{name}-weights-validation", 200, task, classes, offset, weighted=True, validated=True))
        if offset == 0.0:
            made.append(_case(f"{name}-10-rows", 10, task, classes, offset))
            made.append(_case(f"{name}-one-feature", 120, task, classes, offset, columns=(0,)))
            made.append(_case(f"{name}-constant-features", 60, task, classes, offset, columns=(4, 4)))
            made.append(_case(f"{name}-clean", 200, task, classes, offset, columns=(2, 3)))
        if task == "multiclass":
            made.append(_case(f"{name}-absent-class", 200, task, classes, offset, absent=1))
            made.append(_case(f"{name}-last-class-absent", 200, task, classes, offset, absent=classes - 1))
        if task != "regression":
            made.append(_case(f"{name}-one-class", 60, task, classes, offset, absent=-1))
    return tuple(made)


def _case(
    name: str, rows: int, task: Any, classes: int, offset: float, *, columns: tuple[int, ...] = (0, 1, 2, 3, 4, 5),
    weighted: bool = False, validated: bool = False, absent: int | None = None,
) -> Case:  # fmt: skip
    draw, given = np.random.default_rng(7), rows
    rows += 100 if validated else 0
    x = draw.normal(size=(rows, 6)).astype(np.float32)
    x[draw.random(rows) < 0.2, 0] = np.nan
    x[:, 1] = draw.integers(0, 30, rows)  # codes
    x[:, 2] = np.round(x[:, 2], 1)  # few distinct values: thresholds between neighbours
    x[:, 3] *= 1e6
    x[:, 4] = 3.0
    x[:, 5] = draw.integers(0, 3, rows)
    forms = [Feature(name=f"f{i}", column=f"f{i}") for i in range(6)]
    forms[1] = dataclasses.replace(forms[1], form="codes", levels=40)
    forms[5] = dataclasses.replace(forms[5], form="codes", levels=3)
    signal = np.nan_to_num(x[:, 0]) + np.sin(x[:, 1]) + x[:, 2] + (x[:, 5] == 1) + 0.3 * draw.normal(size=rows)
    if task == "regression":
        target = Answer(task=task, values=offset + signal.astype(np.float64))
    else:
        order = np.argsort(np.argsort(signal)) * classes // rows
        if absent == -1:
            order[:] = classes - 1
        elif absent is not None:
            order[order == absent] = (absent + 1) % classes
        target = Answer(task=task, values=order.astype(np.int64), classes=classes)
    x = np.ascontiguousarray(x[:, list(columns)])
    trained, held = np.arange(given), np.arange(given, rows)
    return Case(
        name=name,
        features=x[:given],
        forms=tuple(dataclasses.replace(forms[c], name=f"f{i}") for i, c in enumerate(columns)),
        target=target.take(trained),
        weights=draw.random(given) + 0.1 if weighted else None,
        validation=(x[given:], target.take(held), None) if validated else None,
    )


def fit_case(part: Learner, case: Case, *, seed: int = 0, settings: Settings | None = None) -> FittedLearner:
    """Fit the part on the case, in one thread, in a few seconds at most."""
    rounds = 12 if case.validation is None else None
    context = FitContext(seed=seed, weights=case.weights, validation=case.validation, rounds=rounds)
    return part.fit(case.features, case.forms, case.target, context, settings or {})


def lower_model(part: Learner, case: Case, fitted: Sequence[FittedLearner]) -> onnx.ModelProto:
    """Return the fitted learners' mean as a model: ``features`` in, ``answer`` out."""
    builder, width = Builder(), case.features.shape[1]
    features = builder.input("features", "float32", ["N", width])
    answer = part.lower(builder, features, fitted, case.target.task, case.target.classes)
    if answer.dtype != "float64":
        raise AssertionError(f"{case.name}: lower gives {answer.dtype}, not float64")
    builder.output(answer, "answer", ["N", max(1, case.target.classes)])
    return builder.build("case")


def open_model(model: onnx.ModelProto, threads: int = 1) -> Callable[[Features], NDArray[np.float64]]:
    """Load the model; return a function that runs it on all given rows at once."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda features: np.asarray(session.run(["answer"], {"features": features})[0])


def hostile_rows(model: onnx.ModelProto, case: Case) -> Features:
    """Return rows on which an inexact lowering differs: each threshold of the graph and its two float neighbours.

    Besides: missing values, zeros of both signs, the largest floats, and for codes each category and unseen ones.
    Infinities are left out: encoders give none.
    """
    rows, width = case.features.shape
    draw = np.random.default_rng(11)
    by_feature = tree_thresholds(model).get("features", {})
    made = []
    for i, form in enumerate(case.forms):
        at = by_feature.get(i, np.zeros(0))
        if form.form == "codes":
            whole = np.unique(np.concatenate([np.floor(at), np.ceil(at), np.arange(form.levels + 3.0), [1e6, 1e9]]))
            values = whole.astype(np.float32)
        else:
            near = at.astype(np.float32)
            special = [np.nan, 0.0, -0.0, _LARGEST, -_LARGEST, np.float32(1e-40), np.float32(-1e-40)]
            with np.errstate(over="ignore"):  # a border may be the lowest float: only NaN is below it
                sides = [np.nextafter(near, np.float32(np.inf)), np.nextafter(near, -np.float32(np.inf))]
            values = np.concatenate([near, *sides, special]).astype(np.float32)
            values = values[~np.isinf(values)]
        block = case.features[draw.integers(0, rows, len(values))]
        block[:, i] = values
        made.append(block)
    together = np.concatenate(made)
    mixed = np.empty((len(together), width), dtype=np.float32)  # several hostile values in one row
    for i, block in enumerate(made):
        mixed[:, i] = block[draw.integers(0, len(block), len(together)), i]
    every = np.concatenate([together, mixed, np.full((1, width), np.nan, dtype=np.float32)])
    if len(every) > _HOSTILE_ROWS:
        every = every[np.sort(draw.choice(len(every), _HOSTILE_ROWS, replace=False))]
    return np.ascontiguousarray(every)


def difference(case: Case, got: NDArray[np.float64], wanted: NDArray[np.float64]) -> float:
    """Return the largest difference, in units in which the tolerance is stated."""
    if got.shape != wanted.shape:
        raise AssertionError(f"{case.name}: the graph gives {got.shape}, the library {wanted.shape}")
    if not (np.isfinite(wanted).all() and np.isfinite(got).all()):
        raise AssertionError(f"{case.name}: an answer is not finite")
    unit = np.maximum(np.abs(wanted), case.spread) if case.target.task == "regression" else 1.0
    return float(np.max(np.abs(got - wanted) / unit, initial=0.0))


def check_case(part: Learner, case: Case, *, settings: Settings | None = None) -> float:
    """Check state, probabilities and parity of one case; return the largest difference found.

    Raises
    ------
    AssertionError
        The learner breaks its contract.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = fit_case(part, case, settings=settings)
        again = fit_case(part, case, settings=settings)
    _check_state(part, case, fitted, again)
    folds = [fitted, *(fit_case(part, case, seed=s, settings=settings) for s in (1, 2))]
    worst = 0.0
    for group in ([fitted], folds):
        model = lower_model(part, case, group)
        run, run_threaded = open_model(model), open_model(model, threads=2)
        for rows in (case.features, hostile_rows(model, case)):
            wanted = np.mean([f.reference(rows) for f in group], axis=0)
            got = run(rows)
            worst = max(worst, difference(case, got, wanted))
            few = np.linspace(0, len(rows) - 1, 7).astype(np.int64)
            single = np.concatenate([run(rows[i : i + 1]) for i in few])
            if difference(case, single, got[few]) > TOLERANCE:
                raise AssertionError(f"{case.name}: one row at a time answers differently from all rows together")
            if difference(case, run_threaded(rows), got) > TOLERANCE:
                raise AssertionError(f"{case.name}: two threads answer differently from one")
            if case.target.task != "regression" and np.abs(got.sum(axis=1) - 1.0).max() > 1e-6:
                raise AssertionError(f"{case.name}: probabilities do not add up to 1")
    if worst > TOLERANCE:
        raise AssertionError(f"{case.name}: graph and library differ by {worst:.3g}, more than {TOLERANCE:g}")
    return worst


def _check_state(part: Learner, case: Case, fitted: FittedLearner, again: FittedLearner) -> None:
    state, same = fitted.state(), again.state()
    if state.keys() != same.keys():
        raise AssertionError(f"{case.name}: two fits give states with other keys")
    for key, array in state.items():
        if array.dtype.hasobject:
            raise AssertionError(f"{case.name}: state {key!r} holds Python objects")
        if array.dtype != same[key].dtype or array.tobytes() != same[key].tobytes():
            raise AssertionError(f"{case.name}: two fits with one seed differ in {key!r}")
    restored = part.restore(state)
    if not np.array_equal(fitted.reference(case.features), restored.reference(case.features)):
        raise AssertionError(f"{case.name}: the restored learner answers differently")
    if fitted.rounds != restored.rounds:
        raise AssertionError(f"{case.name}: the restored learner has other rounds")
    for key, array in restored.state().items():
        if array.tobytes() != state[key].tobytes():
            raise AssertionError(f"{case.name}: the restored learner's state differs in {key!r}")


def check_refusals(part: Learner) -> None:
    """Check that unknown settings and settings out of range are refused, and defaults are within the space."""
    case = cases(tuple(part.tasks))[0]
    wrong: list[dict[str, Any]] = [{"no_such_setting": 1}]
    wrong += [{n: s.high * 10 + 1} for n, s in part.space.items() if s.kind in ("integer", "number")]
    wrong += [{n: "no such choice"} for n, s in part.space.items() if s.kind in ("choice", "boolean")]
    for settings in wrong:
        try:
            fit_case(part, case, settings=settings)
        except ProblemError as error:
            if error.code != "parts.settings":
                raise AssertionError(f"{settings} is refused with {error.code}, not parts.settings") from error
        else:
            raise AssertionError(f"{settings} is not refused")
    settle(part.space, {n: s.default for n, s in part.space.items()})


def check_stopping(part: Learner) -> None:
    """Check that a spent time limit and a cancelled fit end soon, with an answer."""
    for case in (_case(f"stopping-{t}", 3000, t, 3 if t == "multiclass" else 2 * (t == "binary"), 0.0)
                 for t in sorted(part.tasks)):  # fmt: skip
        for context in (FitContext(time_limit_s=1e-3), FitContext(cancelled=lambda: True)):
            begin = time.monotonic()
            fitted = part.fit(case.features, case.forms, case.target, context, {})
            if time.monotonic() - begin > 5.0:
                raise AssertionError(f"{case.name}: goes on for {time.monotonic() - begin:.1f} s after it was stopped")
            if not np.isfinite(fitted.reference(case.features[:5])).all():
                raise AssertionError(f"{case.name}: a fit that was stopped has no answer")


def check_manifest(part: Learner) -> None:
    """Check that the part is registered under its name as a learner."""
    entries = {e.name: e for e in list_parts()}
    if part.name not in entries:
        raise AssertionError(f"{part.name!r} is not registered")
    if entries[part.name].manifest["type"] != "learner":
        raise AssertionError(f"{part.name!r} is not registered as a learner")


def check_learner(part: Learner) -> dict[str, float]:
    """Run all checks; return the largest difference between graph and library for each case.

    Raises
    ------
    AssertionError
        The learner breaks its contract; the message says where.
    """
    if not isinstance(part, Learner):
        raise AssertionError(f"{part!r} lacks something of afield.parts.protocol.Learner")
    check_manifest(part)
    check_refusals(part)
    check_stopping(part)
    return {case.name: check_case(part, case) for case in cases(tuple(part.tasks))}
