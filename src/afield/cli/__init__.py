"""The command line: one file per command, all of them through ``afield.api``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command that the arguments name, and leave with its exit code."""
    from afield.cli.app import run

    sys.exit(run(sys.argv[1:]))
