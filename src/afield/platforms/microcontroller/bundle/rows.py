"""Rows as C initialisers of the input struct, and as what the struct holds: float32 and codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.platforms.microcontroller.bundle.meaning import Field, Meaning
from afield.platforms.microcontroller.emission.literals import literal
from afield.platforms.microcontroller.following.columns import MISSING, UNKNOWN
from afield.platforms.microcontroller.ir import DType

Feed = Mapping[str, NDArray[Any]]


def single(feed: Feed) -> dict[str, NDArray[Any]]:
    """Return a feed whose numbers are ones that float32 can hold: the nearest ones."""
    with np.errstate(over="ignore"):
        return {n: v.astype(np.float32).astype(v.dtype) if v.dtype.kind == "f" else v for n, v in feed.items()}


def initialisers(meaning: Meaning, feed: Feed) -> list[str]:
    """Return a brace-enclosed initialiser for each row."""
    rows = len(next(iter(feed.values())))
    known = [_constants(f) for f in meaning.inputs]
    return [
        "{" + ", ".join(_member(f, k, feed[f.column][i]) for f, k in zip(meaning.inputs, known, strict=True)) + "}"
        for i in range(rows)
    ]


def _constants(field: Field) -> dict[str, str]:
    return {} if field.values is None else {text: name for name, text in field.values.constants[UNKNOWN + 1 :]}


def _member(field: Field, constants: dict[str, str], value: Any) -> str:
    if field.values is not None:
        text = str(np.ravel(np.asarray(value, dtype=object))[0])
        unseen = field.values.constants[UNKNOWN if text else MISSING][0]
        return constants.get(text, unseen)
    dtype = next(d for d in DType if d.c == field.c_type and d is not DType.BOOL)
    if not field.size:
        return literal(np.ravel(value)[0], dtype)
    return "{" + ", ".join(literal(v, dtype) for v in np.ravel(value)) + "}"
