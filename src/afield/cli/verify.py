"""``afield verify``: run the samples inside a model file again."""

from __future__ import annotations

import sys

import typer

from afield.cli import options as o
from afield.cli.guard import CHECK_FAILED

EXAMPLES = ("afield verify shellfish.onnx",)


def command(model: o.ModelPath, quiet: o.Quiet = False, as_json: o.AsJson = False) -> None:
    """Replay the self-test inside a model file; exit code 1 when an answer differs from the one stored."""
    from afield.api.verify import verify
    from afield.cli.drawing import write_json

    proof = verify(model)
    if as_json:
        write_json(proof.to_json())
    elif not quiet or not proof.passed:
        sys.stdout.write("\n".join((proof.text(), *(f"  {line}" for line in proof.details))) + "\n")
    if not proof.passed:
        raise typer.Exit(CHECK_FAILED)
