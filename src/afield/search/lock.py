"""A file that one living process holds. The system lets go of it when the process dies, so no lock is ever stale."""

from __future__ import annotations

import contextlib
import os
import sys
import weakref
from pathlib import Path

from afield.core.errors import EngineError
from afield.core.files import write_failed

_held: weakref.WeakSet[FileLock] = weakref.WeakSet()

if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        os.lseek(handle, 1 << 30, os.SEEK_SET)  # far behind the process id, which others may then read
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

    def _unlock(handle: int) -> None:
        os.lseek(handle, 1 << 30, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_UN)


class FileLock:
    """Holds ``path`` until ``release`` or the end of the process. The file stays, with the last holder's id in it.

    Raises
    ------
    EngineError
        ``study.busy``: another process, or another lock of this one, has it.
    AfieldError
        ``output.unwritable``, ``output.disk_full``.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise write_failed(error, path) from error
        try:
            _lock(self._handle)
        except OSError as error:  # BlockingIOError, or PermissionError on Windows
            holder = os.read(self._handle, 20).decode("ascii", "replace").strip()
            os.close(self._handle)
            raise EngineError(
                "study.busy",
                f"Process {holder or 'unknown'} is working on this study.",
                where=str(path),
                fix="wait until it has ended, or stop it",
            ) from error
        with contextlib.suppress(OSError):  # a full disk: the lock holds without the note
            os.ftruncate(self._handle, 0)
            os.pwrite(self._handle, f"{os.getpid()}\n".encode(), 0)
        _held.add(self)

    def release(self) -> None:
        """Let go; a second call does nothing."""
        if self in _held:
            _held.discard(self)
            _unlock(self._handle)  # for a forked copy that has not closed its handle yet
            os.close(self._handle)


def _drop_inherited() -> None:
    """In a forked copy: close its handles, or it would hold the lock after its parent has died."""
    for lock in list(_held):
        os.close(lock._handle)  # and no unlocking: that would free it for the parent too
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_drop_inherited)
