"""The samples inside the file: recording reference answers, and holding any runtime's answers to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from afield.core.errors import ModelFileError
from afield.core.proofs import Proof
from afield.model.card import Card
from afield.model.decision import Decision
from afield.model.media import decode_array, encode_array
from afield.model.metadata import SelfTest
from afield.model.rows import Feed
from afield.problem.schema import MEDIA_KINDS, Schema

Answers = Mapping[str, NDArray[Any]]


class Checked(Protocol):
    """What this module needs of a ``Model``."""

    schema: Schema
    card: Card
    selftest: SelfTest
    threads: int

    def run(self, feed: Answers) -> Answers:
        """Return the graph's own outputs."""
        ...


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How far answers are from reference answers.

    Parameters
    ----------
    rows : int
    largest : float
        Largest difference; NaN where only one side has a number.
    worst_row : int
        The row of ``largest``, from 0; -1 when there are no rows.
    labels_different : int
        Rows with another label although it is not a near tie.
    near_ties : int
        Rows with another label where probabilities that are off by the tolerance can change it.
    tolerance : float
    """

    rows: int
    largest: float
    worst_row: int
    labels_different: int
    near_ties: int
    tolerance: float

    @property
    def passed(self) -> bool:
        """True when no number is off by more than the tolerance and no label differs beyond a near tie."""
        return bool(self.largest <= self.tolerance) and not self.labels_different


def record(
    schema: Schema, feed: Feed, reference: Answers, *, tolerance: float, scale: float = 0.0, real: bool = False
) -> SelfTest:
    """Return the self-test of these rows.

    Parameters
    ----------
    feed : dict of str to ndarray [N]
        Graph input name to values, as ``synthesise`` makes them.
    reference : mapping
        ``label`` [N] (texts) and ``probabilities`` [N, K], or ``prediction`` [N]: the learners' own answers.
    tolerance, scale, real
        See ``SelfTest``.
    """
    numbers = {c.input_name for c in schema.columns if c.kind == "number"}
    media = {c.input_name for c in schema.columns if c.kind in MEDIA_KINDS}
    inputs: dict[str, tuple[float, ...] | tuple[str, ...]] = {
        n: tuple(map(float, v)) if n in numbers else tuple(map(encode_array if n in media else str, v))
        for n, v in feed.items()
    }
    if schema.target.task == "regression":
        prediction = tuple(map(float, np.ravel(reference["prediction"])))
        return SelfTest(inputs=inputs, prediction=prediction, tolerance=tolerance, scale=scale, real=real)
    probabilities = tuple(tuple(map(float, row)) for row in reference["probabilities"])
    labels = tuple(map(str, reference["label"]))
    return SelfTest(inputs=inputs, labels=labels, probabilities=probabilities, tolerance=tolerance, real=real)


def stored_feed(selftest: SelfTest, schema: Schema) -> Feed:
    """Return the sample rows as graph input."""
    feed: Feed = {}
    for spec in schema.columns:
        values = selftest.inputs[spec.input_name]
        if spec.kind in MEDIA_KINDS:
            feed[spec.input_name] = np.stack([decode_array(str(v)) for v in values])
        else:
            feed[spec.input_name] = np.array(values, dtype=np.float64 if spec.kind == "number" else object)
    return feed


def stored_answers(selftest: SelfTest) -> dict[str, NDArray[Any]]:
    """Return the reference answers under the names of the graph's outputs."""
    if selftest.prediction:
        return {"prediction": np.array(selftest.prediction)}
    return {"label": np.array(selftest.labels, dtype=object), "probabilities": np.array(selftest.probabilities)}


def compare(
    reference: Answers,
    answers: Answers,
    *,
    tolerance: float,
    scale: float = 0.0,
    decision: Decision | None = None,
    classes: tuple[str, ...] = (),
) -> Comparison:
    """Hold answers to reference answers.

    Parameters
    ----------
    reference, answers : mapping
        ``label`` [N] (texts) and ``probabilities`` [N, K], or ``prediction`` [N].
    tolerance, scale : float
        For a regression differences are divided by max(|y|, ``scale``); a ``scale`` of 0 counts as 1.
    decision, classes
        The decision rule and the class texts: they tell which rows are near ties.
    """
    if "prediction" in reference:
        wanted, found = reference["prediction"], answers["prediction"]
        off = _difference(wanted, found) / np.maximum(np.nan_to_num(np.abs(wanted), posinf=1.0), scale or 1.0)
        different = np.zeros(len(wanted), dtype=bool)
        near = different
    else:
        wanted, found = np.asarray(reference["probabilities"]), np.asarray(answers["probabilities"])
        off = _difference(wanted, found).max(axis=1, initial=0.0)
        different = np.asarray(reference["label"]).astype(str) != np.asarray(answers["label"]).astype(str)
        rule = decision or Decision()
        names = classes or tuple(map(str, range(wanted.shape[1])))
        near = different & (rule.margin(wanted, names) <= 2 * tolerance)
    worst = int(np.argmax(off)) if len(off) else -1  # argmax finds NaN first
    return Comparison(
        rows=len(off),
        largest=float(off[worst]) if len(off) else 0.0,
        worst_row=worst,
        labels_different=int((different & ~near).sum()),
        near_ties=int(near.sum()),
        tolerance=tolerance,
    )


def replay(model: Checked) -> Proof:
    """Run the samples inside the file at once and one by one, and compare with the answers inside the file."""
    import onnxruntime

    feed, selftest = stored_feed(model.selftest, model.schema), model.selftest
    together = model.run(feed)
    rows = range(selftest.rows)
    alone = [model.run({name: values[row : row + 1] for name, values in feed.items()}) for row in rows]
    singly = {
        name: np.concatenate([answer[name] for answer in alone]) if alone else together[name] for name in together
    }
    how = f"onnxruntime {onnxruntime.__version__}, {model.threads} thread{'s' if model.threads > 1 else ''}"
    return proof_of(model, {"all rows at once": together, "one row at a time": singly}, how=how)


def proof_of(model: Checked, runs: Mapping[str, Answers], *, how: str) -> Proof:
    """Return the proof of answers to the self-test rows of ``model``, one mapping for each way of running.

    Answers to more rows than the self-test has are answers to its rows over and over.
    """
    selftest = model.selftest
    if not selftest.rows:
        return Proof(platform="python", ran=True, how=how, details=("the file holds no samples",))
    reference = stored_answers(selftest)
    found = {
        name: compare(
            _repeated(reference, answers),
            answers,
            tolerance=selftest.tolerance,
            scale=selftest.scale,
            decision=model.card.decision,
            classes=model.schema.target.classes,
        )
        for name, answers in runs.items()
    }
    largest = [c.largest for c in found.values()]
    return Proof(
        platform="python",
        ran=True,
        how=how,
        rows=sum(c.rows for c in found.values()),
        largest=float(np.max(largest, initial=0.0)),
        tolerance=selftest.tolerance,
        passed=all(c.passed for c in found.values()),
        details=tuple(f"{name}: {describe(c)}" for name, c in found.items()),
    )


def describe(comparison: Comparison) -> str:
    """Return a comparison as one sentence."""
    text = f"{comparison.rows} rows, largest difference {comparison.largest:.2g}"
    if comparison.rows and not comparison.largest <= comparison.tolerance:
        text += f" in row {comparison.worst_row + 1}"
    if comparison.labels_different:
        text += f", {comparison.labels_different} labels different"
    if comparison.near_ties:
        text += f", {comparison.near_ties} near ties"
    return text


def require(proof: Proof) -> Proof:
    """Return the proof when it passed.

    Raises
    ------
    ModelFileError
        ``model.selftest``.
    """
    if proof.passed:
        return proof
    raise ModelFileError(
        "model.selftest",
        "The model does not give the answers stored inside it.",
        where="; ".join(proof.details) or proof.platform,
        got=f"largest difference {proof.largest:.3g}",
        expected=f"at most {proof.tolerance:.3g}",
        fix="Do not use this file here: fit or export it again, or report the versions that `afield doctor` shows.",
    )


def _repeated(reference: Answers, answers: Answers) -> dict[str, NDArray[Any]]:
    rows = len(next(iter(answers.values())))
    return {name: values[np.arange(rows) % len(values)] if rows else values[:0] for name, values in reference.items()}


def _difference(wanted: NDArray[Any], found: NDArray[Any]) -> NDArray[np.float64]:
    """Return |wanted - found|; 0 where both are NaN or the same infinity, NaN where only one is."""
    a, b = np.asarray(wanted, dtype=np.float64), np.asarray(found, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        return np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
