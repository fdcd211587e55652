"""Excel and OpenDocument workbooks through calamine: the first sheet, its first row the header."""

from __future__ import annotations

import io
from collections.abc import Iterator

from afield.core.errors import DataError
from afield.core.findings import Finding
from afield.data.delimited import name_columns
from afield.data.files import LocalFile, damaged
from afield.data.raw import Batch, ObjectCells
from afield.data.source import Source


def open_excel(file: LocalFile) -> Source:
    """Open the first sheet of a workbook that has any cells."""
    import python_calamine as calamine

    try:
        book = calamine.load_workbook(io.BytesIO(file.path.read_bytes()))
        sheets = {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}
    except (calamine.CalamineError, ValueError, OSError) as error:
        raise damaged(file.shown, f"it is not a readable workbook ({error})") from error
    name = next((n for n, rows in sheets.items() if rows), None)
    if name is None:
        raise DataError("data.empty", "The workbook has no cells.", where=file.shown)
    header, *rows = sheets[name]
    names, findings = name_columns(["" if c is None else str(c) for c in header], file.shown)
    others = [n for n, r in sheets.items() if r and n != name]
    if others:
        what = f"The workbook has {len(others) + 1} sheets; {name!r} is read, {', '.join(map(repr, others))} are not."
        findings += (
            Finding(code="data.sheets", severity="warning", what=what, fix="save the sheet that you mean alone"),
        )
    rows = [row for row in rows if any(c not in ("", None) for c in row)]

    def batches(count: int, wanted: tuple[str, ...]) -> Iterator[Batch]:
        places = {n: names.index(n) for n in wanted}
        for start in range(0, len(rows), count):
            part = rows[start : start + count]
            yield {n: ObjectCells([_cell(row[i]) for row in part]) for n, i in places.items()}

    return Source(
        name=file.shown,
        format="excel",
        names=names,
        batches=batches,
        digest=file.digest(),
        bytes=file.size,
        notation=f"sheet {name!r}",
        findings=findings,
    )


def _cell(value: object) -> object:
    """Return whole floats as int: Excel knows one number type only."""
    if value == "" and isinstance(value, str):
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
