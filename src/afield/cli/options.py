"""Options that several commands share, and how their texts become wishes."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from afield.cli import completion
from afield.core.errors import ProblemError

COLUMNS = "Columns"
LIMITS = "Limits"
OUTPUT = "Output"
READING = "Reading the data"


def column(flag: str, help: str) -> Any:
    """Return an option that takes the name of a column."""
    return typer.Option(
        flag,
        metavar="COLUMN",
        help=help,
        autocompletion=completion.columns,
        rich_help_panel=COLUMNS,
        show_default=False,
    )


Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="Table to read: CSV, TSV, Parquet, Excel or JSON lines; a path or a URL.",
        show_default=False,
    ),
]
ModelPath = Annotated[Path, typer.Argument(metavar="MODEL", help="Model file that `afield fit` wrote.")]
StudyId = Annotated[
    str,
    typer.Argument(
        metavar="STUDY", help="Id of a study; `afield studies` lists them.", autocompletion=completion.studies
    ),
]
Target = Annotated[str | None, column("--target", "Column to predict. Example: --target rings")]
Task = Annotated[
    str | None,
    typer.Option(
        metavar="TASK",
        help="binary, multiclass or regression; left out: inferred from the target.",
        autocompletion=completion.tasks,
        rich_help_panel=COLUMNS,
        show_default=False,
    ),
]
Metric = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="What to be good at, such as mae, pinball:0.9, log_loss, f1; left out: the task's default.",
        autocompletion=completion.metrics,
        rich_help_panel=COLUMNS,
        show_default=False,
    ),
]
Costs = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="What mistakes cost, in place of --metric: a square CSV table, rows the true class, columns the answer.",
        rich_help_panel=COLUMNS,
        show_default=False,
    ),
]
Group = Annotated[
    str | None, column("--group", "Rows with one value here stay on one side of every split. Example: --group patient")
]
Time = Annotated[str | None, column("--time", "Split by time: learn from earlier rows, be scored on later ones.")]
Weight = Annotated[str | None, column("--weight", "How much each row counts.")]
Ignore = Annotated[
    list[str] | None,
    column("--ignore", "Leave a column out; repeat it, or separate names by commas. Example: --ignore id,name"),
]
Kind = Annotated[
    list[str] | None,
    typer.Option(
        "--kind",
        metavar="COLUMN=KIND",
        help="Settle a column's kind: number, category, text or datetime; repeat it. Example: --kind zip=category",
        autocompletion=completion.kinds,
        rich_help_panel=READING,
        show_default=False,
    ),
]
Decimal = Annotated[
    str | None,
    typer.Option(
        metavar="MARK",
        help="Decimal mark of numbers in text files: point or comma; left out: inferred for each column.",
        autocompletion=completion.decimals,
        rich_help_panel=READING,
        show_default=False,
    ),
]
Date = Annotated[
    list[str] | None,
    typer.Option(
        "--date",
        metavar="COLUMN=FORMAT",
        help="Format of a date column; repeat it. Example: --date sold=%d.%m.%Y",
        rich_help_panel=READING,
        show_default=False,
    ),
]
Test = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Rows kept apart: their score replaces the estimated one.",
        rich_help_panel=READING,
        show_default=False,
    ),
]
Positive = Annotated[
    str | None,
    typer.Option(
        metavar="CLASS",
        help="The class of two that F1 and the like look for; left out: the second in order, such as 1 or yes.",
        rich_help_panel=COLUMNS,
        show_default=False,
    ),
]
Minutes = Annotated[
    float | None,
    typer.Option(
        metavar="MINUTES",
        help="Wall time from start to finished file; in place of --effort. Example: --minutes 5",
        rich_help_panel=LIMITS,
        show_default=False,
    ),
]
Effort = Annotated[
    str | None,
    typer.Option(
        metavar="EFFORT",
        help="quick, standard or thorough: an amount of work, reproducible to the byte. Left out: quick.",
        autocompletion=completion.efforts,
        rich_help_panel=LIMITS,
        show_default=False,
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(metavar="N", help="Worker processes; 0: one a processor.", rich_help_panel=LIMITS, show_default=False),
]
Memory = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        help="Memory for all workers together. Example: --memory 4GB. Left out: three quarters of the machine's.",
        rich_help_panel=LIMITS,
        show_default=False,
    ),
]
MaxSize = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        help="The largest model file. Example: --max-size 200KB",
        rich_help_panel=LIMITS,
        show_default=False,
    ),
]
MaxLatency = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="The longest that one row may take, by the table of operator costs. Example: --max-latency 50us",
        rich_help_panel=LIMITS,
        show_default=False,
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        metavar="N", help="Seed of everything random; left out: 0.", rich_help_panel=LIMITS, show_default=False
    ),
]
RealSamples = Annotated[
    bool,
    typer.Option(
        "--real-samples",
        help="Put real rows into the file's self-test; left out: rows are made up column by column.",
        rich_help_panel=OUTPUT,
        show_default=False,
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Where to write. Example: --out model.onnx", rich_help_panel=OUTPUT, show_default=False
    ),
]
Force = Annotated[
    bool, typer.Option("--force", help="Overwrite what is there.", rich_help_panel=OUTPUT, show_default=False)
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Show the result only.", rich_help_panel=OUTPUT, show_default=False)
]
AsJson = Annotated[
    bool,
    typer.Option(
        "--json", help="Write JSON, one object a line, for programs.", rich_help_panel=OUTPUT, show_default=False
    ),
]


def split_names(texts: Sequence[str]) -> list[str]:
    """Return column names from texts such as ``id,name``; a name with a comma stands in double quotes."""
    return [name.strip() for text in texts for name in next(csv.reader([text], skipinitialspace=True), [])]


def pairs(flag: str, texts: Sequence[str]) -> dict[str, str]:
    """Return ``COLUMN=VALUE`` texts as a mapping; the last ``=`` counts, since columns may hold one.

    Raises
    ------
    ProblemError
        ``problem.option``.
    """
    found = {}
    for text in texts:
        name, mark, value = text.rpartition("=")
        if not mark or not name or not value:
            raise ProblemError(
                "problem.option",
                f"{flag} needs a column and a value.",
                got=repr(text),
                expected=f"such as {flag} {'sold=%d.%m.%Y' if flag == '--date' else 'zip=category'}",
            )
        found[name] = value
    return found


def wishes_of(options: dict[str, Any]) -> dict[str, Any]:
    """Return the wishes that a command's options state; options left out are no wishes.

    Raises
    ------
    ProblemError
        ``problem.option``.
    """
    wishes = {name: value for name, value in options.items() if value is not None and value is not False}
    if names := wishes.pop("ignore", None):
        wishes["ignore"] = split_names(names)
    for name, field in (("kind", "kinds"), ("date", "dates")):
        if texts := wishes.pop(name, None):
            wishes[field] = pairs(f"--{name}", texts)
    if memory := wishes.pop("memory", None):
        wishes["memory_bytes"] = memory
    return {name: value for name, value in wishes.items() if value != []}
