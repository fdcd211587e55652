"""``afield report``: a study as one HTML file that opens offline."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from afield.cli import completion
from afield.cli import options as o

EXAMPLES = ("afield report rings-1 report.html", "afield report shellfish.onnx report.html")

Subject = Annotated[
    str,
    typer.Argument(metavar="STUDY|MODEL", help="Id of a study, or a model file.", autocompletion=completion.studies),
]
Page = Annotated[Path, typer.Argument(metavar="REPORT.html", help="HTML file to write.")]


def command(
    study: Subject, path: Page, force: o.Force = False, quiet: o.Quiet = False, as_json: o.AsJson = False
) -> None:
    """Write the report: data, findings, score, errors by slice, importance, leaderboard, provenance."""
    from afield.api.report import report
    from afield.cli.drawing import write_json

    report(study, path, force=force)
    if as_json:
        write_json({"event": "written", "path": str(path), "bytes": path.stat().st_size})
    elif not quiet:
        sys.stdout.write(f"{path}\n")
