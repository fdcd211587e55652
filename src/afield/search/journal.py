r"""What a study has done, so that it can go on after any end: one file of records, each with its checksum.

A line is ``crc32 json\n``: eight hex digits over the JSON's bytes. A record counts once ``append`` has returned, for
then it is on the disk. The end of the file may be torn by a crash: bad lines after the last good one are cut off on
opening. A bad line *before* a good one is damage that no crash makes, and is refused.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from afield.core.errors import EngineError
from afield.core.failpoints import failpoint
from afield.core.files import fsync_folder, write_failed
from afield.core.interrupts import held_interrupts
from afield.search.lock import FileLock

Record = dict[str, Any]
HEADER: Record = {"kind": "journal", "version": 1}


def _encode(record: Mapping[str, Any]) -> bytes:
    if not isinstance(record.get("kind"), str):
        raise ValueError(f'a record needs a "kind": {record!r}')
    # ASCII only, so that any str survives, lone surrogates included, and no line break is inside
    body = json.dumps(dict(record), allow_nan=False, separators=(",", ":")).encode("ascii")
    return b"%08x %s\n" % (zlib.crc32(body), body)


def _decode(line: bytes) -> Record | None:
    """Return the record of a line without its end, None for anything else."""
    if line[8:9] != b" " or line[:8] != b"%08x" % zlib.crc32(line[9:]):
        return None
    record: Record = json.loads(line[9:])
    return record


def _replay(content: bytes, path: Path) -> tuple[list[Record], int]:
    """Return the good records and the offset behind the last of them."""
    records: list[Record] = []
    bad, good, offset = 0, 0, 0
    *lines, rest = content.split(b"\n")  # without its line break, even a good record is torn
    for number, line in enumerate(lines, 1):
        offset += len(line) + 1
        record = _decode(line)
        if record is None:
            bad = bad or number
        elif bad:
            raise EngineError(
                "study.journal",
                f"Line {bad} of the journal is damaged, and whole lines follow it.",
                where=f"{path}, line {bad}",
                fix="restore the file from a copy, or begin a new study",
            )
        else:
            records.append(record)
            good = offset
    begun = records[0] == HEADER if records else _encode(HEADER).startswith(content.strip(b"\0"))
    if not begun:  # cutting a torn end must never empty somebody's file
        raise EngineError(
            "study.journal",
            "The file is not a journal, or not of this version of afield.",
            where=f"{path}, line 1",
            got=str(records[0] if records else (lines or [rest])[0])[:200],
            expected=str(HEADER),
            fix="use the afield that wrote it, or begin a new study",
        )
    return records[1:], good


def read_journal(path: Path) -> list[Record]:
    """Return the records of a journal that another process may be writing. A torn end is left as it is.

    Raises
    ------
    EngineError
        ``study.journal``, ``study.not_found``.
    """
    try:
        return _replay(path.read_bytes(), path)[0]
    except FileNotFoundError as error:
        raise EngineError("study.not_found", "There is no journal.", where=str(path)) from error


class Journal:
    """An open journal, held by this process alone.

    Parameters
    ----------
    path : Path
        Made if absent; a ``.lock`` file stands beside it.

    Attributes
    ----------
    records : list of dict
        Everything recorded, in order.
    torn_bytes : int
        What was cut off the end on opening.

    Raises
    ------
    EngineError
        ``study.busy``, ``study.journal``.
    AfieldError
        ``output.disk_full``, ``output.unwritable``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = FileLock(path.with_name(path.name + ".lock"))
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644)
        except OSError as error:
            self._lock.release()
            raise write_failed(error, path) from error
        self._open = True
        try:
            content = path.read_bytes()
            self.records, self._good = _replay(content, path)
            self.torn_bytes = len(content) - self._good
            if self.torn_bytes:
                os.ftruncate(self._handle, self._good)
            if not self._good:
                self._write(_encode(HEADER), sync=True)
                fsync_folder(path.parent)
        except BaseException:
            self.close()
            raise

    @classmethod
    def open(cls, path: Path) -> Journal:
        """Open or make the journal at ``path``."""
        return cls(path)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def append(self, records: Mapping[str, Any] | Iterable[Mapping[str, Any]], *, sync: bool = True) -> None:
        """Record one or more JSON objects, each with a "kind"; they are on the disk when this returns.

        Parameters
        ----------
        records : dict or iterable of dict
            Several cost one fsync together.
        sync : bool
            False leaves the fsync to the next append or ``sync``.

        Raises
        ------
        AfieldError
            ``output.disk_full``, ``output.unwritable``: nothing of these records is in the file.
        ValueError, TypeError
            A record is not JSON or has no kind; nothing was written.
        """
        taken = [records] if isinstance(records, Mapping) else list(records)
        lines = [_encode(record) for record in taken]
        if lines:
            with held_interrupts():  # Ctrl-C must not leave half a line for the next append to follow
                self._write(b"".join(lines), sync=sync)
                # as they will be after a restart: what JSON changes (tuples, keys) is changed at once
                self.records += [json.loads(line[9:]) for line in lines]

    def sync(self) -> None:
        """Make everything durable that was appended with ``sync=False``."""
        try:
            os.fsync(self._handle)
        except OSError as error:
            raise write_failed(error, self.path) from error

    def close(self) -> None:
        """Make everything durable and let the journal go; a second call does nothing."""
        if self._open:
            self._open = False
            try:
                os.fsync(self._handle)
            except OSError as error:
                raise write_failed(error, self.path) from error
            finally:
                os.close(self._handle)
                self._lock.release()

    def _write(self, content: bytes, *, sync: bool) -> None:
        if not self._open:  # the system may have given our number to another file
            raise ValueError(f"the journal {self.path} is closed")
        failpoint("journal.write")
        try:
            self._write_all(content[: len(content) // 2])
            failpoint("journal.half")
            self._write_all(content[len(content) // 2 :])
            if sync:
                os.fsync(self._handle)
        except OSError as error:
            try:
                os.ftruncate(self._handle, self._good)
            except OSError:  # nothing may ever be written behind half a line
                self.close()
            raise write_failed(error, self.path) from error
        self._good += len(content)
        failpoint("journal.synced")

    def _write_all(self, content: bytes) -> None:
        view = memoryview(content)
        while view:
            view = view[os.write(self._handle, view) :]
