"""Columns as a source gives them, before kinds are known: text cells, typed numbers, typed strings, or objects.

Readers yield batches of these. A whole table is the batches joined, so that reading a file at once and reading it
as a stream are one code path.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

#: Parts the cells of a packed chunk; a chunk with a cell that holds it stays a list.
SEPARATOR = "\x1f"


@dataclass(frozen=True)
class TextCells:
    """Cells of a text file, as written.

    ``chunks``: cells joined by ``SEPARATOR`` (eight bytes a cell instead of sixty), or a list of them.
    """

    chunks: tuple[str | Sequence[str], ...]
    rows: int

    def __len__(self) -> int:
        return self.rows

    def lists(self) -> list[Sequence[str]]:
        """Return the chunks as lists of cells."""
        return [c.split(SEPARATOR) if isinstance(c, str) else c for c in self.chunks]

    @classmethod
    def pack(cls, cells: Sequence[str]) -> TextCells:
        """Return the cells of one chunk, packed."""
        joined = SEPARATOR.join(cells)
        whole = not cells or joined.count(SEPARATOR) != len(cells) - 1
        return cls((cells if whole else joined,), len(cells))


@dataclass(frozen=True)
class NumberCells:
    """Typed numbers: float64 [N], NaN = missing; ``whole`` when the source's type is an integer."""

    values: NDArray[np.float64]
    whole: bool

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class CodedCells:
    """Typed text, booleans or datetimes.

    ``codes``: int32 [N] into ``levels``, distinct texts in order of first appearance, ``""`` = missing. Booleans and
    datetimes are in canonical text. ``typed`` "category" stands for a source that calls the column categorical.
    """

    codes: NDArray[np.int32]
    levels: NDArray[np.object_]
    typed: Literal["text", "category", "boolean", "datetime"]

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True)
class ObjectCells:
    """Python objects, as JSON, Excel and object columns give them."""

    values: Sequence[object]

    def __len__(self) -> int:
        return len(self.values)


RawColumn = TextCells | NumberCells | CodedCells | ObjectCells
Batch = Mapping[str, RawColumn]


def join(parts: Sequence[RawColumn]) -> RawColumn:
    """Return one column of the batches of a column."""
    if len(parts) == 1:
        return parts[0]
    if all(isinstance(p, TextCells) for p in parts):
        chunks = tuple(c for p in parts for c in p.chunks)  # type: ignore[union-attr]
        return TextCells(chunks, sum(map(len, parts)))
    if all(isinstance(p, NumberCells) for p in parts):
        whole = all(p.whole for p in parts)  # type: ignore[union-attr]
        return NumberCells(np.concatenate([p.values for p in parts]), whole)  # type: ignore[union-attr]
    if all(isinstance(p, CodedCells) for p in parts):
        return _join_coded(parts)  # type: ignore[arg-type]
    if all(isinstance(p, ObjectCells) for p in parts):
        return ObjectCells([v for p in parts for v in p.values])  # type: ignore[union-attr]
    raise TypeError("the batches of a column differ in form")


def _join_coded(parts: Sequence[CodedCells]) -> CodedCells:
    index: dict[str, int] = {}
    codes = []
    for part in parts:
        places = [index.setdefault(level, len(index)) for level in part.levels]
        codes.append(np.asarray(places, dtype=np.int32)[part.codes] if len(part) else part.codes)
    return CodedCells(np.concatenate(codes), objects(list(index)), parts[0].typed)


def objects(values: Sequence[Any]) -> NDArray[np.object_]:
    """Return an object array of these, whatever they are."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def coded(cells: TextCells) -> CodedCells:
    """Return the text cells as codes into their distinct values."""
    index: dict[str, int] = _Index()
    find = index.__getitem__
    codes = [np.fromiter(map(find, chunk), dtype=np.int32, count=len(chunk)) for chunk in cells.lists()]
    joined = np.concatenate(codes) if codes else np.empty(0, dtype=np.int32)
    return CodedCells(joined, objects(list(index)), "text")


class _Index(dict[str, int]):
    """Gives each new key the next number."""

    def __missing__(self, key: str) -> int:
        number = self[key] = len(self)
        return number
