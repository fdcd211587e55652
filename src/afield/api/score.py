"""How well a model does on rows whose target is known."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from afield.api.rows import batches
from afield.core.errors import DataError

if TYPE_CHECKING:
    from afield.model.model import Model

#: metrics of labels: they follow the model's own decision rule, not the largest probability
OF_LABELS = ("accuracy", "balanced_accuracy", "f1", "mcc")


def metric_names() -> list[str]:
    """Return the names of all metrics."""
    from afield.data.metrics import METRICS

    return list(METRICS)


def score(model: Model | Path, data: object) -> dict[str, Any]:
    """Return the metrics of a model over the rows of ``data`` whose target is known.

    Parameters
    ----------
    model : Model, or the path of its file
    data : path, URL or anything that ``Model.predict`` takes, with the target's column

    Returns
    -------
    dict
        ``metric`` (the one that the model was made for), ``value``, ``low``, ``high`` (95 % bootstrap interval),
        ``metrics`` (name to value; None where it is not defined), ``rows``, ``rows_without_target``.

    Raises
    ------
    DataError
        ``problem.target_missing``: no row has a target; ``data.cell``: a class that the model does not know.
    ModelFileError
        Where a row cannot be used.
    """
    from afield.data.metrics import DEFAULTS, METRICS, evaluate, interval

    if isinstance(model, Path):
        from afield.model.model import Model

        model = Model.load(model)
    target = model.schema.target
    truths, answers, labels, rows = [], [], [], 0
    for feed, _ in batches(model, data, extra=(target.spec,)):
        cells = feed.pop(target.spec.input_name)
        known = ~np.isnan(cells) if target.task == "regression" else cells != ""
        truths.append(_truth(model, cells[known], np.flatnonzero(known) + rows))
        rows += len(known)
        found = model.run({name: values[known] for name, values in feed.items()})
        answers.append(found["prediction" if target.task == "regression" else "probabilities"].astype(np.float64))
        labels.append(found.get("label", np.zeros(0, dtype=object)))
    truth = np.concatenate(truths) if truths else np.zeros(0)
    if not len(truth):
        raise DataError(
            "problem.target_missing",
            "No row has a value in the target's column, so there is nothing to score.",
            where=f"column {target.name!r}",
            got=f"{rows} rows",
        )
    answered = np.concatenate(answers)
    metrics = evaluate(target.task, truth, answered)
    if target.task != "regression":
        position = {text: number for number, text in enumerate(target.classes)}
        hot = np.eye(len(position))[[position[text] for text in np.concatenate(labels)]]
        metrics |= {n: v for n, v in evaluate(target.task, truth, hot).items() if n in OF_LABELS}
        answered = hot if (model.card.metric in OF_LABELS) else answered
    name = model.card.metric or DEFAULTS[target.task]
    low, high = interval(METRICS[name], truth, answered)
    return {
        "metric": name,
        "value": _finite(metrics[name]),
        "low": _finite(low),
        "high": _finite(high),
        "metrics": {n: _finite(v) for n, v in metrics.items()},
        "rows": len(truth),
        "rows_without_target": rows - len(truth),
    }


def _truth(model: Model, cells: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[Any]:
    """Return values float64 [n], or class indices int64 [n]; ``rows`` are their numbers, from 0."""
    target = model.schema.target
    if target.task == "regression":
        return np.asarray(cells, dtype=np.float64)
    position = {text: number for number, text in enumerate(target.classes)}
    found = np.array([position.get(text, -1) for text in cells], dtype=np.int64)
    if (found < 0).any():
        at = int(np.argmax(found < 0))
        raise DataError(
            "data.cell",
            "The target has a class that the model does not know.",
            where=f"column {target.name!r}, row {int(rows[at]) + 1}",
            got=repr(cells[at]),
            expected=", ".join(repr(c) for c in target.classes[:20]),
            fix="Leave these rows out, or train a model on data that has this class.",
        )
    return found


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
