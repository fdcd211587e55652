"""Opens any source as batches of raw columns: files by their content, not their name; frames and Python objects."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from afield.core.errors import DataError
from afield.data.files import LocalFile, find_encoding, local_file
from afield.data.source import Source


@contextmanager
def open_source(source: object) -> Iterator[Source]:
    """Open a path, URL, frame, array, or columns or rows of Python objects.

    Raises
    ------
    DataError
        ``data.not_found``, ``data.is_directory``, ``data.empty``, ``data.binary``, ``data.format``,
        ``data.duplicate_columns``, ``data.unsupported``.
    """
    if not isinstance(source, (str, os.PathLike)):
        from afield.data.frames import open_object

        yield open_object(source)
        return
    with tempfile.TemporaryDirectory(prefix="afield-") as folder:
        path = os.fspath(source)
        text = path.decode() if isinstance(path, bytes) else str(path)
        with local_file(text, Path(folder)) as file:
            yield _open_file(file, Path(folder))


def _open_file(file: LocalFile, folder: Path) -> Source:
    with open(file.path, "rb") as raw:
        start = raw.read(8)
    if start.startswith(b"PAR1"):
        from afield.data.parquet import open_parquet

        return open_parquet(file)
    if start.startswith(b"\xd0\xcf\x11\xe0") or (file.packing == "zip" and _is_workbook(file)):
        from afield.data.excel import open_excel

        return open_excel(file)
    head = file.head()
    if not head:
        raise DataError("data.empty", "The file is empty.", where=file.shown)
    if file.packing and head.startswith((b"PAR1", b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise DataError(
            "data.format",
            f"The file is a {file.packing} archive of another packed format.",
            where=file.shown,
            fix="unpack it first",
        )
    if file.path.suffix.lower() in (".parquet", ".xlsx", ".xls", ".xlsb", ".ods"):
        raise DataError(
            "data.format",
            f"The name ends in {file.path.suffix}, and the content is something else.",
            where=file.shown,
            got=repr(head[:16]),
            fix="write the file again, or give it its right name",
        )
    encoding = find_encoding(file)
    from afield.data.text import open_text

    return open_text(file, encoding)


def _is_workbook(file: LocalFile) -> bool:
    import zipfile

    from afield.data.files import DAMAGE, damaged

    try:
        with zipfile.ZipFile(file.path) as archive:
            names = set(archive.namelist())
            if "[Content_Types].xml" in names:
                return True
            return "mimetype" in names and b"opendocument.spreadsheet" in archive.read("mimetype")
    except DAMAGE as error:
        raise damaged(file.shown, f"the zip is damaged ({error})") from error
