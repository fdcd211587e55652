"""Pictures and sounds as values: how arrays are given to a model, and how samples of them lie inside the file.

A picture is uint8 [height, width, 3], any size; a sound is float32 [samples] at the rate that the schema states, -1 to
1. Rows that go together have one size. Inside the file a sample is text: dtype, shape, and zlib in base64.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.core.errors import ModelFileError
from afield.problem.schema import ColumnSpec

#: kind -> element type, and dimensions of one value
FORMS: dict[str, tuple[type[Any], int]] = {"image": (np.uint8, 3), "audio": (np.float32, 1)}
WANTED = {
    "image": "a uint8 array [N, height, width, 3], or a list of pictures of one size",
    "audio": "a float32 array [N, samples], or a list of sounds of one length",
}


def read_media(spec: ColumnSpec, values: NDArray[Any] | Sequence[Any]) -> NDArray[Any]:
    """Return graph input of an image or audio column, [N, ...].

    Raises
    ------
    ModelFileError
        ``model.cell``.
    """
    dtype, dimensions = FORMS[spec.kind]
    try:
        array = np.asarray(values)
    except ValueError:  # values of several sizes
        array = np.zeros(0, dtype=object)
    floats = array.dtype.kind == "f" and spec.kind == "audio"
    if (
        array.ndim != dimensions + 1
        or not (array.dtype == dtype or floats)
        or (dimensions == 3 and array.shape[-1] != 3)
    ):
        raise ModelFileError(
            "model.cell",
            f"The {spec.kind} column {spec.name!r} cannot take these values.",
            where=f"column {spec.name!r}",
            got=f"{array.dtype} {list(array.shape)}" if array.dtype != object else "values of several sizes or types",
            expected=WANTED[spec.kind],
        )
    return np.ascontiguousarray(array, dtype=dtype)


def encode_array(array: NDArray[Any]) -> str:
    """Return an array as text, such as ``uint8 48x64x3 eJzt...``."""
    packed = base64.b64encode(zlib.compress(np.ascontiguousarray(array).tobytes(), 9)).decode()
    return f"{array.dtype} {'x'.join(map(str, array.shape))} {packed}"


def decode_array(text: str) -> NDArray[Any]:
    """Return the array that ``encode_array`` wrote.

    Raises
    ------
    ValueError
    """
    dtype, shape, packed = text.split(" ")
    if dtype not in {np.dtype(d).name for d, _ in FORMS.values()}:
        raise ValueError(f"samples of type {dtype!r}")
    try:
        content = zlib.decompress(base64.b64decode(packed, validate=True))
    except (binascii.Error, zlib.error) as error:
        raise ValueError("a sample cannot be unpacked") from error
    return np.frombuffer(content, dtype=dtype).reshape([int(n) for n in shape.split("x")])
