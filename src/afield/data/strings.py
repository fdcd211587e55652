"""Columns of distinct texts: booleans, dates, numbers with marks, categories, running text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from afield.core.errors import ProblemError
from afield.core.findings import Finding
from afield.data.columns import PLAIN
from afield.data.dates import DateReading, read_compact, read_dates
from afield.data.draft import Draft, words_finding
from afield.data.marks import read_marks
from afield.data.numbers import as_numbers, stray_words
from afield.data.raw import CodedCells
from afield.data.tokens import BESIDE_VALUES, category_missing
from afield.data.words import looks_like_text
from afield.problem.cells import BLANKS, fold
from afield.problem.problem import Problem
from afield.problem.schema import DEFAULT_MISSING, ColumnSpec

_MARKS = {"point": ".", "comma": ","}


def draft_strings(name: str, cells: CodedCells, wanted: str, problem: Problem) -> Draft:
    """Return the draft of a column of texts; ``wanted`` is the kind that the user settled, or "".

    Raises
    ------
    ProblemError
        ``problem.option``: the cells cannot be of the kind wanted.
    """
    if cells.typed == "boolean" and wanted in ("", "category"):
        return _boolean(name)
    if cells.typed == "datetime" and wanted in ("", "datetime"):
        formats = (problem.dates.get(name, "iso"),)
        return Draft(name=name, spec=ColumnSpec(name=name, kind="datetime", formats=formats))
    stripped = [str(t).strip(BLANKS) for t in cells.levels]
    texts = list(dict.fromkeys(t for t in stripped if fold(t) not in DEFAULT_MISSING))
    wanted = "category" if cells.typed == "category" and not wanted else wanted
    if wanted in ("", "category") and texts and {fold(t) for t in texts} <= {"true", "false"}:
        return _boolean(name)
    draft = _values(name, cells, texts, wanted, problem)
    return draft or _as_words(name, cells, texts, "" if wanted == "number" else wanted, ())


def _boolean(name: str) -> Draft:
    return Draft(name=name, spec=ColumnSpec(name=name, kind="category", canonical="boolean"), label="boolean")


def _values(name: str, cells: CodedCells, texts: Sequence[str], wanted: str, problem: Problem) -> Draft | None:
    """Return the draft of dates, numbers, or numbers with stray words; None: words."""
    values = [t for t in texts if fold(t) not in BESIDE_VALUES]
    beside = tuple(dict.fromkeys(fold(t) for t in texts if fold(t) in BESIDE_VALUES))
    missing = (*DEFAULT_MISSING, *beside)
    if wanted == "datetime" and name in problem.dates:
        return Draft(
            name=name, spec=ColumnSpec(name=name, kind="datetime", formats=(problem.dates[name],), missing=missing)
        )
    findings = (words_finding(name, beside, cells),) if beside else ()
    if wanted in ("", "datetime"):
        dates = read_dates(values) or ((c := read_compact(values, name)) and DateReading((c,)))
        if dates:
            return Draft(name=name, dates=dates, cells=cells, missing=missing, findings=findings)
        if wanted == "datetime":
            raise ProblemError(
                "problem.option",
                f"The cells of {name!r} are no dates of a known form.",
                where=f"--kind {name}=datetime",
                got=", ".join(map(repr, values[:5])),
                fix=f"say how they are written: --date {name}=%d.%m.%Y",
            )
    if wanted not in ("", "number") or not values:
        return None
    reading = read_marks(values, _MARKS.get(problem.decimal, ""))
    if wanted == "number" or (not reading.odd and not _are_codes(values)):
        return as_numbers(name, cells, reading, missing, findings, values)
    return _as_words(name, cells, texts, "", stray_words(name, cells, reading, texts))


def _are_codes(texts: Sequence[str]) -> bool:
    """Whole numbers of one width, three or more, some with leading zeros; or too long for a double."""
    if not all(t.isascii() and t.isdigit() for t in texts):
        return False
    width = {len(t) for t in texts}
    return max(width) >= 16 or (len(width) == 1 and min(width) >= 3 and any(t[0] == "0" for t in texts))


def _as_words(name: str, cells: CodedCells, texts: Sequence[str], wanted: str, findings: tuple[Finding, ...]) -> Draft:
    stripped = list(dict.fromkeys(str(t).strip(BLANKS) for t in cells.levels))
    missing = category_missing(stripped)
    kept = [t for t in stripped if fold(t) not in missing]
    if wanted == "text" or (not wanted and looks_like_text(kept, cells)):
        return Draft(name=name, spec=ColumnSpec(name=name, kind="text", missing=missing), findings=findings)
    simple = bool(kept) and not _are_codes(kept) and all(PLAIN.fullmatch(t) for t in kept)
    whole = simple and all(t.lstrip("+-").isdigit() for t in kept)
    leading = any(re.match(r"[+-]?0[0-9]", t) for t in kept)
    spec = ColumnSpec(name=name, kind="category", missing=missing, canonical="number" if simple and not leading else "")
    label = ("integer" if whole else "number") if simple and not leading else "string"
    if not wanted and kept and _are_codes(kept):
        what = (
            f"{name!r} holds digits that are codes (leading zeros, or longer than a number can be): read as a category."
        )
        findings = (
            *findings,
            Finding(code="data.codes", severity="note", what=what, column=name, fix=f"else: --kind {name}=number"),
        )
    return Draft(name=name, spec=spec, label=label, findings=findings)
