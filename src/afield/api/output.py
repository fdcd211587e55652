"""Where output goes: checked before the work, written to a temporary sibling, renamed when it is whole."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from afield.core.errors import UnsupportedError
from afield.core.files import fsync_folder


def check_output(path: Path, *, force: bool) -> None:
    """Refuse a path that cannot be written, before any work is done for it.

    Raises
    ------
    UnsupportedError
        ``output.exists``, ``output.unwritable``.
    """
    if path.is_dir():
        raise UnsupportedError("output.unwritable", "A folder stands where the file is to go.", where=str(path))
    if path.exists() and not force:
        raise UnsupportedError(
            "output.exists",
            "The output exists, and nothing is overwritten unasked.",
            where=str(path),
            fix="Give another name, or --force (force=True).",
        )
    if not path.parent.is_dir():
        raise UnsupportedError(
            "output.unwritable",
            "The folder for the output does not exist.",
            where=str(path.parent),
            fix="Make the folder, or give another path.",
        )
    if not os.access(path.parent, os.W_OK):
        raise UnsupportedError(
            "output.unwritable", "The folder for the output cannot be written.", where=str(path.parent)
        )


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary sibling to write; it becomes ``path`` when all went well, and goes when not.

    Raises
    ------
    UnsupportedError
        ``output.unwritable``, ``output.disk_full``.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if error.filename not in (str(temporary), None) or isinstance(error, BrokenPipeError):
            raise
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise UnsupportedError(
            "output.disk_full" if full else "output.unwritable",
            f"The output cannot be written: {error.strerror or error}.",
            where=str(path),
            fix="Free some room, or give a path on another disk." if full else "Give a path in a folder you may write.",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    fsync_folder(path.parent)
