"""Rows as people write them, JSON or CSV, read by the schema's rules for cells; and answers in the same form."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from afield.core.errors import ModelFileError
from afield.core.lazy import need
from afield.model.rows import feed_rows
from afield.platforms.server.failures import Refusal, Unreadable
from afield.platforms.server.inference import Request
from afield.platforms.server.served import Answers, Served
from afield.platforms.server.tensors import to_json

orjson: Any = need("orjson", purpose="The server")

DELIMITERS = ",;\t|"


def read_rows(served: Served, body: bytes, *, as_csv: bool) -> Request:
    """Return the rows in a body: JSON (a row, a list of rows, or ``{"rows": [...]}``), or CSV with a header.

    Raises
    ------
    Refusal
        ``request.json``, ``request.csv``, ``request.form``, and the codes of ``feed_rows``.
    """
    rows = _from_csv(body) if as_csv else _from_json(served, body)
    try:
        feed, count = feed_rows(served.schema, rows)
    except ModelFileError as error:
        raise Unreadable(error) from error
    if not count:
        raise Refusal("request.form", "There are no rows.")
    return Request(feed, count, dict.fromkeys(served.output_names, False), None)


def _from_json(served: Served, body: bytes) -> Any:
    try:
        found = orjson.loads(body)
    except (orjson.JSONDecodeError, RecursionError) as error:
        raise Refusal("request.json", f"The body is not JSON: {error}.") from error
    if isinstance(found, dict) and set(found) == {"rows"} and isinstance(found["rows"], list):
        found = found["rows"]
    rows = [found] if isinstance(found, dict) else found
    if not isinstance(rows, list) or any(not isinstance(row, dict) for row in rows):
        raise Refusal(
            "request.form", "The body holds no rows.", expected='{"column": value, ...}, a list of such rows, '
            'or {"rows": [...]}'
        )  # fmt: skip
    _check_columns([c.name for c in served.schema.columns], rows)
    return rows


def _check_columns(names: list[str], rows: list[dict[str, Any]]) -> None:
    """Refuse a row that lacks a column which another has; one that all lack is told by ``feed_rows``."""
    for name in names:
        lacking = [at for at, row in enumerate(rows, start=1) if name not in row]
        if lacking and len(lacking) < len(rows):
            raise Refusal("request.form", f"Row {lacking[0]} lacks the column {name!r}.", where=f"row {lacking[0]}",
                          fix="Give null where a value is not known.")  # fmt: skip


def _from_csv(body: bytes) -> dict[str, list[str]]:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refusal("request.csv", f"The CSV is not UTF-8: {error.reason} at byte {error.start}.") from error
    head = text.partition("\n")[0]
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=max(DELIMITERS, key=head.count), strict=True))
    except csv.Error as error:
        raise Refusal("request.csv", f"The CSV cannot be read: {error}.") from error
    if not lines or not lines[0]:
        raise Refusal("request.csv", "The CSV has no header.")
    header, rows = lines[0], [line for line in lines[1:] if line]
    if len(set(header)) < len(header):
        raise Refusal("request.csv", "Two columns of the CSV have one name.")
    for number, line in enumerate(rows, start=1):
        if len(line) != len(header):
            raise Refusal(
                "request.csv",
                f"Row {number} has {len(line)} cells, and the header has {len(header)}.",
                where=f"row {number}",
            )
    return {name: [line[at] for line in rows] for at, name in enumerate(header)}


def columns_of(served: Served, answers: Answers) -> dict[str, list[Any]]:
    """Return the answers as columns with the names that ``afield predict`` writes."""
    columns: dict[str, list[Any]] = {}
    for name, values in answers.items():
        if name == "label":
            typed = dict(zip(served.schema.target.classes, served.model.classes, strict=True))
            columns[name] = [typed[text] for text in values.tolist()]
        elif name == "probabilities":
            for at, text in enumerate(served.schema.target.classes):
                columns[f"probability_{text}"] = _floats(values[:, at])
        else:
            columns[name] = _floats(values) if values.ndim == 1 else [to_json(row) for row in values]
    return columns


def _floats(values: NDArray[Any]) -> list[Any]:
    return to_json(values.astype(str).astype(float) if values.dtype == "float32" else values)  # 0.1, not 0.10000000149


def as_json(columns: Mapping[str, list[Any]]) -> bytes:
    """Return a list of objects, one a row."""
    names = list(columns)
    return orjson.dumps([dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)])


def as_csv(columns: Mapping[str, list[Any]]) -> bytes:
    """Return CSV with a header; booleans as ``true`` and ``false``, nothing for null."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in zip(*columns.values(), strict=True):
        writer.writerow([str(v).lower() if isinstance(v, bool) else v for v in row])
    return out.getvalue().encode()
