"""Delimited text: finds the delimiter and reads chunks of rows with exact row and line numbers."""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TextIO

from afield.core.errors import DataError
from afield.core.findings import Finding
from afield.data.raw import TextCells

#: In order of preference where several fit alike: a mark that is also a decimal mark comes last.
DELIMITERS = ("\t", ";", "|", "\x01", "^", "~", ",")
CHUNK = 8192
#: Rows that are lists at one time: small enough to stay in the processor's cache, twice as fast as 32,768.
_STEP = 2048
_SAMPLE_ROWS = 200
_NUMBER = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?")
_FIELD_LIMIT = 2**31 - 1


@dataclass(frozen=True)
class Layout:
    """How a delimited file is written: its delimiter, its names, and how many rows stand above the data."""

    delimiter: str
    names: tuple[str, ...]
    skip: int
    findings: tuple[Finding, ...]


def rows_of(file: TextIO, delimiter: str, where: str) -> Iterator[list[str]]:
    """Yield the rows that are not empty lines; wrong quotes raise ``data.format``."""
    csv.field_size_limit(_FIELD_LIMIT)
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    try:
        yield from filter(None, reader)
    except csv.Error as error:
        raise DataError(
            "data.format",
            f"The quotes are damaged: {error}.",
            where=f"{where}, line {reader.line_num}",
            fix='put text with quotes inside as "he said ""yes""", and close each quote that opens a cell',
        ) from error


def find_layout(sample: str, where: str, *, complete: bool) -> Layout:
    """Return the layout of a file from its beginning.

    ``complete`` is False when the sample is cut off; its last line is left out then.

    Raises
    ------
    DataError
        ``data.empty``, ``data.duplicate_columns``.
    """
    lines = sample.splitlines(keepends=True)
    stated = ""
    if lines and lines[0].lower().startswith("sep=") and len(lines[0].strip()) == 5:  # Excel's own line
        stated, lines = lines[0].strip()[4], lines[1:]
    if not complete and len(lines) > 1:
        lines = lines[:-1]
    delimiter = stated or find_delimiter(lines)
    header = next(_lenient_rows(lines, delimiter), None)
    if header is None:
        raise DataError("data.empty", "The file has no rows and no columns.", where=where)
    names, findings = name_columns(header, where)
    return Layout(delimiter, names, 1 if stated else 0, findings)


def find_delimiter(lines: Sequence[str]) -> str:
    """Return the delimiter under which most rows are as wide as the header, and the header wider than one."""
    best, best_share = ",", 0.0
    for mark in DELIMITERS:
        rows = list(itertools.islice(_lenient_rows(lines, mark), _SAMPLE_ROWS))
        if not rows or len(rows[0]) < 2:
            continue
        widths = Counter(len(row) for row in rows[1:]) or Counter([len(rows[0])])
        share = widths[len(rows[0])] / widths.total()
        if share > best_share + 0.02:
            best, best_share = mark, share
    if best_share == 0.0:  # no row fits the header: report it under the mark that the header has most of
        return max((",", *DELIMITERS), key=lambda m: lines[0].count(m) if lines else 0)
    return best


def _lenient_rows(lines: Sequence[str], delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(_FIELD_LIMIT)
    return filter(None, csv.reader(iter(lines), delimiter=delimiter))


def name_columns(header: Sequence[str], where: str) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """Return column names, blank ones numbered, and findings about them.

    Raises
    ------
    DataError
        ``data.duplicate_columns``.
    """
    names = [str(n).strip() for n in header]
    findings = []
    taken = set(names)
    for i, name in enumerate(names):
        if not name:
            new = f"column_{i + 1}"
            while new in taken:
                new += "_"
            names[i] = new
            taken.add(new)
            what = f"Column {i + 1} has no name in the header; it is called {new!r} here."
            findings.append(Finding(code="data.header_blank", severity="note", what=what, column=new))
    check_unique(names, where)
    if all(_NUMBER.fullmatch(n) for n in names):
        what = f"All names in the header are numbers ({', '.join(names[:5])}): it looks like a row of data."
        fix = "put a line of column names on top"
        findings.append(Finding(code="data.no_header", severity="serious", what=what, fix=fix))
    return tuple(names), tuple(findings)


def check_unique(names: Sequence[str], where: str) -> None:
    """Raise ``data.duplicate_columns`` when a name comes twice."""
    for name, count in Counter(names).items():
        if count > 1:
            places = ", ".join(str(i) for i, n in enumerate(names, 1) if n == name)
            raise DataError(
                "data.duplicate_columns",
                f"{count} columns are called {name!r}.",
                where=f"{where}, columns {places}",
                fix="give each column its own name",
            )


def read_chunks(
    opened: Callable[[], AbstractContextManager[TextIO]], layout: Layout, where: str, batch_rows: int
) -> Iterator[dict[str, TextCells]]:
    """Yield the columns of ``batch_rows`` rows at a time.

    Raises
    ------
    DataError
        ``data.ragged``, ``data.format``.
    """
    width = len(layout.names)
    with opened() as file:
        for _ in range(layout.skip):
            file.readline()
        rows = rows_of(file, layout.delimiter, where)
        next(rows, None)
        first = 1
        columns: list[list[str]] = [[] for _ in layout.names]
        while chunk := list(itertools.islice(rows, min(_STEP, batch_rows - len(columns[0])))):
            if set(map(len, chunk)) != {width}:
                chunk = [_fit(row, layout, width, first + i, where, opened) for i, row in enumerate(chunk)]
            for column, cells in zip(columns, zip(*chunk, strict=True), strict=True):
                column.extend(cells)
            first += len(chunk)
            if len(columns[0]) == batch_rows:
                yield _batch(layout, columns)
                columns = [[] for _ in layout.names]
        if columns[0]:
            yield _batch(layout, columns)


def _batch(layout: Layout, columns: list[list[str]]) -> dict[str, TextCells]:
    return {n: TextCells((cells,), len(cells)) for n, cells in zip(layout.names, columns, strict=True)}


def _fit(
    row: list[str],
    layout: Layout,
    width: int,
    number: int,
    where: str,
    opened: Callable[[], AbstractContextManager[TextIO]],
) -> list[str]:
    """Return the row at the header's width; surplus cells may go when all of them are blank."""
    if len(row) == width or (len(row) > width and not any(c.strip() for c in row[width:])):
        return row[:width]
    line = _line_of(number, layout, where, opened)
    raise DataError(
        "data.ragged",
        f"Row {number} has {len(row)} cells, the header {width}.",
        where=f"{where}, row {number}, line {line}",
        got=layout.delimiter.join(row)[:200],
        expected=f"{width} cells parted by {layout.delimiter!r}",
        fix=f"correct the row; put cells that hold {layout.delimiter!r} in double quotes",
    )


def _line_of(number: int, layout: Layout, where: str, opened: Callable[[], AbstractContextManager[TextIO]]) -> int:
    """Return the line on which data row ``number`` begins; only errors pay for it."""
    with opened() as file:
        for _ in range(layout.skip):
            file.readline()
        reader = csv.reader(file, delimiter=layout.delimiter)
        seen, start = -1, 1
        for row in reader:
            seen += bool(row)
            if row and seen == number:
                return layout.skip + start
            start = reader.line_num + 1
    return 0
