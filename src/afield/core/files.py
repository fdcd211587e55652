"""Writing files so that a crash leaves the old one or the new one, never half of one."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path

from afield.core.errors import OutputError
from afield.core.failpoints import failpoint

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def write_failed(error: OSError, path: Path) -> OutputError:
    """Return the error to raise when ``path`` could not be written: ``output.disk_full`` or ``output.unwritable``."""
    if error.errno in FULL:
        return OutputError(
            "output.disk_full", f"The disk is full: {error.strerror}.", where=str(path), fix="make room and go on"
        )
    return OutputError("output.unwritable", f"The file cannot be written: {error.strerror or error}.", where=str(path))


def fsync_folder(folder: Path) -> None:
    """Make renames in ``folder`` durable."""
    if os.name == "nt":  # Windows has no folder handles to sync
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def replacing(path: Path, *, point: str = "file.replace") -> Iterator[Path]:
    """Give a temporary sibling to write; then fsync it and rename it to ``path``.

    An exception leaves ``path`` as it was. ``point`` is the failpoint between the two.

    Raises
    ------
    OutputError
        ``output.disk_full``, ``output.unwritable``.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        handle = os.open(temporary, os.O_RDWR)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        failpoint(point)
        os.replace(temporary, path)
        fsync_folder(path.parent)
    except OSError as error:
        if error.errno not in FULL and error.filename and str(error.filename) != str(temporary):
            raise  # about another file that the block worked with
        raise write_failed(error, path) from error
    finally:
        with suppress(NotADirectoryError):  # the parent is a file: said above
            temporary.unlink(missing_ok=True)


def write_atomic(path: Path, content: bytes | memoryview, *, point: str = "file.replace") -> None:
    """Write ``content`` to ``path`` through a temporary sibling, fsync and rename.

    Raises
    ------
    OutputError
        ``output.disk_full``, ``output.unwritable``.
    """
    with replacing(path, point=point) as temporary:
        temporary.write_bytes(content)


def remove_parts(folder: Path, name: str = "", *, below: bool = False) -> int:
    """Remove what killed processes left half written in ``folder``, of the file ``name`` or of all; return how many.

    With ``below`` in the folders below it too. Nobody may be writing there.
    """
    pattern = f".{escape(name)}.*.part" if name else ".*.part"
    parts = list(folder.rglob(pattern) if below else folder.glob(pattern))
    for part in parts:
        part.unlink(missing_ok=True)
    return len(parts)
