"""From a source to a typed table with a spec for each column."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

import numpy as np

from afield.core.errors import DataError, ProblemError, did_you_mean
from afield.core.findings import Finding
from afield.data.columns import BadCell, column_of, without_tokens
from afield.data.delimited import CHUNK
from afield.data.infer import Inferred, infer
from afield.data.opening import open_source
from afield.data.raw import ObjectCells, RawColumn, TextCells, join
from afield.data.roles import Role, notes_on, role_of
from afield.data.source import Source
from afield.data.table import Column, NumberColumn, StringColumn, Table
from afield.data.typed import settle
from afield.problem.problem import Problem
from afield.problem.schema import ColumnSpec

LabelType = Literal["string", "integer", "number", "boolean"]
MIN_LEVEL_ROWS = 5
MAX_LEVELS = 1000
_EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True, kw_only=True)
class SourceInfo:
    """Where a table came from.

    ``digest``: SHA-256 in hex, of the file's bytes, or of the columns' content where there is no file.
    """

    name: str
    format: str
    digest: str
    bytes: int
    rows: int
    notation: str = ""


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A table, with for each column its spec, its role and the type that its cells had."""

    table: Table
    specs: Mapping[str, ColumnSpec]
    roles: Mapping[str, Role]
    labels: Mapping[str, LabelType]
    findings: tuple[Finding, ...]
    info: SourceInfo


def load(source: object, problem: Problem) -> Loaded:
    """Read a source whole and find out what its columns are.

    Raises
    ------
    DataError
        The ``data.*`` codes of reading, and ``data.ambiguous``.
    ProblemError
        ``problem.column_not_found``, ``problem.option``.
    """
    with open_source(source) as opened:
        check_options(opened, problem)
        wanted = tuple(n for n in opened.names if n not in problem.ignore)
        raw = read_whole(opened, wanted)
    rows = len(next(iter(raw.values()))) if raw else 0
    if rows == 0:
        raise DataError("data.empty", "The table has a header and no rows." if opened.names else "The table is empty.",
                        where=opened.name)  # fmt: skip
    inferred = infer(raw, problem, opened.name)
    columns: dict[str, Column] = {}
    specs: dict[str, ColumnSpec] = {}
    findings = list(opened.findings)
    for name in list(raw):
        cells = raw.pop(name)
        result = inferred[name]
        columns[name] = _column(result, cells, opened.name)
        specs[name] = with_range(result.spec, columns[name])
        findings += result.findings
    roles = {n: role_of(specs[n], c) for n, c in columns.items()}
    for name in (*problem.kinds, *problem.dates):
        if roles.get(name) == "id":
            roles[name] = "feature"
    for name, column in columns.items():
        if roles[name] == "feature" and name not in (problem.target, problem.group, problem.time, problem.weight):
            findings += notes_on(specs[name], column)
    table = Table(columns, rows)
    return Loaded(
        table=table,
        specs=specs,
        roles=roles,
        labels={n: _label(r.label) for n, r in inferred.items()},
        findings=tuple(findings),
        info=SourceInfo(
            name=opened.name,
            format=opened.format,
            digest=opened.digest or digest_of(table),
            bytes=opened.bytes,
            rows=rows,
            notation=opened.notation,
        ),
    )


def _label(label: str) -> LabelType:
    return label if label in ("integer", "number", "boolean") else "string"  # type: ignore[return-value]


def check_options(opened: Source, problem: Problem) -> None:
    """Raise ``problem.column_not_found`` where an option names a column that is not there."""
    named: list[tuple[str, str | None]] = [("--group", problem.group), ("--time", problem.time)]
    named += [("--weight", problem.weight), *(("--ignore", n) for n in problem.ignore)]
    named += [("--kind", n) for n in problem.kinds] + [("--date", n) for n in problem.dates]
    for option, name in named:
        if name is not None and name not in opened.names:
            raise ProblemError(
                "problem.column_not_found",
                f"{option} names {name!r}, which is not a column of the data.",
                where=opened.name,
                fix=did_you_mean(name, list(opened.names)),
            )


def read_whole(opened: Source, wanted: tuple[str, ...]) -> dict[str, RawColumn]:
    """Return all rows of the wanted columns, text packed, objects typed."""
    if not wanted:
        return {}
    size = CHUNK if opened.format != "frame" else 1 << 62
    parts: dict[str, list[RawColumn]] = {n: [] for n in wanted}
    for batch in opened.batches(size, wanted):
        for name in wanted:
            cells = batch[name]
            parts[name].append(TextCells.pack(cells.chunks[0]) if isinstance(cells, TextCells) else cells)
    columns = {n: join(p) if p else ObjectCells([]) for n, p in parts.items()}
    return {n: settle(c, n, opened.name) if isinstance(c, ObjectCells) else c for n, c in columns.items()}


def _column(inferred: Inferred, cells: RawColumn, where: str) -> Column:
    if inferred.values is not None:
        return NumberColumn(without_tokens(inferred.spec, inferred.values))
    try:
        return column_of(inferred.spec, cells)
    except BadCell as bad:
        raise bad_cell(inferred.spec, bad, 0, where) from bad


def bad_cell(spec: ColumnSpec, bad: BadCell, first: int, where: str) -> DataError:
    """Return the error for a cell; ``first`` rows came before the batch."""
    row = first + bad.row + 1
    return DataError(
        "data.cell",
        f"Row {row} of {spec.name!r} cannot be read as {spec.kind}: {bad.reason}.",
        where=f"{where}, column {spec.name!r}, row {row}",
        got=repr(bad.cell)[:120],
        expected=expected_of(spec),
        fix="correct the cell, or leave it empty if the value is not known",
    )


def expected_of(spec: ColumnSpec) -> str:
    """Return in words what cells of a column look like."""
    if spec.kind == "datetime":
        return " or ".join("a date such as 2024-01-31" if f == "iso" else f"a date like {f}" for f in spec.formats)
    if spec.kind == "number":
        thousands = f" and thousands mark {spec.thousands!r}" if spec.thousands else ""
        return f"a number with decimal mark {spec.decimal!r}{thousands}"
    return spec.kind


def with_range(spec: ColumnSpec, column: Column) -> ColumnSpec:
    """Return the spec with the range or the levels that the column has."""
    if isinstance(column, NumberColumn):
        known = column.values[~column.missing]
        return replace(spec, low=float(known.min()), high=float(known.max())) if len(known) else spec
    counts = np.bincount(column.codes, minlength=len(column.levels))
    present = [(int(c), str(t)) for c, t in zip(counts, column.levels, strict=True) if t and c]
    if spec.kind == "datetime" and present:
        texts = [t for _, t in present]
        return replace(spec, low=_days(min(texts)), high=_days(max(texts)))
    if spec.kind == "category":
        common = sorted(((-c, t) for c, t in present if c >= MIN_LEVEL_ROWS))[:MAX_LEVELS]
        return replace(spec, levels=tuple(t for _, t in common))
    return spec


def _days(text: str) -> float:
    return (datetime.fromisoformat(text) - _EPOCH).total_seconds() / 86400


def digest_of(table: Table) -> str:
    """Return the SHA-256 of a table's names and values, the same for equal content from any kind of frame."""
    state = hashlib.sha256()
    for name, column in table.columns.items():
        state.update(f"{name}\0{type(column).__name__}\0".encode(errors="surrogatepass"))
        if isinstance(column, NumberColumn):
            values = np.where(np.isnan(column.values), np.nan, column.values) + 0.0  # one NaN, one zero
            state.update(values.astype("<f8").tobytes())
        else:
            state.update(_codes_and_levels(column))
    return state.hexdigest()


def _codes_and_levels(column: StringColumn) -> bytes:
    import pandas as pd

    codes, used = pd.factorize(column.codes)
    levels: Sequence[Any] = [str(column.levels[i]) for i in used]
    texts = b"".join(b"%d:%s" % (len(t), t) for t in (v.encode(errors="surrogatepass") for v in levels))
    return codes.astype("<i4").tobytes() + texts
