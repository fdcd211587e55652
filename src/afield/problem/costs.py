"""What each mistake costs, as the user gives it: a CSV file, a mapping, or a frame.

Rows are the true class, columns the answered one, as in a confusion matrix; the first column and the header hold the
names of the classes. The classes are compared with the target's when the data is read.
"""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from afield.core.errors import ProblemError

Table = dict[str, dict[str, float]]


def read_costs(value: object, where: str = "") -> Table:
    """Return true class to answered class to cost.

    Parameters
    ----------
    value : path, mapping of mappings, or a pandas or polars frame
        A path in a problem file counts from the file's folder.
    where : str
        The problem file that it stands in, for messages and paths.

    Raises
    ------
    ProblemError
        ``problem.option``: not a table of numbers.
    """
    place = f"{where}, costs" if where else "option costs"
    if isinstance(value, str | os.PathLike):
        path = Path(value)
        return _of_file(path if path.is_absolute() or not where else Path(where).parent / path)
    rows = _rows_of_frame(value) if hasattr(value, "columns") else value
    if not isinstance(rows, Mapping) or not all(isinstance(cells, Mapping) for cells in rows.values()):
        raise _refused("a table is needed: for each true class what each answer costs.", place, repr(value)[:80])
    return {
        _text(row): {_text(column): _number(cell, f"{place}, row {_text(row)!r}") for column, cell in cells.items()}
        for row, cells in rows.items()
    }


def _of_file(path: Path) -> Table:
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            head = file.readline()
            delimiter = max(",;\t", key=head.count)
            file.seek(0)
            lines = [[cell.strip() for cell in line] for line in csv.reader(file, delimiter=delimiter) if any(line)]
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise _refused(f"the file cannot be read: {reason}.", str(path)) from error
    if len(lines) < 3 or len(lines[0]) < 3:
        raise _refused("the file needs a header and a row for each class.", str(path), f"{len(lines)} lines")
    names, found = lines[0][1:], {}
    for number, line in enumerate(lines[1:], start=1):
        if len(line) != len(names) + 1:
            raise _refused(
                "a row has another number of cells than the header.", f"{path}, row {number}", f"{len(line)}"
            )
        if line[0] in found:
            raise _refused(f"the class {line[0]!r} has two rows.", f"{path}, row {number}")
        decimal = delimiter != ","  # 0,5 is a number where commas do not part the cells
        cells = [c.replace(",", ".") if decimal else c for c in line[1:]]
        found[line[0]] = {n: _number(c, f"{path}, row {number}") for n, c in zip(names, cells, strict=True)}
    return found


def _rows_of_frame(frame: Any) -> dict[Any, dict[Any, Any]]:
    """Return the rows of a frame; the true class is its index, or its first column where that holds texts."""
    columns = [frame[c].to_list() for c in frame.columns]
    names = list(frame.columns)
    index = frame.index.to_list() if hasattr(frame, "index") else None
    if index is None or (index == list(range(len(index))) and any(isinstance(v, str) for v in columns[0])):
        index, names, columns = columns[0], names[1:], columns[1:]
    return {row: {n: c[i] for n, c in zip(names, columns, strict=True)} for i, row in enumerate(index)}


def _text(name: object) -> str:
    """Return a class as its text: ``true``, ``1``, ``sick``."""
    if isinstance(name, bool):
        return str(name).lower()
    return str(int(name)) if isinstance(name, float) and name.is_integer() else str(name)


def _number(cell: object, where: str) -> float:
    try:
        value = float(cell)  # type: ignore[arg-type]  # whatever a cell is, it is a number or it is refused
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value) or isinstance(cell, bool):
        raise _refused("a cost is not a number.", where, repr(cell))
    return value


def _refused(what: str, where: str, got: str = "") -> ProblemError:
    fix = "a square table: the first column holds the true class, the header the answered one"
    return ProblemError("problem.option", f"costs: {what}", where=where, got=got, fix=fix)
