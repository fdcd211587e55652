"""The commands put together. Each command's module is light: what it needs is imported when it runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

import afield
from afield.cli import (
    devices,
    doctor,
    export,
    fit,
    pick,
    predict,
    problem,
    report,
    resume,
    score,
    serve,
    show,
    studies,
    verify,
)
from afield.cli.guard import guarded

EXIT_TEXT = (
    "Exit codes: 0 done · 1 a check failed · 2 wrong use, problem or data · 3 a package is missing · "
    "4 unsupported · 5 model file · 6 workers or study · 7 device limit · 70 a defect of afield · "
    "130 stopped before there was a model"
)

app = typer.Typer(
    name="afield",
    help="From a table to one portable ONNX file: raw columns in, answer out, proven by running it.",
    epilog="Start with: afield fit shellfish.csv --target rings\n\n" + EXIT_TEXT,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
MODULES = (
    fit, problem, studies, resume, pick, predict, score, show, verify, report, export, devices, serve, doctor,
)  # fmt: skip
for module in MODULES:
    name = module.__name__.rpartition(".")[2]
    kind = getattr(module, "COMMAND_CLASS", None)
    app.command(name, cls=kind, epilog="\n\n".join(("Examples:", *module.EXAMPLES)))(guarded(module.command))


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"afield {afield.__version__}\n")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """From a table to one portable ONNX file: raw columns in, answer out, proven by running it."""


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    try:
        app(list(arguments), prog_name="afield")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0
