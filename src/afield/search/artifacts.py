"""Arrays and fitted states on disk: written whole or not at all, checked by SHA-256, never pickled.

What a journal line speaks of is written here first, and is durable before the line is.
"""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import DTypeLike, NDArray

from afield.core.errors import EngineError
from afield.core.files import replacing, write_atomic

POINT = "artifact.replace"


def _damaged(path: Path, what: str) -> EngineError:
    return EngineError(
        "study.artifact", what, where=str(path), fix="begin a new study; what is stored cannot be trusted"
    )


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array in C order, so that equal arrays give equal bytes."""
    if array.dtype.hasobject:
        raise TypeError(f"arrays of {array.dtype} are not stored: only plain numbers, booleans, dates and text")
    return np.asarray(array, order="C")


def save_state(path: Path, state: Mapping[str, NDArray[Any]]) -> str:
    """Write named arrays (any shape; no object dtype) to one file and return its SHA-256 as hex digits.

    The file is an ``.npz`` that ``numpy.load`` reads. Equal states give equal bytes: no times, one order of keys.

    Raises
    ------
    AfieldError
        ``output.disk_full``, ``output.unwritable``.
    TypeError
        An array holds Python objects.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(state):
            entry = zipfile.ZipInfo(f"{name}.npy")  # its time is fixed: 1980-01-01
            entry.create_system = 3  # else the bytes would tell the operating system
            with archive.open(entry, "w", force_zip64=True) as file:
                npy.write_array(file, _plain(np.asarray(state[name])), allow_pickle=False)
    content = buffer.getbuffer()
    write_atomic(path, content, point=POINT)
    return hashlib.sha256(content).hexdigest()


def load_state(path: Path, sha256: str) -> dict[str, NDArray[Any]]:
    """Return the arrays that ``save_state`` wrote.

    Raises
    ------
    EngineError
        ``study.artifact``: the file is missing, unreadable, or not the one with this checksum.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _damaged(path, f"A stored state cannot be read: {error.strerror}.") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise _damaged(path, "A stored state is not what was written: its checksum differs.")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {
            name.removesuffix(".npy"): npy.read_array(io.BytesIO(archive.read(name)), allow_pickle=False)
            for name in archive.namelist()
        }


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hex digits, in constant memory."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def new_array(path: Path, shape: tuple[int, ...], dtype: DTypeLike) -> Iterator[NDArray[Any]]:
    """Give a zeroed array on disk to fill, chunk by chunk; it stands under ``path`` when the block has ended well.

    Raises
    ------
    AfieldError
        ``output.disk_full``, ``output.unwritable``.
    """
    kind = np.dtype(dtype)
    with replacing(path, point=POINT) as temporary:
        if 0 in shape:  # nothing to map
            empty = np.empty(shape, kind)
            with open(temporary, "wb") as file:
                npy.write_array(file, empty, allow_pickle=False)
            yield empty
            return
        _reserve(temporary, path, shape, kind)
        array = npy.open_memmap(temporary, mode="r+")
        yield array
        array.flush()


def _reserve(temporary: Path, path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Write the header and claim the room, so that a full disk is an error here and not a SIGBUS in mapped memory."""
    header = {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    with open(temporary, "wb") as file:
        npy.write_array_header_1_0(file, header)
        size = dtype.itemsize * int(np.prod(shape, dtype=np.int64))
        start = file.tell()
        file.truncate(start + size)
        file.flush()
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), start, size)


def save_array(path: Path, array: NDArray[Any]) -> str:
    """Write one array as ``.npy`` and return the file's SHA-256 as hex digits.

    Raises
    ------
    AfieldError
        ``output.disk_full``, ``output.unwritable``.
    TypeError
        The array holds Python objects.
    """
    with replacing(path, point=POINT) as temporary:
        with open(temporary, "wb") as file:
            npy.write_array(file, _plain(array), allow_pickle=False)
        return file_sha256(temporary)


def open_array(path: Path, sha256: str | None = None) -> NDArray[Any]:
    """Map an array that ``save_array`` or ``new_array`` wrote, read-only.

    Parameters
    ----------
    path : Path
    sha256 : str, optional
        Read the whole file first and hold it to this checksum.

    Raises
    ------
    EngineError
        ``study.artifact``: the file is missing, damaged, or not the one with this checksum.
    """
    try:
        if sha256 is not None and file_sha256(path) != sha256:
            raise _damaged(path, "A stored array is not what was written: its checksum differs.")
        with open(path, "rb") as file:
            version = npy.read_magic(file)
            shape, _, _ = npy.read_array_header_1_0(file) if version == (1, 0) else npy.read_array_header_2_0(file)
        array: NDArray[Any] = np.load(path, mmap_mode=None if 0 in shape else "r", allow_pickle=False)
    except OSError as error:
        raise _damaged(path, f"A stored array cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise _damaged(path, f"A stored array cannot be read: {error}.") from error
    return array
