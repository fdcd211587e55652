"""``afield studies``: what ran here, and what it takes up."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from afield.cli import completion
from afield.cli import options as o

EXAMPLES = ("afield studies", "afield studies --remove rings-1")

Remove = Annotated[
    list[str] | None,
    typer.Option(
        "--remove",
        metavar="STUDY",
        help="Delete a study and all its files; repeat it for more. Model files stay.",
        autocompletion=completion.studies,
        show_default=False,
    ),
]


def command(remove: Remove = None, quiet: o.Quiet = False, as_json: o.AsJson = False) -> None:
    """List the studies of this folder: id, state, target, best score, trials, disk."""
    from dataclasses import asdict

    from afield.api.study import list_studies, remove_study
    from afield.api.wording import figure, size
    from afield.cli.drawing import draw_grid, write_json

    for study in remove or ():
        remove_study(study)
        if not quiet and not as_json:
            sys.stdout.write(f"removed {study}\n")
    if remove:
        return
    found = list_studies()
    if as_json:
        for info in found:
            write_json(asdict(info))
    elif quiet:
        sys.stdout.write("".join(f"{info.id}\n" for info in found))
    elif not found:
        sys.stdout.write("No study ran in this folder yet. Start one: afield fit DATA --target COLUMN\n")
    else:
        rows = [
            [
                info.id, info.state, info.target, info.task, info.metric or "",
                "" if info.best is None else figure(info.best), str(info.trials), size(info.bytes),
                info.created[:16].replace("T", " "),
            ]
            for info in found
        ]  # fmt: skip
        draw_grid(("study", "state", "target", "task", "metric", "best", "trials", "disk", "started"), rows)
