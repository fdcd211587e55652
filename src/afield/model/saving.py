"""Puts a model file where the user wants it, or says why not; never over something that is there."""

from __future__ import annotations

from pathlib import Path

from afield.core.files import write_atomic
from afield.core.output import check_output


def write_model(path: Path, content: bytes, *, force: bool = False) -> Path:
    """Write ``content`` to ``path``, whole or not at all, and return the path.

    Raises
    ------
    OutputError
        ``output.exists``, ``output.unwritable``, ``output.disk_full``.
    """
    check_output(path, force=force)
    write_atomic(path, content)
    return path
