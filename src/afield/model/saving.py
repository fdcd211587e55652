"""Puts a model file where the user wants it, or says why not; never over something that is there."""

from __future__ import annotations

import errno
from pathlib import Path

from afield.core.errors import DataError
from afield.core.files import write_atomic


def write_model(path: Path, content: bytes, *, force: bool = False) -> Path:
    """Write ``content`` to ``path`` atomically and return the path.

    Raises
    ------
    DataError
        ``output.exists``, ``output.unwritable``, ``output.disk_full``.
    """
    if path.is_dir():
        raise DataError(
            "output.unwritable", "A folder stands where the file is to go.", where=str(path), fix=f"{path}/model.onnx"
        )
    if path.exists() and not force:
        raise DataError(
            "output.exists",
            "The output exists, and nothing is overwritten unasked.",
            where=str(path),
            fix="Give another name, or force=True (--force).",
        )
    try:
        write_atomic(path, content)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise DataError(
            "output.disk_full" if full else "output.unwritable",
            f"The output cannot be written: {error.strerror}.",
            where=str(path),
            got=f"{len(content)} bytes to write",
            fix="Free some room, or give a path on another disk." if full else "Give a path in a folder you may write.",
        ) from error
    return path
