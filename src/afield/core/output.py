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


def prepare_folder(dest: Path, *, force: bool) -> None:
    """Make the folder, or refuse one that cannot be written or has something in it.

    Raises
    ------
    OutputError
        ``output.exists``, ``output.unwritable``.
    """
    try:
        dest.mkdir(parents=True, exist_ok=True)
        taken = any(dest.iterdir())
    except OSError as error:
        raise OutputError(
            "output.unwritable", f"The folder cannot be made: {error.strerror}.", where=str(dest)
        ) from error
    if not os.access(dest, os.W_OK):
        raise OutputError("output.unwritable", "The folder cannot be written.", where=str(dest))
    if taken and not force:
        raise OutputError(
            "output.exists",
            "The folder is not empty, and nothing is overwritten unasked.",
            where=str(dest),
            fix="Give another folder, or --force (force=True).",
        )
