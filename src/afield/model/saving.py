"""Puts a model file where the user wants it, or says why not; never over something that is there."""

from __future__ import annotations

from pathlib import Path

from afield.core.errors import OutputError
from afield.core.files import write_atomic


def write_model(path: Path, content: bytes, *, force: bool = False) -> Path:
    """Write ``content`` to ``path``, whole or not at all, and return the path.

    Raises
    ------
    OutputError
        ``output.exists``, ``output.unwritable``.
    OutputError
        ``output.unwritable``, ``output.disk_full``, from the writing itself.
    """
    if path.is_dir():
        raise OutputError("output.unwritable", "A folder stands where the file is to go.", where=str(path))
    if not path.parent.is_dir():
        raise OutputError(
            "output.unwritable",
            "The folder for the output does not exist.",
            where=str(path.parent),
            fix="Make the folder, or give another path.",
        )
    if path.exists() and not force:
        raise OutputError(
            "output.exists",
            "The output exists, and nothing is overwritten unasked.",
            where=str(path),
            fix="Give another name, or force=True (--force).",
        )
    write_atomic(path, content)
    return path
