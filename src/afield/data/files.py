"""From a path or URL to bytes that can be read twice: downloading, unpacking, digest, encoding."""

from __future__ import annotations

import bz2
import codecs
import gzip
import hashlib
import io
import lzma
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, TextIO
from urllib.parse import urlsplit, urlunsplit

from afield.core.errors import DataError, MissingDependencyError, did_you_mean

BLOCK = 1 << 20
HEAD = 1 << 16
#: What reading damaged archives raises.
DAMAGE = (gzip.BadGzipFile, zlib.error, EOFError, lzma.LZMAError, zipfile.BadZipFile)
Packing = Literal["", "gzip", "bz2", "xz", "zip"]
_UNDEFINED_1252 = bytes((0x81, 0x8D, 0x8F, 0x90, 0x9D))
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\v\x01\x1a\x1f")) + b"\x7f"


@dataclass(frozen=True)
class LocalFile:
    """A file on this machine. ``shown`` is the name that people know it by; ``packing`` how it is compressed."""

    path: Path
    shown: str
    packing: Packing = ""

    @property
    def size(self) -> int:
        """Size on disk."""
        return self.path.stat().st_size

    def digest(self) -> str:
        """Return the SHA-256 of the bytes on disk, in hex."""
        with open(self.path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open the unpacked content; damage raises ``data.format``."""
        try:
            if self.packing == "zip":
                with zipfile.ZipFile(self.path) as archive, archive.open(_only_member(archive, self.shown)) as member:
                    yield member
            else:
                opener = {"": io.open, "gzip": gzip.open, "bz2": bz2.open, "xz": lzma.open}[self.packing]
                with opener(self.path, "rb") as file:  # type: ignore[operator]
                    yield file
        except DAMAGE as error:
            raise damaged(self.shown, f"the {self.packing or 'file'} content is damaged ({error})") from error
        except (NotImplementedError, RuntimeError) as error:  # zipfile: unknown method, password
            if self.packing != "zip":
                raise
            raise damaged(self.shown, f"the zip cannot be unpacked ({error})") from error

    @contextmanager
    def open_text(self, encoding: str) -> Iterator[TextIO]:
        """Open the unpacked content as text with line ends as they are."""
        with self.open() as file, io.TextIOWrapper(file, encoding=encoding, newline="") as text:
            yield text

    def head(self) -> bytes:
        """Return the first bytes of the unpacked content."""
        with self.open() as file:
            return file.read(HEAD)


def damaged(where: str, why: str) -> DataError:
    """Return the error for a file that is not what it says."""
    return DataError(
        "data.format", f"The file cannot be read: {why}.", where=where, fix="write or download the file again"
    )


@contextmanager
def local_file(source: str, folder: Path) -> Iterator[LocalFile]:
    """Yield the file behind a path or URL; a URL is brought into ``folder`` first.

    Raises
    ------
    DataError
        ``data.not_found``, ``data.is_directory``, ``data.empty``.
    """
    if is_url(source):
        shown = without_secrets(source)
        path = _download(source, shown, folder)
    else:
        path, shown = Path(source).expanduser(), str(source)
        _check(path, shown)
    if path.stat().st_size == 0:
        raise DataError("data.empty", "The file is empty.", where=shown)
    with open(path, "rb") as file:
        start = file.read(6)
    packing: Packing = ""
    for magic, name in ((b"\x1f\x8b", "gzip"), (b"BZh", "bz2"), (b"\xfd7zXZ", "xz"), (b"PK\x03\x04", "zip")):
        if start.startswith(magic):
            packing = name  # type: ignore[assignment]
    yield LocalFile(path, shown, packing)


def is_url(source: str) -> bool:
    """Tell a URL from a path."""
    scheme, mark, _ = source.partition("://")
    return bool(mark) and len(scheme) > 1 and scheme.replace("+", "").replace(":", "").isalnum()


def without_secrets(url: str) -> str:
    """Return the URL without user, password and query, which may hold keys."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _check(path: Path, shown: str) -> None:
    if path.is_dir():
        inside = sorted(p.name for p in path.iterdir() if p.is_file())[:5]
        raise DataError(
            "data.is_directory",
            "This is a directory; one file is needed.",
            where=shown,
            fix=f"name a file in it, such as {inside[0]}" if inside else "name a file",
        )
    if not path.exists():
        near = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        fix = did_you_mean(path.name, sorted(near)) if near else "check the path"
        raise DataError(
            "data.not_found", "The file does not exist.", where=shown, fix=fix if "mean" in fix else "check the path"
        )
    try:
        with open(path, "rb"):
            pass
    except OSError as error:
        raise DataError("data.not_found", f"The file cannot be opened: {error.strerror}.", where=shown) from error


def _remote(source: str) -> AbstractContextManager[IO[bytes]]:
    """Open a URL: the web by the standard library, which fsspec cannot do alone, all else by fsspec."""
    if source.lower().startswith(("http://", "https://")):
        from urllib.request import Request, urlopen

        request = Request(source, headers={"User-Agent": "afield"})  # noqa: S310 - http or https
        opened: AbstractContextManager[IO[bytes]] = urlopen(request, timeout=60)  # noqa: S310
        return opened
    import fsspec

    other: AbstractContextManager[IO[bytes]] = fsspec.open(source, "rb")
    return other


def _download(source: str, shown: str, folder: Path) -> Path:
    path = folder / "download"
    try:
        with _remote(source) as remote, open(path, "wb") as local:
            shutil.copyfileobj(remote, local, BLOCK)
    except ImportError as error:  # fsspec says which package its back end lacks
        raise MissingDependencyError(
            "dependency.missing", f"Reading {shown} needs another package: {error}", fix="install it with pip"
        ) from error
    except IsADirectoryError as error:
        raise DataError("data.is_directory", "This is a directory; one file is needed.", where=shown) from error
    except Exception as error:  # each fsspec back end raises its own classes
        why = str(error).replace(source, shown).partition("\n")[0] or type(error).__name__
        raise DataError(
            "data.not_found",
            f"The URL cannot be read: {why}",
            where=shown,
            fix="check the address and the access to it",
        ) from error
    return path


def _only_member(archive: zipfile.ZipFile, shown: str) -> zipfile.ZipInfo:
    members = [m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith("__MACOSX/")]
    if len(members) != 1:
        names = ", ".join(m.filename for m in members[:5])
        raise DataError(
            "data.format",
            f"The zip holds {len(members)} files; one is needed.",
            where=shown,
            got=names,
            fix="unpack it and name one of the files",
        )
    return members[0]


def find_encoding(file: LocalFile) -> str:
    """Return the encoding of a text file, having looked at all of it.

    A byte-order mark decides; else NULs at every other place mean UTF-16; else UTF-8 when all of it is valid;
    else CP1252.

    Raises
    ------
    DataError
        ``data.binary``.
    """
    head = file.head()
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
    ):
        if head.startswith(mark):
            return _checked(file, name)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _checked(file, "utf-16")
    if b"\0" in head:
        odd, even, half = head[1::2].count(0), head[::2].count(0), max(1, len(head) // 2)
        if odd > 0.4 * half and even < 0.05 * half:
            return _checked(file, "utf-16-le")
        if even > 0.4 * half and odd < 0.05 * half:
            return _checked(file, "utf-16-be")
    if len(head) - len(head.translate(None, _CONTROL)) > len(head) * 0.02:
        raise _binary(file.shown, "many bytes are control characters")
    return _eight_bit(file)


def _eight_bit(file: LocalFile) -> str:
    decoder, line, utf8, cp1252 = codecs.getincrementaldecoder("utf-8")(), 1, True, True
    with file.open() as content:
        while block := content.read(BLOCK):
            if b"\0" in block:
                raise _binary(file.shown, f"there is a NUL byte on line {line + block[: block.index(0)].count(10)}")
            line += block.count(b"\n")
            cp1252 = cp1252 and len(block.translate(None, _UNDEFINED_1252)) == len(block)
            if utf8:
                try:
                    decoder.decode(block)
                except UnicodeDecodeError:
                    utf8 = False
        if utf8:
            try:
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                utf8 = False
    if utf8:
        return "utf-8"
    if cp1252:
        return "cp1252"
    raise _binary(file.shown, "the bytes are neither UTF-8 nor CP1252")


def _checked(file: LocalFile, encoding: str) -> str:
    try:
        with file.open_text(encoding) as text:
            while block := text.read(BLOCK):
                if "\0" in block:
                    raise _binary(file.shown, "there is a NUL character in the text")
    except UnicodeError as error:
        raise _binary(file.shown, f"the text is not valid {encoding} ({error})") from error
    return encoding


def _binary(shown: str, why: str) -> DataError:
    return DataError(
        "data.binary",
        f"The file is not a text table: {why}.",
        where=shown,
        fix="give a CSV, TSV, Parquet, Excel or JSON lines file; save text as UTF-8",
    )
