"""Text files: delimited tables, JSON lines and JSON."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, TextIO

from afield.core.errors import DataError
from afield.core.findings import Finding
from afield.data.delimited import check_unique, find_layout, read_chunks
from afield.data.files import LocalFile
from afield.data.raw import Batch, ObjectCells
from afield.data.source import Source

_SAMPLE = 1 << 18
JSON_ENDINGS = (".json", ".jsonl", ".ndjson")


def open_text(file: LocalFile, encoding: str) -> Source:
    """Open a text file; ``{`` or ``[`` as its first character means JSON."""
    with file.open_text(encoding) as text:
        sample = text.read(_SAMPLE)
        complete = not text.read(1)
    start = "".join(sample[:4096].split())[:2]
    if not start:
        raise DataError("data.empty", "The file holds nothing but blanks.", where=file.shown)
    if start[0] == "{" or start in ("[{", "[]") or (start[0] == "[" and file.path.suffix.lower() in JSON_ENDINGS):
        return _open_json(file, encoding, start[0])
    layout = find_layout(sample, file.shown, complete=complete)
    findings = list(layout.findings)
    if encoding == "cp1252":
        what = "The file is not UTF-8; it is read as CP1252 (Western Windows)."
        findings.append(Finding(code="data.encoding", severity="note", what=what, fix="save the file as UTF-8"))
    opened = partial(file.open_text, encoding)

    def batches(rows: int, wanted: tuple[str, ...]) -> Iterator[Batch]:
        for chunk in read_chunks(opened, layout, file.shown, rows):
            yield {n: chunk[n] for n in wanted}

    mark = {"\t": "tab", "\x01": "SOH"}.get(layout.delimiter, layout.delimiter)
    return Source(
        name=file.shown,
        format="csv",
        names=layout.names,
        batches=batches,
        digest=file.digest(),
        bytes=file.size,
        notation=f"delimiter {mark}, {encoding}",
        findings=tuple(findings),
    )


def _open_json(file: LocalFile, encoding: str, start: str) -> Source:
    opened = partial(file.open_text, encoding)
    rows: Any = None
    if start == "[" or _is_one_object(opened):
        with opened() as text:
            try:
                rows = json.load(text)
            except ValueError as error:
                raise _not_json(file.shown, str(error)) from error
    if isinstance(rows, dict):
        return _columns_of_json(file, rows)
    names: dict[str, None] = {}
    for _, row in _objects(opened, rows, file.shown):
        names.update(dict.fromkeys(row))
    if not names:
        raise DataError("data.empty", "The file has no rows or no columns.", where=file.shown)

    def batches(count: int, wanted: tuple[str, ...]) -> Iterator[Batch]:
        stream = (row for _, row in _objects(opened, rows, file.shown))
        while chunk := list(itertools.islice(stream, count)):
            yield {n: ObjectCells([row.get(n) for row in chunk]) for n in wanted}

    return _json_source(file, tuple(names), batches)


def _columns_of_json(file: LocalFile, columns: dict[str, Any]) -> Source:
    from afield.data.frames import open_object

    if not all(isinstance(v, list) for v in columns.values()):  # one row, as one line of JSON lines
        columns = {k: [v] for k, v in columns.items()}
    return _json_source(file, tuple(columns), open_object(columns).batches)


def _json_source(file: LocalFile, names: tuple[str, ...], batches: Any) -> Source:
    return Source(name=file.shown, format="json", names=names, batches=batches, digest=file.digest(), bytes=file.size)


def _is_one_object(opened: Callable[[], AbstractContextManager[TextIO]]) -> bool:
    """Tell one JSON object over many lines from JSON lines: the first line stands alone in the latter."""
    with opened() as text:
        first = next((line for line in text if line.strip()), "")
        more = any(line.strip() for line in text)
    try:
        json.loads(first)
    except ValueError:
        return True
    return not more


def _objects(
    opened: Callable[[], AbstractContextManager[TextIO]], rows: list[Any] | None, shown: str
) -> Iterator[tuple[int, dict[str, Any]]]:
    if rows is not None:
        for number, row in enumerate(rows, 1):
            yield number, _object(row, shown, f"item {number}")
        return
    with opened() as text:
        for number, line in enumerate(text, 1):
            if line.strip():
                try:
                    row = json.loads(line, object_pairs_hook=partial(_unique, f"{shown}, line {number}"))
                except RecursionError as error:
                    raise _not_json(f"{shown}, line {number}", "nested too deeply") from error
                except DataError:
                    raise
                except ValueError as error:
                    raise _not_json(f"{shown}, line {number}", str(error)) from error
                yield number, _object(row, shown, f"line {number}")


def _unique(where: str, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) != len(pairs):
        check_unique([k for k, _ in pairs], where)
    return row


def _object(row: Any, shown: str, where: str) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise _not_json(f"{shown}, {where}", f"a {type(row).__name__} stands where an object is needed")
    return row


def _not_json(where: str, why: str) -> DataError:
    return DataError(
        "data.format",
        f"The JSON cannot be read as a table: {why}.",
        where=where,
        expected="one object a line, or a list of objects",
        fix="correct the file",
    )
