"""Parquet through duckdb, in batches, with strings as codes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from afield.core.errors import DataError
from afield.data.delimited import check_unique
from afield.data.files import LocalFile, damaged
from afield.data.raw import Batch, NumberCells, RawColumn
from afield.data.source import Source
from afield.data.typed import EXACT, of_booleans, of_datetimes, of_strings

_WHOLE = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "HUGEINT",
    "UHUGEINT",
)
_VECTOR = 2048


def open_parquet(file: LocalFile) -> Source:
    """Open a Parquet file."""
    import duckdb

    path = str(file.path).replace("[", "[[]").replace("*", "[*]").replace("?", "[?]")
    try:
        with _connect() as link:
            described = link.execute("DESCRIBE SELECT * FROM read_parquet(?)", [path]).fetchall()
            wide = _too_wide(link, path, [(r[0], r[1]) for r in described])
    except duckdb.Error as error:
        raise damaged(file.shown, f"it is not readable Parquet ({str(error).partition(chr(10))[0]})") from error
    types = {row[0]: _form(row[1], row[0] in wide) for row in described}
    check_unique([row[0] for row in described], file.shown)

    def batches(rows: int, wanted: tuple[str, ...]) -> Iterator[Batch]:
        for name in wanted:
            if types[name] == "":
                kind = next(r[1] for r in described if r[0] == name)
                raise DataError(
                    "data.unsupported",
                    f"Column {name!r} holds {kind}, which is not a number, text, boolean or date.",
                    where=f"{file.shown}, column {name!r}",
                    fix=f"leave it out: --ignore {name}",
                )
        if not wanted:
            return
        picked = ", ".join(_cast(name, types[name]) for name in wanted)
        try:
            with _connect() as link:
                link.execute(f"SELECT {picked} FROM read_parquet(?)", [path])  # noqa: S608 - names are quoted
                while len(frame := link.fetch_df_chunk(max(1, rows // _VECTOR))):
                    yield {name: _column(frame.iloc[:, i], types[name]) for i, name in enumerate(wanted)}
        except duckdb.Error as error:
            raise damaged(file.shown, f"the Parquet is damaged ({str(error).partition(chr(10))[0]})") from error

    return Source(
        name=file.shown,
        format="parquet",
        names=tuple(types),
        batches=batches,
        digest=file.digest(),
        bytes=file.size,
    )


def _connect() -> Any:
    import duckdb

    # one thread and no extensions from the network: the same answer everywhere
    return duckdb.connect(
        config={"threads": 1, "autoinstall_known_extensions": False, "autoload_known_extensions": False}
    )


def _too_wide(link: Any, path: str, described: list[tuple[str, str]]) -> set[str]:
    """Return the integer columns with values that a double cannot hold; they are read as text."""
    names = [n for n, kind in described if kind in _WHOLE and kind not in _WHOLE[:3]]
    if not names:
        return set()
    limits = ", ".join(f"max({_quoted(n)}) > {EXACT:.0f} OR min({_quoted(n)}) < -{EXACT:.0f}" for n in names)
    found = link.execute(f"SELECT {limits} FROM read_parquet(?)", [path]).fetchone()  # noqa: S608 - names are quoted
    return {name for name, wide in zip(names, found, strict=True) if wide}


def _form(kind: str, wide: bool) -> str:
    if kind in _WHOLE:
        return "text" if wide else "whole"
    if kind in ("FLOAT", "DOUBLE") or kind.startswith("DECIMAL"):
        return "number"
    if kind == "BOOLEAN":
        return "boolean"
    if kind == "DATE" or kind.startswith("TIMESTAMP"):
        return "datetime"
    if kind in ("VARCHAR", "UUID"):
        return "text"
    return "category" if kind.startswith("ENUM") else ""


def _cast(name: str, form: str) -> str:
    quoted = _quoted(name)
    match form:
        case "whole" | "number":
            return f"CAST({quoted} AS DOUBLE)"
        case "boolean":
            return f"CAST(CAST({quoted} AS TINYINT) AS DOUBLE)"
        case "datetime":
            return f"CAST(epoch_us({quoted}) AS DOUBLE) / 1e6"
        case _:
            return f"CAST({quoted} AS VARCHAR)"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _column(series: Any, form: str) -> RawColumn:
    if form in ("text", "category"):
        return of_strings(series, "category" if form == "category" else "text")
    values = series.to_numpy(dtype=np.float64, na_value=np.nan)
    if form == "boolean":
        return of_booleans(values == 1.0, np.isnan(values))
    if form == "datetime":
        times = np.full(len(values), "NaT", dtype="datetime64[s]")
        known = np.isfinite(values)
        times[known] = np.floor(values[known]).astype(np.int64).astype("datetime64[s]")
        return of_datetimes(times)
    return NumberCells(values, whole=form == "whole")
