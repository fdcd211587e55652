"""Ranks: for each feature of trees, how many of its thresholds lie below it."""

from __future__ import annotations

from itertools import groupby

import numpy as np

from afield.platforms.microcontroller.emission.kernel import Kernel
from afield.platforms.microcontroller.ir import Array, DType
from afield.platforms.microcontroller.operators import Operator, Site, register
from afield.platforms.microcontroller.trees.ranks import Ranked


@register("Ranks")
class Ranks(Operator):
    """Inputs: what the features lie in. ``features``: tuple of Ranked, numbers first; ``of``: the input of each.

    The output is uint8 or uint16 [features].
    """

    def macs(self, at: Site) -> int:
        """Return the comparisons of the searches."""
        sizes = [1 if one.thresholds is None else max(1, len(one.thresholds)) for one in features_of(at)]
        return int(sum(np.ceil(np.log2(np.array(sizes) + 1))))

    def emit(self, at: Site, kernel: Kernel) -> None:
        """One loop for each input and kind of feature."""
        of = at.integers("of")
        features = list(enumerate(features_of(at)))
        groups = groupby(features, key=lambda pair: (pair[1].thresholds is None, of[pair[0]]))
        kernel.title("ranks")
        kernel.output(0, "rank")
        names: dict[int, str] = {}
        for number, ((coded, source), found) in enumerate(groups):
            part = list(found)
            if source not in names:
                names[source] = kernel.input(source, f"x{source}")
            ones, base = [one for _, one in part], part[0][0]
            if coded:
                self._codes(at, kernel, ones, names[source], base, number)
            else:
                self._numbers(at, kernel, ones, names[source], base, number)

    def _numbers(self, at: Site, kernel: Kernel, ones: list[Ranked], x: str, base: int, number: int) -> None:
        keys = [np.zeros(0) if one.thresholds is None else one.thresholds for one in ones]
        sizes = np.array([len(k) for k in keys])
        yes = sum(one.missing_rank == 0 for one in ones)
        own: dict[str, str | int | bool] = {"SOME_YES": bool(yes)}
        if yes:
            own["MISSING_YES"] = yes
        wide = at.input(at.integers("of")[base]).dtype is DType.FLOAT64
        flat = np.concatenate(keys).astype(np.int64 if wide else np.int32)
        kernel.snippet(
            "rank_numbers.c", X=x, KEYS=kernel.table(flat, f"keys{number}", "thresholds"),
            COLUMN=_indexed(kernel, np.array([one.index for one in ones]), f"column{number}", "columns"),
            SIZE=_indexed(kernel, sizes, f"size{number}", "sizes"), BASE=base, COUNT=len(ones),
            TYPE=at.output().dtype.c, KEY="int64_t" if wide else "int32_t", MOST="INT64_MAX" if wide else "INT32_MAX",
            INFINITE="INT64_C(0x7FF0000000000000)" if wide else "0x7F800000", **own,
        )  # fmt: skip
        for i, one in enumerate(ones):
            if one.table is not None:
                name = kernel.table(one.table.astype(at.output().dtype.numpy), f"member{base + i}", "members")
                kernel.line(f"rank[{base + i}] = {name}[rank[{base + i}]];")

    def _codes(self, at: Site, kernel: Kernel, ones: list[Ranked], x: str, base: int, number: int) -> None:
        tables = [np.zeros(0) if one.table is None else one.table for one in ones]
        flat, first = _overlaid(tables)
        kernel.snippet(
            "rank_codes.c", X=x, TABLE=kernel.table(flat.astype(at.output().dtype.numpy), f"table{number}", "ranks_of"),
            COLUMN=_indexed(kernel, np.array([one.index for one in ones]), f"column{number}", "columns"),
            FIRST=_indexed(kernel, first, f"first{number}", "places"), BASE=base, COUNT=len(ones),
        )  # fmt: skip


def features_of(at: Site) -> tuple[Ranked, ...]:
    """Return the features of a Ranks node."""
    found = at.attribute("features")
    if not isinstance(found, tuple):
        raise TypeError("a Ranks node has features")
    return found


def _overlaid(tables: list[Array]) -> tuple[Array, Array]:
    """Return all tables in one, like ones once, and where each begins."""
    known: dict[bytes, int] = {}
    parts: list[Array] = []
    first, size = [], 0
    for table in tables:
        key = table.astype(np.int64).tobytes()
        if key not in known:
            known[key] = size
            parts.append(table)
            size += len(table)
        first.append(known[key])
    return np.concatenate(parts), np.array(first)


def _indexed(kernel: Kernel, values: Array, name: str, role: str) -> str:
    """Return C for ``values[a]``: the index itself, one number, or a table."""
    if (values == np.arange(len(values))).all():
        return "a"
    if (values == values[0]).all():
        return str(int(values[0]))
    return f"{kernel.table(smallest(values), name, role)}[a]"


def smallest(values: Array) -> Array:
    """Return whole numbers in the smallest unsigned type that holds them."""
    for dtype in (DType.UINT8, DType.UINT16):
        if values.max(initial=0) <= np.iinfo(dtype.numpy).max:
            return values.astype(dtype.numpy)
    return values.astype(np.uint32)
