"""Number columns: typed ones, plain text, and text with marks, signs or words for missing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from afield.core.errors import ProblemError
from afield.core.findings import Finding
from afield.data.columns import PLAIN, plain_numbers
from afield.data.draft import Draft, missing_finding, rows_of, words_finding
from afield.data.marks import Reading
from afield.data.raw import SEPARATOR, CodedCells, NumberCells, TextCells
from afield.data.tokens import BESIDE_VALUES, SENTINELS, sentinel
from afield.problem.cells import BLANKS, canonical_number, fold
from afield.problem.problem import Problem
from afield.problem.schema import DEFAULT_MISSING, ColumnSpec

_GROUPED = re.compile(r"[+-]?[1-9][0-9]{0,2}\.[0-9]{3}")
#: From this share of numbers on, cells that are none are told as stray words.
_MOSTLY = 0.9
#: More different words than this cannot be called missing, and are rather codes than slips.
_FEW_WORDS = 50


def typed_numbers(name: str, cells: NumberCells, wanted: str, problem: Problem) -> Draft:
    """Return the draft of a column of typed numbers."""
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
            return _with_sentinel(Draft(name=name, spec=spec, label=label), cells.values, keep=wanted == "number")
    return Draft(name=name, spec=spec, label=label)


def _with_sentinel(draft: Draft, values: NDArray[np.float64], *, keep: bool) -> Draft:
    """Take -999 and its like for missing where nothing else can be meant, and ``keep`` is False; infinities always."""
    assert draft.spec is not None
    tokens, findings = list(draft.spec.missing), list(draft.findings)
    infinite = np.isinf(values)
    if infinite.any():
        tokens += ["inf", "-inf"]
        findings.append(missing_finding(draft.name, "infinite numbers", infinite))
    finite = values[np.isfinite(values)]
    if not keep and len(finite) and finite.min() in SENTINELS:
        distinct, counts = np.unique(finite, return_counts=True)
        found = sentinel(dict(zip(distinct.tolist(), counts.tolist(), strict=True)))
        if found is not None:
            tokens.append(canonical_number(found))
            findings.append(
                missing_finding(draft.name, f"{tokens[-1]}, far outside all other values,", values == found)
            )
    spec = replace(draft.spec, missing=tuple(tokens))
    return replace(draft, spec=spec, findings=tuple(findings))


def plain_text(name: str, cells: TextCells, *, keep: bool) -> Draft | None:
    """Return the draft of a text column whose cells are plain numbers or words for missing; None: look closer."""
    parts: list[NDArray[np.float64]] = []
    words: dict[str, None] = {}
    dotted = False  # a point that can only be a decimal mark
    pointed: list[str] = []
    for chunk in cells.chunks:
        joined = chunk if isinstance(chunk, str) else SEPARATOR.join(chunk)
        values = plain_numbers(chunk)
        if values is None or np.isinf(values).any():
            values = _beside_words(joined.split(SEPARATOR) if isinstance(chunk, str) else chunk, words)
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
    if not len(known) or (whole and known.min() >= 1.9e7 and known.max() < 2.2e7):
        return None  # nothing, or dates such as 20240131
    missing = (*DEFAULT_MISSING, *(w for w in words if w not in DEFAULT_MISSING))
    spec = ColumnSpec(name=name, kind="number", missing=missing)
    draft = Draft(
        name=name, spec=spec, settled="." if dotted else "", label="integer" if whole else "number", values=numbers
    )
    odd = [w for w in words if w not in DEFAULT_MISSING]
    if odd:
        draft = replace(draft, findings=(words_finding(name, odd, cells),))
    return _with_sentinel(draft, numbers, keep=keep)


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


def as_numbers(
    name: str,
    cells: CodedCells,
    reading: Reading,
    missing: tuple[str, ...],
    findings: tuple[Finding, ...],
    values: Sequence[str],
) -> Draft:
    """Return the draft of a text column that is read as numbers; odd cells are there only when the user said number.

    Raises
    ------
    ProblemError
        ``problem.option``: too many different cells are no numbers.
    """
    if reading.odd:  # only where the user said number
        if len(reading.odd) > _FEW_WORDS:
            rows = rows_of(reading.odd, cells)
            raise ProblemError(
                "problem.option",
                f"{name!r} cannot be read as numbers: {len(reading.odd):,} different cells are none.",
                where=f"--kind {name}=number, rows {', '.join(map(str, rows[:5]))}",
                got=", ".join(map(repr, reading.odd[:5])),
            )
        words = tuple(dict.fromkeys(fold(t) for t in reading.odd))
        missing = (*missing, *words)
        findings = (*findings, replace(words_finding(name, words, cells), severity="warning"))
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


def stray_words(name: str, cells: CodedCells, reading: Reading, texts: Sequence[str]) -> tuple[Finding, ...]:
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
    rows = rows_of(odd, cells)
    shown = ", ".join(repr(t) for t in reading.odd[:5])
    return (
        Finding(
            code="data.mixed",
            severity="serious" if len(odd) <= _FEW_WORDS else "warning",
            what=f"{name!r} is numbers in {share:.1%} of its cells, and {shown} in {len(rows):,} rows: read as words.",
            column=name,
            rows=tuple(rows[:5].tolist()),
            fix=f"correct these cells, or --kind {name}=number takes them for missing",
        ),
    )
