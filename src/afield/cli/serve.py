"""``afield serve``: models over HTTP, by the Open Inference Protocol and as plain rows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from afield.cli import completion

EXAMPLES = (
    "afield serve shellfish.onnx",
    "afield serve models/ --host 0.0.0.0 --token-file token.txt",
    "curl localhost:8080/predict --data-binary @new.csv",
)

WHERE, LIMITS = "Where", "Limits"

Models = Annotated[
    list[Path],
    typer.Argument(
        metavar="MODEL...",
        help="Model files, or folders with NAME.onnx or NAME/VERSION/model.onnx.",
        autocompletion=completion.models,
        show_default=False,
    ),
]
Host = Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen on.", rich_help_panel=WHERE)]
Port = Annotated[int, typer.Option(metavar="N", help="Port; 0: a free one.", rich_help_panel=WHERE)]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="File with a bearer token that requests must carry.",
        rich_help_panel=WHERE,
        show_default=False,
    ),
]
Cors = Annotated[
    list[str] | None,
    typer.Option(
        "--cors", metavar="ORIGIN", help="Origin whose pages may ask; repeat it. None unless named.",
        rich_help_panel=WHERE, show_default=False,
    ),
]  # fmt: skip
Workers = Annotated[int, typer.Option(metavar="N", help="Processes.", rich_help_panel=LIMITS)]
MaxBytes = Annotated[
    int, typer.Option("--max-bytes", metavar="N", help="Largest body of a request.", rich_help_panel=LIMITS)
]
Timeout = Annotated[
    float,
    typer.Option(metavar="SECONDS", help="For a body to arrive, and for a model to answer.", rich_help_panel=LIMITS),
]
Batch = Annotated[
    str,
    typer.Option(
        metavar="WHEN", help="Rows that arrive together go through the graph together: auto, on or off.",
        autocompletion=completion.words("auto", "on", "off"), rich_help_panel=LIMITS,
    ),
]  # fmt: skip
LogLevel = Annotated[
    str,
    typer.Option(
        "--log-level", metavar="LEVEL", help="error, warning, info or debug; debug tells of every request.",
        autocompletion=completion.words("error", "warning", "info", "debug"), rich_help_panel=LIMITS,
    ),
]  # fmt: skip


def command(
    models: Models,
    host: Host = "127.0.0.1",
    port: Port = 8080,
    token_file: TokenFile = None,
    cors: Cors = None,
    workers: Workers = 1,
    max_bytes: MaxBytes = 16 * 2**20,
    timeout: Timeout = 30.0,
    batch: Batch = "auto",
    log_level: LogLevel = "info",
) -> None:
    """Answer over HTTP until Ctrl-C or SIGTERM; SIGHUP loads the models anew. Only this machine can ask unless told."""
    from afield.api.serve import serve

    serve(
        models, host=host, port=port, token_file=token_file, cors=tuple(cors or ()), workers=workers,
        max_bytes=max_bytes, timeout_s=timeout, batch=batch, log_level=log_level,
    )  # fmt: skip
