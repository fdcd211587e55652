"""Lookup: values that follow from codes of text columns alone."""

from __future__ import annotations

import numpy as np

from afield.platforms.microcontroller.emission.kernel import Kernel
from afield.platforms.microcontroller.ir import Array, DType
from afield.platforms.microcontroller.operators import Operator, Site, register


@register("Lookup")
class Lookup(Operator):
    """Input: codes. ``columns``: for each element of the output its column; ``tables``: its value for each code."""

    def emit(self, at: Site, kernel: Kernel) -> None:
        """One load for each element; whole numbers up to 255 are stored as bytes."""
        tables = at.attribute("tables")
        columns = np.array(at.integers("columns"))
        values = [np.asarray(t) for t in tables] if isinstance(tables, tuple) else []
        flat, first = overlaid(values)
        whole = flat.dtype.kind in "fiub" and bool(((flat >= 0) & (flat <= 255) & (flat == np.floor(flat))).all())
        kind = DType.UINT8 if whole else at.output().dtype
        kernel.input(0, "code")
        kernel.table(flat.astype(kind.numpy if kind is not DType.BOOL else np.uint8), "table", "outcomes")
        kernel.output(0, "y")
        size = at.output().size
        with kernel.loop("i", size) as i:
            places = [_at(kernel, values, name, i) for values, name in ((first, "first"), (columns, "column"))]
            cast = "" if kind is at.output().dtype else f"({at.output().dtype.c})"
            kernel.line(f"y[{i}] = {cast}table[{places[0]} + (unsigned)code[{places[1]}]];")


def _at(kernel: Kernel, values: Array, name: str, index: str) -> str:
    if (values == values[0]).all():
        return f"{int(values[0])}u"
    kernel.table(values.astype(np.uint8 if values.max() < 256 else np.uint16), name)
    return f"{name}[{index}]"


def overlaid(tables: list[Array]) -> tuple[Array, Array]:
    """Return all tables in one, each run of elements that is already there used again, and where each begins.

    Tables of zeros and a single one, as of one-hot columns, share one row of zeros around a one.
    """
    flat = np.zeros(0, tables[0].dtype)
    first = []
    for table in tables:
        place = _found(flat, table)
        if place < 0:
            around = np.zeros(len(table) - 1, table.dtype)
            single = len(table) > 2 and np.count_nonzero(table) == 1
            added = np.concatenate([around, table[table != 0], around]) if single else table
            flat = np.concatenate([flat, added])
            place = _found(flat, table)
        first.append(place)
    return flat, np.array(first)


def _found(flat: Array, table: Array) -> int:
    if len(flat) < len(table):
        return -1
    windows = np.lib.stride_tricks.sliding_window_view(flat, len(table))
    hits = np.flatnonzero(((windows == table) | (np.isnan(windows) & np.isnan(table))).all(axis=1))
    return int(hits[0]) if len(hits) else -1
