"""Reads a model file's bytes, and puts them where the user wants them; never over something that is there."""

from __future__ import annotations

from pathlib import Path

from afield.core.errors import ModelFileError
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


def read_model(path: Path) -> bytes:
    """Return the bytes of the file.

    Raises
    ------
    ModelFileError
        ``model.not_found``.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelFileError(
            "model.not_found",
            "It is a folder, not a model file."
            if path.is_dir()
            else f"The model file cannot be read: {error.strerror}.",
            where=str(path),
            fix="Check the path.",
        ) from error
