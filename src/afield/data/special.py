"""The columns with special roles: groups, times and weights of the kept rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from afield.core.errors import ProblemError
from afield.core.findings import Finding
from afield.data.load import Loaded
from afield.data.table import NumberColumn

Notes = tuple[Finding, ...]


def groups_of(loaded: Loaded, name: str | None, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64] | None, Notes]:
    """Return the group of each row, numbered by first appearance; a row without one is a group of its own."""
    if name is None:
        return None, ()
    import pandas as pd

    column = loaded.table[name].take(rows)
    missing = column.missing
    keys = column.values if isinstance(column, NumberColumn) else column.codes
    codes = pd.factorize(np.asarray(keys), use_na_sentinel=False)[0].astype(np.int64)
    if missing.any():
        codes = np.where(missing, len(codes) + np.arange(len(codes)), codes)
        codes = pd.factorize(codes)[0].astype(np.int64)
    return codes, _missing_note("group", name, missing, rows, "each of them is a group of its own")


def times_of(loaded: Loaded, name: str | None, rows: NDArray[np.int64]) -> tuple[NDArray[np.float64] | None, Notes]:
    """Return the time of each row; a row without one counts as earliest.

    Raises
    ------
    ProblemError
        ``problem.option``: the column is neither a date nor a number.
    """
    if name is None:
        return None, ()
    column, spec = loaded.table[name].take(rows), loaded.specs[name]
    missing = column.missing
    if isinstance(column, NumberColumn):
        times = column.values
    elif spec.kind == "datetime":
        levels = np.array([t or "NaT" for t in column.levels], dtype="datetime64[s]")
        times = levels.astype(np.int64).astype(np.float64)[column.codes]
    else:
        raise ProblemError(
            "problem.option",
            f"The time column {name!r} is read as {spec.kind}, not as a date or a number.",
            where=f"--time {name}",
            got=", ".join(repr(str(v)) for v in column.levels[:3]),
            fix=f"say how its dates are written: --date {name}=%d.%m.%Y",
        )
    times = np.where(missing, -np.inf, times)
    return times, _missing_note("time", name, missing, rows, "they count as the earliest")


def weights_of(loaded: Loaded, name: str | None, rows: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """Return the weight of each row.

    Raises
    ------
    ProblemError
        ``problem.option``: a weight is missing, negative, infinite or no number, or all are zero.
    """
    if name is None:
        return None
    column = loaded.table[name].take(rows)
    if not isinstance(column, NumberColumn):
        kind = loaded.specs[name].kind
        raise ProblemError("problem.option", f"The weights {name!r} are read as {kind}.", where=f"--weight {name}")
    wrong = ~np.isfinite(column.values) | (column.values < 0)
    if wrong.any():
        shown = ", ".join(str(int(rows[i]) + 1) for i in np.flatnonzero(wrong)[:5])
        raise ProblemError(
            "problem.option",
            f"{int(wrong.sum()):,} weights are missing or negative.",
            where=f"--weight {name}, rows {shown}",
            fix="give each row a weight of zero or more",
        )
    if not column.values.any():
        raise ProblemError("problem.option", "All weights are zero.", where=f"--weight {name}")
    return column.values


def _missing_note(role: str, name: str, missing: NDArray[np.bool_], rows: NDArray[np.int64], what: str) -> Notes:
    if not missing.any():
        return ()
    return (
        Finding(
            code=f"{role}.missing",
            severity="warning",
            what=f"{int(missing.sum()):,} rows have no {role} ({name!r}); {what}.",
            column=name,
            rows=tuple(int(rows[i]) + 1 for i in np.flatnonzero(missing)[:5]),
        ),
    )
