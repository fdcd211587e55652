"""``afield predict``: answers for a file, row by row in its order, in constant memory."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from afield.cli import options as o

EXAMPLES = (
    "afield predict shellfish.onnx new.csv --out answers.csv",
    "afield predict churn.onnx customers.parquet --out answers.jsonl --keep customerID",
    "afield predict shellfish.onnx new.csv | head",
)

Keep = Annotated[
    list[str] | None,
    typer.Option(
        "--keep",
        metavar="COLUMN",
        help="Put a column of DATA before the answers; repeat it, or separate names by commas. Example: --keep id",
        rich_help_panel=o.OUTPUT,
        show_default=False,
    ),
]


def command(
    model: o.ModelPath,
    data: o.Data,
    out: o.Out = None,
    keep: Keep = None,
    force: o.Force = False,
    quiet: o.Quiet = False,
    as_json: o.AsJson = False,
) -> None:
    """Predict for every row of a file: order kept, probabilities included; without --out, CSV on stdout."""
    from afield.api.predict import predict_file
    from afield.cli.drawing import write_json

    written = predict_file(model, data, out=out, keep=o.split_names(keep or ()), force=force)
    if written.path is None:
        return
    if as_json:
        write_json({"event": "written", "path": str(written.path), "rows": written.rows})
    elif not quiet:
        sys.stdout.write(f"{written.path}: {written.rows:,} answers\n")
