"""What each column is: its kind, how its cells are read, and what cannot be known without the user.

Two passes. The first looks at each column alone; what it proves about the file's decimal mark and date order
settles, in the second, the columns that allow two readings. What stays unsettled stops with ``data.ambiguous``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from afield.core.errors import DataError, ProblemError
from afield.core.findings import Finding
from afield.data.columns import PLAIN, plain_numbers
from afield.data.dates import DateReading, read_compact, read_dates
from afield.data.marks import Reading, Style, read_marks
from afield.data.raw import SEPARATOR, CodedCells, NumberCells, RawColumn, TextCells, coded
from afield.data.tokens import BESIDE_VALUES, category_missing, sentinel
from afield.data.words import looks_like_text, split_unit
from afield.problem.cells import BLANKS, fold
from afield.problem.datetimes import pattern_of
from afield.problem.problem import Problem
from afield.problem.schema import DEFAULT_MISSING, KINDS, ColumnSpec

_GROUPED = re.compile(r"[+-]?[1-9][0-9]{0,2}\.[0-9]{3}")
_MARKS = {"point": ".", "comma": ","}
#: From this share of numbers on, cells that are none are told as stray words.
_MOSTLY = 0.9
_FEW_WORDS = 50


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What one column alone tells.

    ``texts`` are the distinct cells, stripped, not empty; ``rows`` counts each. ``spec`` is set where all is clear.
    """

    name: str
    spec: ColumnSpec | None = None
    numbers: Reading | None = None
    dates: DateReading | None = None
    cells: CodedCells | None = None
    missing: tuple[str, ...] = DEFAULT_MISSING
    settled: str = ""
    label: str = "string"
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Inferred:
    """The spec of one column, the type that its cells had ("string", "integer", "number", "boolean"), findings."""

    spec: ColumnSpec
    label: str
    findings: tuple[Finding, ...] = field(default=())


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
    drafts = {n: _draft(n, c, problem) for n, c in columns.items()}
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


def _draft(name: str, cells: RawColumn, problem: Problem) -> Draft:
    wanted = "datetime" if name in problem.dates else problem.kinds.get(name, "")
    if isinstance(cells, NumberCells):
        return _typed_numbers(name, cells, wanted, problem)
    if isinstance(cells, TextCells) and wanted in ("", "number"):
        if (draft := _plain_text(name, cells)) is not None:
            return draft
        cells = coded(cells)
    elif isinstance(cells, TextCells):
        cells = coded(cells)
    assert isinstance(cells, CodedCells)
    return _coded(name, cells, wanted, problem)


def _typed_numbers(name: str, cells: NumberCells, wanted: str, problem: Problem) -> Draft:
    label = "integer" if cells.whole else "number"
    match wanted:
        case "category":
            spec = ColumnSpec(name=name, kind="category", canonical="number")
        case "text":
            spec = ColumnSpec(name=name, kind="text")
        case "datetime":
            spec = ColumnSpec(name=name, kind="datetime", formats=(problem.dates.get(name, "%Y%m%d"),))
        case _:
            spec = ColumnSpec(name=name, kind="number")
            return _with_sentinel(Draft(name=name, spec=spec, label=label), cells.values)
    return Draft(name=name, spec=spec, label=label)


def _with_sentinel(draft: Draft, values: NDArray[np.float64]) -> Draft:
    """Take -999 and its like for missing where nothing else can be meant; infinite numbers too."""
    assert draft.spec is not None
    tokens, findings = list(draft.spec.missing), list(draft.findings)
    infinite = np.isinf(values)
    if infinite.any():
        tokens += ["inf", "-inf"]
        findings.append(_missing_finding(draft.name, "infinite numbers", infinite))
    finite = values[np.isfinite(values)]
    if len(finite) and finite.min() in (-999.0, -9999.0, -99999.0, -999.9, -9999.9, -99.0):
        distinct, counts = np.unique(finite, return_counts=True)
        found = sentinel(dict(zip(distinct.tolist(), counts.tolist(), strict=True)))
        if found is not None:
            from afield.problem.cells import canonical_number

            tokens.append(canonical_number(found))
            findings.append(
                _missing_finding(draft.name, f"{tokens[-1]}, far outside all other values,", values == found)
            )
    spec = replace(draft.spec, missing=tuple(tokens))
    return replace(draft, spec=spec, findings=tuple(findings))


def _missing_finding(name: str, what: str, rows: NDArray[np.bool_]) -> Finding:
    return Finding(
        code="data.missing_token",
        severity="warning" if "," in what or "infinite" in what else "note",
        what=f"{what[0].upper() + what[1:]} in {name!r} is taken for a missing value in {int(rows.sum()):,} rows.",
        column=name,
        rows=tuple(int(r) + 1 for r in np.flatnonzero(rows)[:5]),
        fix=f"if it is a value, say so: --kind {name}=category" if "infinite" not in what else "",
    )


def _plain_text(name: str, cells: TextCells) -> Draft | None:
    """Return the draft of a text column whose cells are plain numbers or words for missing; None: look closer."""
    parts: list[NDArray[np.float64]] = []
    words: dict[str, None] = {}
    dotted = False  # a point that can only be a decimal mark
    pointed: list[str] = []
    for chunk in cells.chunks:
        joined = chunk if isinstance(chunk, str) else SEPARATOR.join(chunk)
        values = plain_numbers(chunk)
        if values is None or np.isinf(values).any():
            values = _beside_words(joined.split(SEPARATOR), words)
            if values is None:
                return None
        if not dotted and "." in joined:
            seen = [c for c in joined.split(SEPARATOR) if "." in c]
            dotted = not all(_GROUPED.fullmatch(c.strip(BLANKS)) or fold(c.strip(BLANKS)) in words for c in seen)
            pointed += seen[:1]
        if not dotted and not pointed and re.search(rf"(?:^|{SEPARATOR})[ ]*[+-]?0[0-9]|[0-9]{{16}}", joined):
            return None  # codes with leading zeros, or too long for a double
        parts.append(values)
    if (pointed and not dotted) or not parts:
        return None  # "3.750" alone: two readings
    numbers = np.concatenate(parts)
    known = numbers[~np.isnan(numbers)]
    whole = not pointed and bool((known == np.floor(known)).all())
    if not len(known) or (whole and 1.9e7 <= known.min() and known.max() < 2.2e7):
        return None  # nothing, or dates such as 20240131
    missing = (*DEFAULT_MISSING, *(w for w in words if w not in DEFAULT_MISSING))
    spec = ColumnSpec(name=name, kind="number", missing=missing)
    draft = Draft(name=name, spec=spec, settled="." if dotted else "", label="integer" if whole else "number")
    odd = [w for w in words if w not in DEFAULT_MISSING]
    if odd:
        draft = replace(draft, findings=(_words_finding(name, odd, cells),))
    return _with_sentinel(draft, numbers)


def _beside_words(cells: Sequence[str], words: dict[str, None]) -> NDArray[np.float64] | None:
    """Return the numbers of a chunk where all else are words for missing, which are added to ``words``."""
    known: dict[str, float] = {}
    for cell in dict.fromkeys(cells):
        if PLAIN.fullmatch(cell) and abs(value := float(cell)) != np.inf:
            known[cell] = value
            continue
        text = fold(cell.strip(BLANKS))
        if PLAIN.fullmatch(text):
            known[cell] = float(text)
        elif text in DEFAULT_MISSING or text in BESIDE_VALUES:
            words[text] = None
            known[cell] = np.nan
        else:
            return None
    return np.fromiter(map(known.__getitem__, cells), dtype=np.float64, count=len(cells))


def _words_finding(name: str, words: Sequence[str], cells: TextCells | CodedCells) -> Finding:
    rows = _rows_of(words, cells if isinstance(cells, CodedCells) else coded(cells))
    shown = ", ".join(repr(w) for w in words[:5])
    return Finding(
        code="data.missing_token",
        severity="note",
        what=f"{shown} in the number column {name!r} is taken for a missing value in {len(rows):,} rows.",
        column=name,
        rows=tuple(rows[:5].tolist()),
        fix=f"if it means something, make the column a category: --kind {name}=category",
    )


def _rows_of(words: Iterable[str], cells: CodedCells) -> NDArray[np.int64]:
    """Return the rows, from 1, of cells that are one of these words after strip and fold."""
    sought = set(words)
    hit = np.array([fold(str(t).strip(BLANKS)) in sought or str(t).strip(BLANKS) in sought for t in cells.levels])
    return np.flatnonzero(hit[cells.codes]) + 1 if len(hit) else np.empty(0, dtype=np.int64)


def _coded(name: str, cells: CodedCells, wanted: str, problem: Problem) -> Draft:
    if cells.typed == "boolean" and wanted in ("", "category"):
        spec = ColumnSpec(name=name, kind="category", canonical="boolean")
        return Draft(name=name, spec=spec, label="boolean")
    if cells.typed == "datetime" and wanted in ("", "datetime"):
        formats = (problem.dates.get(name, "iso"),)
        return Draft(name=name, spec=ColumnSpec(name=name, kind="datetime", formats=formats))
    stripped = [str(t).strip(BLANKS) for t in cells.levels]
    texts = list(dict.fromkeys(t for t in stripped if fold(t) not in DEFAULT_MISSING))
    if wanted == "datetime" and name in problem.dates:
        missing = (*DEFAULT_MISSING, *dict.fromkeys(fold(t) for t in texts if fold(t) in BESIDE_VALUES))
        spec = ColumnSpec(name=name, kind="datetime", formats=(problem.dates[name],), missing=missing)
        return Draft(name=name, spec=spec)
    if cells.typed == "category" and not wanted:
        wanted = "category"
    if wanted in ("", "category") and texts and {fold(t) for t in texts} <= {"true", "false"}:
        return Draft(name=name, spec=ColumnSpec(name=name, kind="category", canonical="boolean"), label="boolean")
    values = [t for t in texts if fold(t) not in BESIDE_VALUES]
    beside = tuple(dict.fromkeys(fold(t) for t in texts if fold(t) in BESIDE_VALUES))
    missing = (*DEFAULT_MISSING, *beside)
    findings = (_words_finding(name, beside, cells),) if beside else ()
    if wanted in ("", "datetime"):
        dates = read_dates(values)
        if dates is None and (compact := read_compact(values, name)):
            dates = DateReading((compact,))
        if dates is not None:
            return Draft(name=name, dates=dates, cells=cells, missing=missing, findings=findings)
        if wanted == "datetime":
            raise ProblemError(
                "problem.option",
                f"The cells of {name!r} are no dates of a known form.",
                where=f"--kind {name}=datetime",
                got=", ".join(map(repr, values[:5])),
                fix=f"say how they are written: --date {name}=%d.%m.%Y",
            )
    if wanted in ("", "number") and values:
        reading = read_marks(values)
        if wanted == "number" or (not reading.odd and not _are_codes(values)):
            return _as_numbers(name, cells, reading, missing, findings, values)
        stray = _stray_words(name, cells, reading, texts)
        return _as_words(name, cells, texts, "", stray)
    return _as_words(name, cells, texts, wanted, ())


def _are_codes(texts: Sequence[str]) -> bool:
    """Whole numbers of one width, three or more, some with leading zeros; or too long for a double."""
    if not all(t.isascii() and t.isdigit() for t in texts):
        return False
    width = {len(t) for t in texts}
    return max(width) >= 16 or (len(width) == 1 and min(width) >= 3 and any(t[0] == "0" for t in texts))


def _as_numbers(
    name: str,
    cells: CodedCells,
    reading: Reading,
    missing: tuple[str, ...],
    findings: tuple[Finding, ...],
    values: Sequence[str],
) -> Draft:
    if reading.odd:  # only where the user said number
        if len(reading.odd) > _FEW_WORDS:
            rows = _rows_of(reading.odd, cells)
            raise ProblemError(
                "problem.option",
                f"{name!r} cannot be read as numbers: {len(reading.odd):,} different cells are none.",
                where=f"--kind {name}=number, rows {', '.join(map(str, rows[:5]))}",
                got=", ".join(map(repr, reading.odd[:5])),
            )
        words = tuple(dict.fromkeys(fold(t) for t in reading.odd))
        missing = (*missing, *words)
        findings = (*findings, replace(_words_finding(name, words, cells), severity="warning"))
    whole = all(t.lstrip("+-").isdigit() for t in values)
    return Draft(
        name=name,
        numbers=reading,
        cells=cells,
        missing=missing,
        settled=reading.settled,
        label="integer" if whole else "number",
        findings=findings,
    )


def _stray_words(name: str, cells: CodedCells, reading: Reading, texts: Sequence[str]) -> tuple[Finding, ...]:
    """Tell of words in a column that is numbers otherwise."""
    odd = set(reading.odd)
    if not odd or reading.numbers < 10:
        return ()
    level_odd = np.array([str(t).strip(BLANKS) in odd for t in cells.levels], dtype=bool)
    level_value = np.array([str(t).strip(BLANKS) in set(texts) for t in cells.levels], dtype=bool)
    counts = np.bincount(cells.codes, minlength=len(cells.levels))
    share = 1 - counts[level_odd].sum() / max(1, counts[level_value].sum())
    if share < _MOSTLY:
        return ()
    rows = _rows_of(odd, cells)
    shown = ", ".join(repr(t) for t in reading.odd[:5])
    return (
        Finding(
            code="data.mixed",
            severity="serious",
            what=f"{name!r} is numbers in {share:.1%} of its cells, and {shown} in {len(rows):,} rows; so it is read as words.",
            column=name,
            rows=tuple(rows[:5].tolist()),
            fix=f"correct these cells, or --kind {name}=number takes them for missing",
        ),
    )


def _as_words(name: str, cells: CodedCells, texts: Sequence[str], wanted: str, findings: tuple[Finding, ...]) -> Draft:
    missing = category_missing(str(t).strip(BLANKS) for t in cells.levels)
    kept = [t for t in dict.fromkeys(str(t).strip(BLANKS) for t in cells.levels) if fold(t) not in missing]
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


def _by_slash(draft: Draft) -> bool:
    assert draft.dates is not None
    return draft.dates.orders[0][0][:2] in ("%d", "%m") and draft.dates.orders[0][0][2:3] in ("/", "-")


def _settle(
    draft: Draft, cells: RawColumn, mark: str, month_first: bool | None, problem: Problem, where: str
) -> Inferred:
    spec, findings = draft.spec, draft.findings
    if draft.numbers is not None:
        assert draft.cells is not None
        style = draft.numbers.choose(mark)
        if style is None:
            raise _ambiguous_number(draft, draft.numbers, draft.cells, where)
        findings += _mark_findings(draft, style, mark, problem)
        spec = replace(style.spec(draft.name), missing=draft.missing)
    elif draft.dates is not None:
        assert draft.cells is not None
        orders = dict(zip(draft.dates.month_first, draft.dates.orders, strict=True))
        if len(orders) == 1:
            formats = next(iter(orders.values()))
        elif month_first is not None:
            formats = orders[month_first]
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
    return Inferred(spec=replace(spec, unit=split_unit(draft.name)), label=draft.label, findings=findings)


def _mark_findings(draft: Draft, style: Style, mark: str, problem: Problem) -> tuple[Finding, ...]:
    findings = []
    if problem.decimal and draft.settled and draft.settled != mark:
        what = f"The numbers of {draft.name!r} can only be written with {draft.settled!r}, against --decimal."
        findings.append(Finding(code="data.decimal", severity="warning", what=what, column=draft.name))
    assert draft.numbers is not None
    if len(draft.numbers.styles) > 1:
        why = "--decimal says so" if problem.decimal else f"the rest of the file is written with {mark!r}"
        what = f"The numbers of {draft.name!r} are read with the decimal mark {style.decimal!r}, since {why}."
        findings.append(
            Finding(code="data.ambiguous", severity="note", what=what, column=draft.name, fix="--decimal comma|point")
        )
    return tuple(findings)


def _ambiguous_number(draft: Draft, reading: Reading, cells: CodedCells, where: str) -> DataError:
    text = next(str(t).strip(BLANKS) for t in cells.levels if re.search(r"[0-9][.,][0-9]{3}", str(t)))
    rows = _rows_of([text], cells)[:5]
    from afield.problem.cells import canonical_number, read_number

    meant = " or ".join(canonical_number(read_number(s.spec(), text)) for s in reading.styles)
    return DataError(
        "data.ambiguous",
        f"The numbers of {draft.name!r} can be read in two ways: {text!r} is {meant}, and no cell of the file settles it.",
        where=f"{where}, column {draft.name!r}, row {', '.join(map(str, rows))}",
        got=text,
        fix="say which mark parts the decimals: --decimal point or --decimal comma",
    )


def _ambiguous_date(draft: Draft, dates: DateReading, cells: CodedCells, where: str) -> DataError:
    known = [str(t).strip(BLANKS) for t in cells.levels if re.search(r"[0-9]", str(t))]
    text = next((t for t in known if len(set(re.split("[-/]", t)[:2])) == 2), known[0])
    rows = _rows_of([text], cells)[:5]
    forms = [order[0] for order in dates.orders]
    return DataError(
        "data.ambiguous",
        f"The dates of {draft.name!r} can be read day first or month first: {text!r}, and no cell of the file settles it.",
        where=f"{where}, column {draft.name!r}, row {', '.join(map(str, rows))}",
        got=text,
        fix=" or ".join(f"--date {draft.name}={form}" for form in forms),
    )
