"""``afield problem``: the question as afield understands it, as TOML to edit."""

from __future__ import annotations

import sys

from afield.cli import options as o

EXAMPLES = (
    "afield problem shellfish.csv --target rings > problem.toml",
    "afield fit problem.toml",
)


def command(
    data: o.Data,
    target: o.Target = None,
    task: o.Task = None,
    metric: o.Metric = None,
    costs: o.Costs = None,
    group: o.Group = None,
    time: o.Time = None,
    weight: o.Weight = None,
    ignore: o.Ignore = None,
    kind: o.Kind = None,
    decimal: o.Decimal = None,
    date: o.Date = None,
    test: o.Test = None,
    positive: o.Positive = None,
    as_json: o.AsJson = False,
) -> None:
    """Write the inferred problem to stdout for editing: task, metric, column kinds, and findings as comments."""
    given = {"target": target, "task": task, "metric": metric, "group": group, "time": time, "weight": weight}
    reading = {"ignore": ignore, "kind": kind, "decimal": decimal, "date": date, "test": test, "positive": positive}
    wishes = o.wishes_of(given | reading | {"costs": costs})
    from afield.api.problem import infer, problem_from
    from afield.cli.drawing import write_json

    inferred = infer(problem_from(data, wishes))
    if as_json:
        write_json({"problem": inferred.problem.to_json(), "findings": [f.to_json() for f in inferred.findings]})
    else:
        sys.stdout.write(inferred.to_toml())
