"""Where output goes, checked before the work that makes it."""

from __future__ import annotations

import os
from pathlib import Path

from afield.core.errors import OutputError


def check_output(path: Path, *, force: bool) -> None:
    """Refuse a path that cannot be written, before any work is done for it.

    Raises
    ------
    OutputError
        ``output.exists``, ``output.unwritable``.
    """
    if path.is_dir():
        raise OutputError("output.unwritable", "A folder stands where the file is to go.", where=str(path))
    if path.exists() and not force:
        raise OutputError(
            "output.exists",
            "The output exists, and nothing is overwritten unasked.",
            where=str(path),
            fix="Give another name, or --force (force=True).",
        )
    if not path.parent.is_dir():
        raise OutputError(
            "output.unwritable",
            "The folder for the output does not exist.",
            where=str(path.parent),
            fix="Make the folder, or give another path.",
        )
    if not os.access(path.parent, os.W_OK):
        raise OutputError("output.unwritable", "The folder for the output cannot be written.", where=str(path.parent))
