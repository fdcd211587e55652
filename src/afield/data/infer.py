"""What each column is: its kind, how its cells are read, and what cannot be known without the user.

Two passes. The first looks at each column alone; what it proves about the file's decimal mark and date order
settles, in the second, the columns that allow two readings. What stays unsettled stops with ``data.ambiguous``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from afield.core.errors import DataError, ProblemError
from afield.core.findings import Finding
from afield.data.dates import DateReading
from afield.data.draft import Draft, rows_of
from afield.data.marks import Reading, Style
from afield.data.numbers import plain_text, typed_numbers
from afield.data.raw import CodedCells, NumberCells, RawColumn, TextCells, coded
from afield.data.strings import draft_strings
from afield.data.words import split_unit
from afield.problem.cells import BLANKS, canonical_number, read_number
from afield.problem.datetimes import pattern_of
from afield.problem.problem import Problem
from afield.problem.schema import KINDS, ColumnSpec

_MARKS = {"point": ".", "comma": ","}


@dataclass(frozen=True, kw_only=True)
class Inferred:
    """What one column is.

    ``label`` is the type that its cells had ("string", "integer", "number", "boolean"); ``values`` are its numbers
    where finding out read them already, not yet rid of those that mean "missing".
    """

    spec: ColumnSpec
    label: str
    findings: tuple[Finding, ...] = ()
    values: NDArray[np.float64] | None = None


def infer(columns: Mapping[str, RawColumn], problem: Problem, where: str) -> dict[str, Inferred]:
    """Return what each column is.

    Raises
    ------
    DataError
        ``data.ambiguous``.
    ProblemError
        ``problem.option``: a kind or date format that cannot be used.
    """
    _check_options(problem)
    drafts = {n: draft_of(n, c, problem) for n, c in columns.items()}
    proven = sorted({d.settled for d in drafts.values() if d.settled in ".," and d.settled})
    mark = _MARKS.get(problem.decimal) or (proven[0] if len(proven) == 1 else "")
    orders = {d.dates.month_first[0] for d in drafts.values() if d.dates and len(d.dates.orders) == 1 and _by_slash(d)}
    month_first = orders.pop() if len(orders) == 1 else None
    return {n: _settle(d, columns[n], mark, month_first, problem, where) for n, d in drafts.items()}


def _check_options(problem: Problem) -> None:
    for name, kind in problem.kinds.items():
        if kind not in KINDS:
            raise ProblemError(
                "problem.option",
                f"{kind!r} is not a column kind.",
                where=f"--kind {name}={kind}",
                expected=", ".join(KINDS),
            )
    for name, form in problem.dates.items():
        try:
            pattern_of(form)
        except ValueError as error:
            raise ProblemError("problem.option", f"{error}.", where=f"--date {name}={form}") from error
    if problem.decimal not in ("", *_MARKS):
        raise ProblemError(
            "problem.option",
            f"{problem.decimal!r} is not a decimal mark.",
            where="--decimal",
            expected="point or comma",
        )


def draft_of(name: str, cells: RawColumn, problem: Problem) -> Draft:
    """Return what one column alone tells."""
    wanted = "datetime" if name in problem.dates else problem.kinds.get(name, "")
    if isinstance(cells, NumberCells):
        return typed_numbers(name, cells, wanted, problem)
    if isinstance(cells, TextCells) and wanted in ("", "number"):
        if (draft := plain_text(name, cells, keep=wanted == "number")) is not None:
            return draft
        cells = coded(cells)
    elif isinstance(cells, TextCells):
        cells = coded(cells)
    assert isinstance(cells, CodedCells)
    return draft_strings(name, cells, wanted, problem)


def _by_slash(draft: Draft) -> bool:
    assert draft.dates is not None
    return draft.dates.orders[0][0][:2] in ("%d", "%m") and draft.dates.orders[0][0][2:3] in ("/", "-")


def _settle(
    draft: Draft, cells: RawColumn, mark: str, month_first: bool | None, problem: Problem, where: str
) -> Inferred:
    spec, findings = draft.spec, draft.findings
    if problem.decimal and draft.settled and draft.settled != mark:
        what = f"The numbers of {draft.name!r} can only be written with {draft.settled!r}, whatever --decimal says."
        findings += (Finding(code="data.decimal", severity="warning", what=what, column=draft.name),)
    if draft.numbers is not None:
        assert draft.cells is not None
        style = draft.numbers.choose(mark)
        if style is None:
            raise _ambiguous_number(draft, draft.numbers, draft.cells, where)
        findings += _mark_findings(draft, draft.numbers, style, mark, problem)
        spec = replace(style.spec(draft.name), missing=draft.missing)
    elif draft.dates is not None:
        assert draft.cells is not None
        orders = dict(zip(draft.dates.month_first, draft.dates.orders, strict=True))
        if len(orders) == 1:
            formats = next(iter(orders.values()))
        elif month_first is not None:
            formats = orders[month_first]
            first = "month" if month_first else "day"
            what = f"The dates of {draft.name!r} are read {first} first, since other dates of the file are written so."
            fix = f"--date {draft.name}={formats[0]}, or the other order"
            findings += (Finding(code="data.ambiguous", severity="note", what=what, column=draft.name, fix=fix),)
        else:
            raise _ambiguous_date(draft, draft.dates, draft.cells, where)
        spec = ColumnSpec(name=draft.name, kind="datetime", formats=formats, missing=draft.missing)
    assert spec is not None
    if (
        spec.kind == "number"
        and isinstance(cells, TextCells)
        and spec.decimal == "."
        and mark == ","
        and not draft.settled
    ):
        spec = replace(spec, decimal="," if spec.thousands != "," else ".")  # whole numbers in a file of decimal commas
    return Inferred(
        spec=replace(spec, unit=split_unit(draft.name)), label=draft.label, findings=findings, values=draft.values
    )


def _mark_findings(draft: Draft, reading: Reading, style: Style, mark: str, problem: Problem) -> tuple[Finding, ...]:
    if len(reading.styles) < 2:
        return ()
    why = "--decimal says so" if problem.decimal else f"the rest of the file is written with {mark!r}"
    what = f"The numbers of {draft.name!r} are read with the decimal mark {style.decimal!r}, since {why}."
    return (Finding(code="data.ambiguous", severity="note", what=what, column=draft.name, fix="--decimal comma|point"),)


def _ambiguous_number(draft: Draft, reading: Reading, cells: CodedCells, where: str) -> DataError:
    texts = [str(t).strip(BLANKS) for t in cells.levels if re.search(r"[0-9][.,][0-9]{3}", str(t))]
    text, rows = texts[0], rows_of(texts, cells)[:5]
    meant = " or ".join(canonical_number(read_number(s.spec(), text)) for s in reading.styles)
    return DataError(
        "data.ambiguous",
        f"The numbers of {draft.name!r} can be read in two ways: {text!r} is {meant}, and no cell settles it.",
        where=f"{where}, column {draft.name!r}, rows {', '.join(map(str, rows))}",
        got=text,
        fix="say which mark parts the decimals: --decimal point or --decimal comma",
    )


def _ambiguous_date(draft: Draft, dates: DateReading, cells: CodedCells, where: str) -> DataError:
    known = [str(t).strip(BLANKS) for t in cells.levels if re.search(r"[0-9]", str(t))]
    text = next((t for t in known if len(set(re.split("[-/]", t)[:2])) == 2), known[0])
    rows = rows_of(known, cells)[:5]
    forms = [order[0] for order in dates.orders]
    return DataError(
        "data.ambiguous",
        f"The dates of {draft.name!r} can be read day first or month first, such as {text!r}; no cell settles it.",
        where=f"{where}, column {draft.name!r}, rows {', '.join(map(str, rows))}",
        got=text,
        fix=" or ".join(f"--date {draft.name}={form}" for form in forms),
    )
