"""How well a model does on rows whose target is known."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from afield.api.answered import answered_rows

if TYPE_CHECKING:
    from afield.model.model import Model


def metric_names() -> list[str]:
    """Return the names of metrics that can be asked for."""
    from afield.data.metrics import metric_names as names

    return names()


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
    from afield.data.metrics import DEFAULTS, evaluate, find_metric, interval

    if isinstance(model, Path):
        from afield.model.model import Model

        model = Model.load(model)
    target, found = model.schema.target, answered_rows(model, data)
    truth, answered = found.truth, found.answers
    labels = found.indices(target.task, target.classes)
    # metrics of labels follow the model's own decision rule, not the largest probability
    decided = answered if labels is None else np.eye(len(target.classes))[labels]
    rule = model.card.decision
    name = model.card.metric or DEFAULTS[target.task]
    metric = find_metric(name, np.array(rule.costs) if rule is not None and rule.costs else None)
    asked = decided if metric.of_labels else answered
    metrics = {name: metric(truth, asked)} | evaluate(target.task, truth, answered, None, decided)
    low, high = interval(metric, truth, asked)
    return {
        "metric": name,
        "value": _finite(metrics[name]),
        "low": _finite(low),
        "high": _finite(high),
        "metrics": {n: _finite(v) for n, v in metrics.items()},
        "rows": len(truth),
        "rows_without_target": found.rows - len(truth),
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
