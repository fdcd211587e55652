"""What a column is good for: a feature, or an id, a constant, or empty."""

from __future__ import annotations

import re
from typing import Literal

import numpy as np

from afield.core.findings import Finding
from afield.data.table import Column, NumberColumn, StringColumn
from afield.problem.schema import ColumnSpec

Role = Literal["feature", "id", "constant", "empty"]

_ID_NAME = re.compile(
    r"(?:^|[^A-Za-z])(?:id|ids|uid|uuid|guid|key|index|idx|nr|nbr|no|num|number|code|ref|barcode|serial|ticket|row|rowid|rownum|record)"
    r"(?:$|[^A-Za-z])|[a-z](?:ID|Id|Nr|No|UID|UDI)$|^(?:ID|UDI|UID|Nr|No)$|^column_\d+$",
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
#: A blankless text with a digit, or an address; not a number with a fraction.
_CODE = re.compile(r"(?![+-]?[0-9]*[.,][0-9]*$)(?=.*[0-9])[^\s]{2,64}|[^\s@]+@[^\s@]+")
_TIME_NAME = re.compile(r"year|jahr|date|time|month|week|day|age|epoch|stamp", re.IGNORECASE)
#: Below this many rows uniqueness means little.
_MIN_ROWS = 20


def role_of(spec: ColumnSpec, column: Column) -> Role:
    """Return the role of a column."""
    missing = column.missing
    known = int(len(missing) - missing.sum())
    if known == 0:
        return "empty"
    if isinstance(column, NumberColumn):
        values = column.values[~missing]
        if bool((values == values[0]).all()):
            return "constant" if known == len(missing) else "feature"
        return "id" if _is_number_id(spec.name, values, len(missing)) else "feature"
    used = np.unique(column.codes[~missing])
    if len(used) == 1:
        return "constant" if known == len(missing) else "feature"
    if spec.kind == "datetime":
        return "feature"
    return "id" if _is_text_id(spec, column, used, known) else "feature"


def named_like_id(name: str) -> bool:
    """Tell names such as ``encounter_id``, ``PassengerId``, ``patient_nbr``."""
    return bool(_ID_NAME.search(name) or _ID_NAME.search(_CAMEL.sub("_", name).lower()))


def _is_number_id(name: str, values: np.ndarray[tuple[int], np.dtype[np.float64]], rows: int) -> bool:
    """Tell unique whole numbers that count the rows, or are called an id, from measurements."""
    if len(values) < _MIN_ROWS or len(values) < 0.95 * rows or bool((values != np.floor(values)).any()):
        return False
    ordered = np.sort(values)
    if bool((np.diff(ordered) == 0).any()):
        return False
    if named_like_id(name):
        return True
    if _TIME_NAME.search(name):
        return False
    steps = np.diff(values)
    counts_rows = float(ordered[-1] - ordered[0]) == len(values) - 1 and float(ordered[0]) in (0.0, 1.0)
    return counts_rows or (len(values) >= 50 and bool((steps > 0).all()) and bool((steps == steps[0]).all()))


def _is_text_id(
    spec: ColumnSpec, column: StringColumn, used: np.ndarray[tuple[int], np.dtype[np.int32]], known: int
) -> bool:
    """Tell codes (no blanks, with digits) that differ on every row from words."""
    if known < _MIN_ROWS or len(used) != known or known < 0.95 * len(column):
        return False
    texts = [str(column.levels[i]) for i in used[:5000]]
    share = sum(bool(_CODE.fullmatch(t)) for t in texts) / len(texts)
    return share > (0.8 if named_like_id(spec.name) else 0.95)


def notes_on(spec: ColumnSpec, column: Column) -> tuple[Finding, ...]:
    """Return findings about columns that are kept as features: ids that come again."""
    if not named_like_id(spec.name):
        return ()
    values = column.values[~column.missing] if isinstance(column, NumberColumn) else column.codes
    whole = not isinstance(column, NumberColumn) or bool((values == np.floor(values)).all())
    distinct = len(np.unique(values))
    if not whole or distinct < 50 or not 1.05 * distinct < len(values) < 100 * distinct:
        return ()
    if distinct < 0.02 * len(values):
        return ()
    return (
        Finding(
            code="column.group",
            severity="warning",
            what=f"{spec.name!r} is named like an id and comes again: {distinct:,} values in {len(values):,} rows.",
            column=spec.name,
            fix=f"if its rows belong together (one patient, one field): --group {spec.name}; else --ignore {spec.name}",
        ),
    )
