"""``afield export``: a model file as a bundle for a platform, proven by running it.

The options of a platform come from its own class, so that they show in ``--help`` and complete once ``--to`` is given.
"""

from __future__ import annotations

import inspect
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Optional

import typer
from typer.core import TyperCommand

from afield.cli import completion
from afield.cli import options as o
from afield.cli.guard import CHECK_FAILED

EXAMPLES = (
    "afield export shellfish.onnx --to python --out shellfish_py/",
    "afield export shellfish.onnx --to python --help",
)
CHOSEN = "afield.export"

To = Annotated[
    str,
    typer.Option("--to", metavar="PLATFORM", help="Where the model is to run.", autocompletion=completion.platforms),
]
OutFolder = Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Folder to write; made when missing.")]


class ExportCommand(TyperCommand):
    """A command that has the options of the platform named by ``--to`` beside its own."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Add the platform's options, parse, and lay their values aside: the function below does not know them."""
        name, own = platform_in(args), {p.name for p in self.params}
        added = [p for p in (_parameters(name) if name else []) if p.name not in own]
        self.params += added
        rest = super().parse_args(ctx, args)
        given = {p.name: ctx.params.pop(p.name, None) for p in added}
        ctx.meta[CHOSEN] = {n: v for n, v in given.items() if v is not None}
        return rest


def platform_in(args: Sequence[str]) -> str | None:
    """Return what follows ``--to``, where it is a platform."""
    from afield.api.export import platform_names

    found = [b for a, b in itertools.pairwise(args) if a == "--to"]
    found += [a.removeprefix("--to=") for a in args if a.startswith("--to=")]
    return found[0] if found and found[0] in platform_names() else None


def _parameters(platform: str) -> list[Any]:
    """Return the platform's options as the command line has them."""
    from afield.api.export import export_options

    def holder(**_: Any) -> None: ...

    signature = [
        inspect.Parameter(
            option.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[
                Optional[option.type],  # noqa: UP045 - the type is known when it runs
                typer.Option(help=option.help, metavar=option.metavar, rich_help_panel=f"Platform {platform}"),
            ],
        )
        for option in export_options(platform)
    ]
    holder.__signature__ = inspect.Signature(signature)  # type: ignore[attr-defined]
    holder.__annotations__ = {p.name: p.annotation for p in signature}
    made = typer.Typer(add_completion=False)
    made.command()(holder)
    return [p for p in typer.main.get_command(made).params if p.name != "help"]


def command(
    ctx: typer.Context,
    model: o.ModelPath,
    to: To,
    out: OutFolder,
    force: o.Force = False,
    quiet: o.Quiet = False,
    as_json: o.AsJson = False,
) -> None:
    """Write a model as a bundle for a platform, run it there, and say how far its answers are off.

    Exit code 1 when the bundle ran and an answer differs. What cannot be run on this machine says what it needs.
    """
    from afield.api.export import export
    from afield.cli.drawing import write_json
    from afield.cli.live import listening

    with listening(quiet=quiet, as_json=as_json, budget_s=None) as listener:
        exported = export(model, to, out, options=ctx.meta.get(CHOSEN, {}), force=force, listener=listener)
    proof, bundle = exported.proof, exported.bundle
    if as_json:
        write_json(exported.to_json())
    elif not quiet or (proof.ran and not proof.passed):
        lines = [f"{bundle.path}: {len(bundle.files)} files, {bundle.size_bytes / 1000:,.0f} kB"]
        lines += exported.quantisation.text() if exported.quantisation else []
        lines += [proof.text(), *(f"  {line}" for line in proof.details)]
        sys.stdout.write("\n".join(lines) + "\n")
    if proof.ran and not proof.passed:
        raise typer.Exit(CHECK_FAILED)


COMMAND_CLASS = ExportCommand
