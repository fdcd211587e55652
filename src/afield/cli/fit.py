"""``afield fit``: from a table, or a written problem, to a model file."""

from __future__ import annotations

import time as time_module
from pathlib import Path
from typing import Annotated

import typer

from afield.cli import options as o

EXAMPLES = (
    "afield fit shellfish.csv --target rings",
    "afield fit churn.parquet --target Churn --minutes 5 --ignore customerID --out churn.onnx",
    "afield fit visits.csv --target readmitted --group patient --effort standard",
    "afield fit crabs.csv --target sex --max-size 200KB --max-latency 50us",
    "afield fit problem.toml",
)

Source = Annotated[
    str,
    typer.Argument(
        metavar="DATA|PROBLEM.toml",
        help="Table to learn from (CSV, TSV, Parquet, Excel, JSON lines; a path or a URL), or a problem file.",
        show_default=False,
    ),
]


def command(
    data: Source,
    target: o.Target = None,
    minutes: o.Minutes = None,
    effort: o.Effort = None,
    out: o.Out = None,
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
    jobs: o.Jobs = None,
    memory: o.Memory = None,
    max_size: o.MaxSize = None,
    max_latency: o.MaxLatency = None,
    seed: o.Seed = None,
    real_samples: o.RealSamples = False,
    force: o.Force = False,
    quiet: o.Quiet = False,
    as_json: o.AsJson = False,
) -> None:
    """Find a good model for a column of a table and write it as one ONNX file.

    Ctrl-C ends the search with the best model so far; a second Ctrl-C leaves at once, and `afield resume` goes on.
    """
    started = time_module.time()  # the limit counts from here
    wishes = o.wishes_of(
        {
            "target": target,
            "minutes": minutes,
            "effort": effort,
            "task": task,
            "metric": metric,
            "costs": costs,
            "group": group,
            "time": time,
            "weight": weight,
            "ignore": ignore,
            "kind": kind,
            "decimal": decimal,
            "date": date,
            "test": test,
            "positive": positive,
            "jobs": jobs,
            "memory": memory,
            "max_size": max_size,
            "max_latency": max_latency,
            "seed": seed,
            "real_samples": real_samples,
        }
    )
    from afield.api.fit import fit
    from afield.api.problem import problem_from
    from afield.cli.live import listening
    from afield.cli.summary import show_result

    problem = problem_from(data, wishes)
    budget_s = None if problem.minutes is None else problem.minutes * 60
    with listening(quiet=quiet, as_json=as_json, budget_s=budget_s) as listener:
        result = fit(problem, out=out or default_out(problem.data), force=force, listener=listener, started=started)
    show_result(result, quiet=quiet, as_json=as_json)


def default_out(data: str) -> Path:
    """Return ``shellfish.onnx`` in the working folder for ``data/shellfish.csv.gz``."""
    name = data.replace("\\", "/").rstrip("/").rpartition("/")[2].partition("?")[0]
    return Path(f"{name.partition('.')[0] or 'model'}.onnx")
