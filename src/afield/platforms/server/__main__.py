"""Starts the server without the command line's packages: ``python -m afield.platforms.server MODEL... --port 8080``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from afield.core.errors import AfieldError
from afield.platforms.server.settings import BATCHING, LOG_LEVELS, ServeSettings


def main() -> None:
    """Read the arguments and serve; exit code 2 where they cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m afield.platforms.server", description="Serve models over HTTP.")
    parser.add_argument("sources", nargs="+", type=Path, metavar="MODEL")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--token-file", type=Path)
    parser.add_argument("--cors", action="append", default=[], metavar="ORIGIN")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--max-bytes", type=int, default=16 * 2**20)
    parser.add_argument("--timeout", type=float, default=30.0, dest="timeout_s", metavar="SECONDS")
    parser.add_argument("--batch", choices=BATCHING, default="auto")
    parser.add_argument("--log-level", choices=LOG_LEVELS, default="info")
    given = vars(parser.parse_args())
    try:
        settings = ServeSettings(**given | {"sources": tuple(given["sources"]), "cors": tuple(given["cors"])})
        if settings.workers > 1:
            from afield.platforms.server.workers import supervise

            supervise(settings)
        else:
            from afield.platforms.server.running import run

            run(settings)
    except AfieldError as error:
        sys.stderr.write(f"error: {error.text()}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
