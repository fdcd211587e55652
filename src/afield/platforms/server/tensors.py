"""Tensors of the Open Inference Protocol to and from numpy: JSON data, and the binary tensor extension.

Missing is null in JSON, NaN in binary floats and the empty text in binary BYTES. JSON has no infinite number, so the
texts "Infinity", "-Infinity" and "NaN" stand for theirs in floats, as in the JSON form of protocol buffers.

Source: Open Inference Protocol, HTTP/REST; binary tensor data extension.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.platforms.server.failures import Refusal

NUMBERS = {
    "BOOL": "?", "UINT8": "u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8", "INT8": "i1", "INT16": "<i2",
    "INT32": "<i4", "INT64": "<i8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip
FLOATS = ("FP16", "FP32", "FP64")
#: type of a graph input or output in onnxruntime -> datatype of the protocol
DATATYPES = {
    "tensor(double)": "FP64", "tensor(string)": "BYTES", "tensor(float)": "FP32", "tensor(int64)": "INT64",
    "tensor(uint8)": "UINT8",
}  # fmt: skip
_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_LENGTH = struct.Struct("<I")
_PLAIN = {float, int, type(None)}


@dataclass(frozen=True)
class Tensor:
    """An input or output of a graph as the protocol tells of it; -1 in a shape is any size."""

    name: str
    datatype: str
    shape: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the entry in a model's metadata."""
        return {"name": self.name, "datatype": self.datatype, "shape": list(self.shape)}

    def sizes(self, given: Any) -> tuple[int, ...]:
        """Return the shape of a request's tensor; a column may come as [N, 1].

        Raises
        ------
        Refusal
            ``request.tensor``.
        """
        sizes = given if isinstance(given, list) and all(type(d) is int and d > 0 for d in given) else []
        if len(self.shape) == 1 and sizes[1:] == [1]:
            sizes = sizes[:1]
        if len(sizes) != len(self.shape) or any(w not in (-1, d) for w, d in zip(self.shape, sizes, strict=True)):
            raise wrong(self.name, f"its shape is {str(given)[:60]}, and {list(self.shape)} is wanted (-1: at least 1)")
        return tuple(sizes)

    def check(self, datatype: Any) -> str:
        """Return the datatype of a request's tensor, where the graph can take it; raises ``request.tensor``."""
        known = isinstance(datatype, str)  # anything can stand in JSON
        if not known or (datatype != self.datatype and not (self.datatype in FLOATS and datatype in NUMBERS)):
            raise wrong(self.name, f"its datatype is {str(datatype)[:20]!r}, and the model takes {self.datatype}")
        return str(datatype)


def from_json(wanted: Tensor, datatype: str, sizes: tuple[int, ...], data: Any) -> NDArray[Any]:
    """Return the feed of one input from JSON data, nested by rows or flat.

    Raises
    ------
    Refusal
        ``request.tensor``.
    """
    name = wanted.name
    if not isinstance(data, list):
        raise wrong(name, "its data is not a list")
    for _ in range(len(sizes) + 1):
        if not data or not isinstance(data[0], list):
            break
        if any(type(part) is not list for part in data):
            raise wrong(name, "its data mixes lists and values")
        data = list(chain.from_iterable(data))
    if len(data) != math.prod(sizes):
        raise wrong(name, f"its data has {len(data)} elements, and its shape says {str(math.prod(sizes))[:30]}")
    if wanted.datatype == "BYTES":
        if any(type(value) is not str and value is not None for value in data):
            raise wrong(name, "an element is neither a text nor null")
        return _texts(["" if value is None else value for value in data])
    values = _numbers(name, datatype, data)
    if wanted.datatype not in FLOATS and np.isnan(values).any():
        raise wrong(name, f"null is no {wanted.datatype}")
    return _cast(values, wanted).reshape(sizes)


def _numbers(name: str, datatype: str, data: list[Any]) -> NDArray[np.float64]:
    kinds = set(map(type, data))
    if datatype == "BOOL":
        kinds = {int if kind is bool else str for kind in kinds if kind is not type(None)}
    elif str in kinds and datatype in FLOATS:
        data = [_WORDS.get(value, value) if type(value) is str else value for value in data]
        kinds = set(map(type, data))
    if kinds - _PLAIN or (datatype not in FLOATS and float in kinds):
        raise wrong(name, f"an element is not a number of the datatype {datatype}, nor null")
    values = np.array(data, dtype=np.float64)  # None becomes NaN
    if datatype in ("FP64", "BOOL"):
        return values
    if datatype in FLOATS:
        with np.errstate(over="ignore"):
            return values.astype(NUMBERS[datatype]).astype(np.float64)
    limits = np.iinfo(NUMBERS[datatype])
    if any(value is not None and not limits.min <= value <= limits.max for value in data):
        raise wrong(name, f"an element lies outside the range of {datatype}")
    return values


def from_binary(wanted: Tensor, datatype: str, sizes: tuple[int, ...], content: memoryview) -> NDArray[Any]:
    """Return what ``from_json`` returns from the bytes of one tensor.

    Raises
    ------
    Refusal
        ``request.binary``.
    """
    name = wanted.name
    if wanted.datatype == "BYTES":
        return _texts(_split(name, sizes[0], content))
    dtype, count = np.dtype(NUMBERS[datatype]), math.prod(sizes)
    if len(content) != count * dtype.itemsize:
        raise _broken(name, f"it has {len(content)} bytes, and its shape and datatype {datatype} take "
                            f"{str(count * dtype.itemsize)[:30]}")  # fmt: skip
    if datatype == "BOOL" and bytes(content).strip(b"\0\1"):
        raise _broken(name, "a BOOL is neither 0 nor 1")
    return _cast(np.frombuffer(content, dtype=dtype), wanted).reshape(sizes)


def _cast(values: NDArray[Any], wanted: Tensor) -> NDArray[Any]:
    with np.errstate(over="ignore"):
        return values.astype(NUMBERS[wanted.datatype])


def _split(name: str, rows: int, content: memoryview) -> list[str]:
    found, at, end = [], 0, len(content)
    for _ in range(rows):
        if at + 4 > end:
            raise _broken(name, f"it ends before its {rows} elements do")
        (length,) = _LENGTH.unpack_from(content, at)
        at += 4 + length
        if at > end:
            raise _broken(name, "an element is longer than what is left of the tensor")
        try:
            found.append(str(content[at - length : at], "utf-8"))
        except UnicodeDecodeError as error:
            raise _broken(name, f"a text is not UTF-8 ({error.reason})") from error
    if at != end:
        raise _broken(name, f"{end - at} bytes are left after its {rows} elements")
    return found


def _texts(values: Sequence[str]) -> NDArray[Any]:
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


def to_json(values: NDArray[Any]) -> list[Any]:
    """Return the elements in row-major order; NaN is null, the infinite ones are their words."""
    flat = values.reshape(-1)
    if flat.dtype.kind != "f" or np.isfinite(flat).all():
        return flat.tolist()
    return [_word(value) for value in flat.tolist()]


def _word(value: float) -> float | str | None:
    if math.isfinite(value):
        return value
    return None if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def to_binary(values: NDArray[Any]) -> bytes:
    """Return the bytes of a tensor, row-major, little-endian."""
    if values.dtype.kind not in "OU":
        return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<")).tobytes()
    texts = [value.encode() for value in values.reshape(-1).tolist()]
    return b"".join([part for text in texts for part in (_LENGTH.pack(len(text)), text)])


def wrong(name: str, reason: str) -> Refusal:
    """Return the refusal of one tensor."""
    return Refusal("request.tensor", f"The tensor {name[:60]!r} cannot be used: {reason}.", where=name[:60])


def _broken(name: str, reason: str) -> Refusal:
    return Refusal("request.binary", f"The binary data of {name[:60]!r} is wrong: {reason}.", where=name[:60])
