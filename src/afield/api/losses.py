"""What a rewritten model has lost: both models on the same rows, by the model's metric, by labels, or by agreement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.api.givens import Given, opened
from afield.data.metrics import DEFAULTS, find_metric
from afield.model.model import Model
from afield.model.session import open_session, run_session

Answers = dict[str, NDArray[Any]]
_BATCH = 64


@dataclass(frozen=True, kw_only=True)
class Loss:
    """Scores of two models on the same rows.

    Parameters
    ----------
    metric : str
    before, after : float
        Of the model as it was, and as it is now.
    lost : float
        Share that is lost: before - after; for errors (after - before) / before.
    rows : int
    """

    metric: str
    before: float
    after: float
    lost: float
    rows: int

    def text(self) -> str:
        """Return one sentence."""
        return (
            f"{self.metric} on {self.rows} rows that gave no ranges: {self.before:.4g} in floats, {self.after:.4g} in "
            f"int8, a loss of {self.lost:.4f}"
        )


def loss_of(before: bytes, after: bytes, rows: Given) -> Loss:
    """Return what ``after`` has lost against ``before``; it runs operator by operator, as the file says."""
    model = opened(before)
    old, new = answers(before, rows.feed), answers(after, rows.feed, plain=True)
    if rows.truth is None:
        return _agreement(model, old, new, rows.rows)
    if model is not None:
        return _by_metric(model, old, new, rows.truth)
    return _by_truth(old, new, rows.truth)


def answers(content: bytes, feed: Mapping[str, NDArray[Any]], *, plain: bool = False) -> Answers:
    """Return the graph's outputs [N, ...]; a graph for one row gets one at a time."""
    session = open_session(content, plain=plain)
    names = [o.name for o in session.get_outputs()]
    fixed = all(i.shape and isinstance(i.shape[0], int) for i in session.get_inputs())
    step = 1 if fixed else _BATCH
    count = len(next(iter(feed.values())))
    parts = [run_session(session, names, {n: v[i : i + step] for n, v in feed.items()}) for i in range(0, count, step)]
    return {name: np.concatenate([part[k] for part in parts]) for k, name in enumerate(names)}


def _lost(before: float, after: float, *, rises: bool) -> float:
    """Return the share that is lost; never below 0."""
    if rises:
        return max(0.0, before - after)
    return max(0.0, (after - before) / max(abs(before), 1e-9))


def _by_metric(model: Model, old: Answers, new: Answers, truth: NDArray[Any]) -> Loss:
    """Score both by the metric that the model was made for."""
    target, rule = model.schema.target, model.card.decision
    name = model.card.metric or DEFAULTS[target.task]
    metric = find_metric(name, np.array(rule.costs) if rule is not None and rule.costs else None)
    place = {text: number for number, text in enumerate(target.classes)}

    def scored(found: Answers) -> float:
        if target.task == "regression":
            return metric(truth, found["prediction"].astype(np.float64))
        labels = np.array([place[str(text)] for text in found["label"]])
        asked = np.eye(len(place))[labels] if metric.of_labels else found["probabilities"].astype(np.float64)
        return metric(truth, asked)

    before, after = scored(old), scored(new)
    lost = _lost(before, after, rises=metric.higher_is_better)
    return Loss(metric=name, before=before, after=after, lost=lost, rows=len(truth))


def _by_truth(old: Answers, new: Answers, truth: NDArray[Any]) -> Loss:
    """Score by labels (whole numbers) against the largest output, or by the distance to numbers."""
    first = next(iter(old))
    a, b = (np.asarray(found[first], np.float64).reshape(len(truth), -1) for found in (old, new))
    if truth.size == len(truth) and a.shape[1] > 1 and np.array_equal(truth, np.round(truth)):
        flat = truth.reshape(-1).astype(np.int64)
        before, after = (float((v.argmax(axis=1) == flat).mean()) for v in (a, b))
        return Loss(metric="accuracy", before=before, after=after, lost=_lost(before, after, rises=True),
                    rows=len(truth))  # fmt: skip
    wanted = np.asarray(truth, np.float64).reshape(len(truth), -1)
    before, after = (float(np.sqrt(np.mean((v - wanted) ** 2))) for v in (a, b))
    return Loss(metric="rmse", before=before, after=after, lost=_lost(before, after, rises=False), rows=len(truth))


def _agreement(model: Model | None, old: Answers, new: Answers, rows: int) -> Loss:
    """Compare answers: the share of equal labels, or one less the mean difference in standard deviations."""
    name = next((n for n in ("probabilities", "prediction") if n in old), next(iter(old)))
    a, b = (np.asarray(found[name], np.float64).reshape(rows, -1) for found in (old, new))
    task = model.schema.target.task if model else ""
    shares = a.shape[1] > 1 and bool(np.allclose(a.sum(axis=1), 1, atol=1e-3)) and bool((a >= 0).all())
    if task != "regression" and (model is not None or shares):
        same = old["label"] == new["label"] if "label" in old else a.argmax(axis=1) == b.argmax(axis=1)
        after = float(np.mean(same))
        metric = f"agreement of the largest output (mean |difference| {np.abs(a - b).mean():.2g})"
        return Loss(metric=metric, before=1.0, after=after, lost=1.0 - after, rows=rows)
    off = float(np.abs(a - b).mean() / max(float(a.std()), 1e-9))
    return Loss(metric=f"agreement: 1 less the mean |difference| ({np.abs(a - b).mean():.2g}) in standard deviations",
                before=1.0, after=1.0 - off, lost=off, rows=rows)  # fmt: skip
