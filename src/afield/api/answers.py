"""Files of answers: CSV, JSON lines and Parquet, written batch by batch."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from afield.core.errors import OutputError

Batch = Mapping[str, Sequence[Any]]  # column name to values of JSON types, all of one length
Write = Callable[[Batch], None]

#: ending -> what writes it
ENDINGS = (".csv", ".csv.gz", ".tsv", ".jsonl", ".jsonl.gz", ".ndjson", ".parquet")
PARQUET_TYPES = {"string": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN", "float": "FLOAT"}


def ending(path: Path) -> str:
    """Return the ending of ``path`` that says its format.

    Raises
    ------
    OutputError
        ``output.unwritable``.
    """
    name = path.name.lower()
    found = max((e for e in ENDINGS if name.endswith(e)), key=len, default="")
    if not found:
        raise OutputError(
            "output.unwritable",
            "No format of answers has this ending.",
            where=str(path),
            got=path.suffix or "no ending",
            expected=", ".join(ENDINGS),
        )
    return found


@contextmanager
def writing(path: Path, format: str, columns: Mapping[str, str]) -> Iterator[Write]:
    """Give a function that appends a batch to ``path``.

    Parameters
    ----------
    path : Path
    format : str
        One of ``ENDINGS``.
    columns : mapping of str to str
        Column name to a key of ``PARQUET_TYPES``, in order.
    """
    if format == ".parquet":
        yield from _parquet(path, columns)
        return
    with _text(path, format) as file:
        if format.startswith((".jsonl", ".ndjson")):
            yield lambda batch: write_json_lines(file, batch)
        else:
            yield csv_writer(file, list(columns), delimiter="\t" if format == ".tsv" else ",")


def csv_writer(file: TextIO, columns: Sequence[str], *, delimiter: str = ",") -> Write:
    """Write the header, and return a function that appends a batch."""
    writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
    writer.writerow(columns)

    def write(batch: Batch) -> None:
        writer.writerows(zip(*(_csv_cells(batch[name]) for name in columns), strict=True))

    return write


def write_json_lines(file: TextIO, batch: Batch) -> None:
    """Append one JSON object a row."""
    names = list(batch)
    for values in zip(*batch.values(), strict=True):
        file.write(json.dumps(dict(zip(names, values, strict=True)), ensure_ascii=False, default=str) + "\n")


def _csv_cells(values: Sequence[Any]) -> Sequence[Any]:
    """Booleans are ``true`` and ``false``, as in the cells that were read."""
    if any(isinstance(v, bool) for v in values[:1]):
        return ["true" if v else "false" for v in values]
    return values


@contextmanager
def _text(path: Path, format: str) -> Iterator[TextIO]:
    with open(path, "wb") as raw:
        if not format.endswith(".gz"):
            with io.TextIOWrapper(raw, encoding="utf-8", newline="") as file:
                yield file
            return
        # no name and no time in the gzip header: equal answers give equal bytes
        packed = gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0)
        with io.TextIOWrapper(packed, encoding="utf-8", newline="") as file:
            yield file


def _parquet(path: Path, columns: Mapping[str, str]) -> Iterator[Write]:
    """Rows go through a CSV file beside the output, since that needs no memory; duckdb turns it into Parquet."""
    import duckdb

    rows = path.with_name(f"{path.name}.csv")
    try:
        with open(rows, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            yield lambda batch: writer.writerows(zip(*(_csv_cells(batch[name]) for name in columns), strict=True))
        types = ", ".join(f"{_sql(name)}: {_sql(PARQUET_TYPES[kind])}" for name, kind in columns.items())
        with duckdb.connect() as connection:
            connection.execute("SET threads = 1")
            form = "header = false, delim = ',', quote = '\"', escape = '\"', auto_detect = false, parallel = false"
            source = f"read_csv({_sql(str(rows))}, {form}, columns = {{{types}}})"
            connection.execute(f"COPY (SELECT * FROM {source}) TO {_sql(str(path))} (FORMAT parquet)")  # noqa: S608
    finally:
        rows.unlink(missing_ok=True)


def _sql(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
