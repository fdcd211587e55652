"""What an opened source is, whatever opened it: names, and batches of raw columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from afield.core.findings import Finding
from afield.data.raw import Batch


@dataclass(frozen=True, kw_only=True)
class Source:
    """An opened source.

    Parameters
    ----------
    name : str
        What people call it: path, URL without secrets, or the type of the object.
    format : str
        "csv", "parquet", "excel", "json" or "frame".
    names : tuple of str
        The columns, in order.
    batches : callable
        ``batches(rows, wanted)`` yields raw columns of about that many rows, of the wanted columns.
    digest, bytes : str, int
        SHA-256 and size of the file; "" and 0 for objects.
    notation : str
        How it is written, for people: delimiter and encoding of text.
    """

    name: str
    format: str
    names: tuple[str, ...]
    batches: Callable[[int, tuple[str, ...]], Iterator[Batch]]
    digest: str = ""
    bytes: int = 0
    notation: str = ""
    findings: tuple[Finding, ...] = ()
