"""The protobuf wire format: just enough to walk a message that nobody has a class for.

Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class WireFormatError(ValueError):
    """The bytes do not follow the wire format."""


def part(value: memoryview | int) -> memoryview:
    """Return the content of a field that must hold a message."""
    if isinstance(value, int):
        raise WireFormatError("a number stands where a message belongs")
    return value


def fields_of(view: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Yield (field number, content) of a message; content is an int for varints, else its bytes."""
    at, end = 0, len(view)
    while at < end:
        key, at = _varint(view, at)
        wire = key & 7
        if wire == _VARINT:
            number, at = _varint(view, at)
            yield key >> 3, number
            continue
        if wire == _BYTES:
            length, at = _varint(view, at)
        elif wire in (_FIXED64, _FIXED32):
            length = 8 if wire == _FIXED64 else 4
        else:
            raise WireFormatError(f"unknown wire type {wire}")
        if at + length > end:
            raise WireFormatError("it ends too early")
        yield key >> 3, view[at : at + length]
        at += length


def spans_of(view: memoryview) -> Iterator[tuple[int, int, int]]:
    """Yield (field number, start, end) of the whole fields of a message."""
    at = 0
    while at < len(view):
        start = at
        key, at = _varint(view, at)
        wire = key & 7
        if wire in (_VARINT, _BYTES):
            value, at = _varint(view, at)
            at += value if wire == _BYTES else 0
        else:
            at += 8 if wire == _FIXED64 else 4
        yield key >> 3, start, at


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        if at >= len(view) or shift > 63:
            raise WireFormatError("it ends too early" if at >= len(view) else "a number is too long")
        byte = view[at]
        result |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return result, at
        shift += 7


def encode_field(number: int, content: bytes) -> bytes:
    """Return a field that holds bytes."""
    return _encode(number << 3 | _BYTES) + _encode(len(content)) + content


def _encode(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)
