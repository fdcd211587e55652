"""Finds offsets for blocks of memory of which each is needed for a while: as little memory as a greedy search finds.

Two blocks that are needed together never share a byte, but for one case: a node that reads the one for the last time
while it writes the other for the first may write over what it has read, if its output begins far enough before its
input. Operators state that distance (``Operator.lead_bytes``); a ``Lead`` is one such pair.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from afield.platforms.microcontroller.ir import DType, Tensor

ARENA = "arena"


@dataclass(frozen=True, kw_only=True)
class Life:
    """A block of memory over time.

    Parameters
    ----------
    names : tuple of str
        Tensors that live in it; for the working memory of a node the node's outputs' names in brackets.
    size_bytes, alignment : int
    first, last : int
        Index of the node that writes it first, and of the one that reads it last, both included.
    dtype : DType or None
        The one type of all its tensors, or None where it is bytes or mixed.
    """

    names: tuple[str, ...]
    size_bytes: int
    alignment: int
    first: int
    last: int
    dtype: DType | None = None


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a storage begins: ``region`` is "arena", or the name of a graph input or output."""

    region: str
    offset: int


#: (names of the output's life, names of the input's life) -> bytes by which the output begins earlier, at least
Leads = Mapping[tuple[tuple[str, ...], tuple[str, ...]], int]
Placed = list[tuple[Life, Place]]
_ORDERS: tuple[Callable[[Life], tuple[int, int]], ...] = (
    lambda one: (-one.size_bytes, one.first),
    lambda one: (one.first, -one.size_bytes),
    lambda one: (-one.last, -one.size_bytes),
)


def rounded(size: int, alignment: int) -> int:
    """Return the next multiple of ``alignment``."""
    return -(-size // alignment) * alignment


def pack(lives: Iterable[Life], outputs: Mapping[str, tuple[Tensor, int]], leads: Leads | None = None) -> Placed:
    """Place storages: the best of a few orders, each where the arena grows least.

    ``outputs`` are callers' buffers and the node that first writes each: until then they may hold values of their type.
    """
    given = list(lives)
    tried = [
        _packed(sorted(given, key=lambda one: (*order(one), one.names)), outputs, leads or {}) for order in _ORDERS
    ]
    return min(tried, key=extent)


def extent(placed: Placed) -> int:
    """Return the bytes of the arena that are taken."""
    return max((place.offset + life.size_bytes for life, place in placed if place.region == ARENA), default=0)


def together(one: Life, other: Life) -> bool:
    """Return whether both are needed at some time."""
    return one.first <= other.last and other.first <= one.last


def _packed(lives: list[Life], outputs: Mapping[str, tuple[Tensor, int]], leads: Leads) -> Placed:
    placed: Placed = []
    low = high = 0  # the arena so far; it may grow at both ends
    for life in lives:
        place = None
        for name, (tensor, written) in outputs.items():
            if life.dtype is tensor.dtype and life.last < written and place is None:
                offset = _lowest(life, [(o, p.offset) for o, p in placed if p.region == name])
                if offset + life.size_bytes <= tensor.size_bytes:
                    place = Place(region=name, offset=offset)
        if place is None:
            offset = _best(
                life, _barred(life, [(o, p.offset) for o, p in placed if p.region == ARENA], leads), low, high
            )
            low, high = min(low, offset), max(high, offset + life.size_bytes)
            place = Place(region=ARENA, offset=offset)
        placed.append((life, place))
    start = -rounded(-low, max((life.alignment for life in lives), default=1))
    return [(o, Place(region=ARENA, offset=p.offset - start) if p.region == ARENA else p) for o, p in placed]


def _lowest(life: Life, others: list[tuple[Life, int]]) -> int:
    """Return the lowest offset from 0 on that is free during a life."""
    offset = 0
    for start, end in sorted((at, at + other.size_bytes) for other, at in others if together(life, other)):
        if offset + life.size_bytes <= start:
            break
        offset = max(offset, rounded(end, life.alignment))
    return offset


def _barred(life: Life, others: list[tuple[Life, int]], leads: Leads) -> list[tuple[int, int]]:
    """Return the offsets that are not free as open intervals, sorted."""
    found = []
    for other, at in others:
        if together(life, other):
            before, after = at - life.size_bytes, at + other.size_bytes
            as_output, as_input = leads.get((life.names, other.names)), leads.get((other.names, life.names))
            if as_output is not None:
                before = max(before, at - as_output)
            if as_input is not None:
                after = min(after, at + as_input)
            found.append((before, after))
    return sorted(found)


def _best(life: Life, barred: list[tuple[int, int]], low: int, high: int) -> int:
    """Return the free offset at which an arena from ``low`` to ``high`` grows least, the lowest of such."""
    step = life.alignment
    candidates = [rounded(low, step), *(before // step * step for before, _ in barred)]
    candidates += [rounded(after, step) for _, after in barred]
    free = [one for one in candidates if not any(before < one < after for before, after in barred)]

    def grown(offset: int) -> tuple[int, bool, int]:
        return max(high, offset + life.size_bytes) - min(low, offset), offset < 0, offset

    return min(free, key=grown)
