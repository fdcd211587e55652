r"""How one cell becomes a value: the single definition that Python, JavaScript, C and the server follow.

``tests/vectors/cells.json`` holds cells with their values; every reader is held to it. Words below: *blank* is one of
U+0009 to U+000D, U+0020, U+00A0, U+2007, U+2009, U+202F, U+FEFF; *digit* is ``0`` to ``9`` of ASCII, no other script's;
*fold* turns ``A`` to ``Z`` into lower case and nothing else.

1. **Typed cells.** No cell (null) is missing. A number that is not a number (NaN, NaT) is missing. An object, list,
   bytes, time of day or duration is an error.
2. **Text** first loses its blanks at both ends. What is left is missing when it is empty, or when its fold is in
   ``spec.missing``. Case, inner blanks and Unicode form stay as they are. Text with half a surrogate pair is an error.
3. **number** gives a double; missing is NaN.

   - Text must match, from end to end, ``sign? blank* prefix? blank* sign? body blank* suffix?`` with at most one sign
     (``+``, ``-`` or U+2212); without a prefix in the spec, no blank may follow the sign. Prefix and suffix are
     compared exactly, and may be absent.
   - body: ``whole (decimal digit*)? exponent?``, or ``decimal digit+ exponent?``. whole: digits only, or, where
     ``spec.thousands`` is set, one to three digits the first of which is not ``0``, then groups of the mark and exactly
     three digits. exponent: ``e`` or ``E``, an optional ``+`` or ``-``, digits.
   - A thousands mark ``'`` also matches U+2019; a blank one matches U+0020, U+00A0, U+2007, U+2009 and U+202F.
   - The value is the double nearest to the decimal number. Too large for a double (``1e400``) is an error; too small is
     zero. ``5 %`` is 5. So ``1,5`` (where decimal is ``.``), ``1_000``, ``0x1F``, ``inf``, ``(5)`` and ``1,00,000``
     are errors.
   - A typed whole number is rounded to the nearest double; true is 1 and false is 0; an infinite number is an error.
   - A value whose canonical text (rule 7) is in ``spec.missing`` is missing: with ``-999`` there, so is ``-999.0``.
     That holds for typed numbers too, and for infinite ones, whose text is ``inf`` and ``-inf``.
4. **category** gives text; missing is ``""``. Typed booleans are ``true`` and ``false``, typed numbers their canonical
   text, typed dates the text of rule 6. Text stays as it is, unless ``spec.canonical`` is

   - ``number``: text that rule 3 reads as a number becomes its canonical text (whole numbers written with digits alone
     keep their digits, less a ``+`` and leading zeros); other text stays;
   - ``boolean``: ``true``, ``false`` in any case and ``1``, ``0`` (typed or text) become ``true``, ``false``; other
     text stays.
5. **text** gives text as category does without ``canonical``.
6. **datetime** gives ``YYYY-MM-DDTHH:MM:SS``; missing is ``""``. Text is tried against ``spec.formats`` in order (see
   ``afield.problem.datetimes``); none fitting is an error. A typed number is tried by its canonical text, so 20240131
   fits ``%Y%m%d``. Where the cell names an offset, the value is in UTC; otherwise as written. Fractions of a
   second are cut off. A typed date is midnight.
7. **Canonical text of a number** is what JavaScript's ``String(x)`` prints: the shortest digits that read back as the
   same double; positional from 1e-6 up to, not including, 1e21, otherwise like ``1.5e-7`` and ``1e+21``; no ``.0``;
   zero is ``0`` whatever its sign. Typed whole numbers below 1e21 keep all their digits.
"""

from __future__ import annotations

import math
import re
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache

from afield.problem.datetimes import canonical_datetime, read_datetime
from afield.problem.schema import ColumnSpec

BLANKS = "\t\n\v\f\r \u00a0\u2007\u2009\u202f\ufeff"
_SPACE_MARKS = " \u00a0\u2007\u2009\u202f"
_FOLD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_WHOLE = re.compile(r"([+-]?)0*([0-9]{1,21})")  # longer ones are doubles
_MAX_EXACT = 10**21
_DIGITS = re.compile(r"-?[0-9]{1,100}(?:\.[0-9]{0,100})?")  # no double is too small for so many


class CellError(ValueError):
    """A cell cannot be read as its column demands. The message is a short reason without the cell."""


def fold(text: str) -> str:
    """Return the text with A to Z in lower case, as missing tokens are compared."""
    return text.translate(_FOLD)


def canonical_number(value: float) -> str:
    """Return the canonical text of a number, rule 7; ``inf`` and ``-inf`` for the infinite."""
    if isinstance(value, int):
        if abs(value) < _MAX_EXACT:
            return str(int(value))
        value = _as_double(value)
    if value == 0:
        return "0"
    digits, _, power = repr(float(value)).partition("e")
    if not math.isfinite(value):
        return digits
    sign = "-" if digits.startswith("-") else ""
    whole, _, fraction = digits.lstrip("-").partition(".")
    fraction = "" if fraction == "0" else fraction
    point = len(whole) + int(power or 0)  # the value is 0.DIGITS * 10**point
    body = whole + fraction
    point -= len(body) - len(body.lstrip("0"))
    body = body.lstrip("0").rstrip("0")
    if 0 < point <= 21:
        text = body.ljust(point, "0") if len(body) <= point else f"{body[:point]}.{body[point:]}"
    elif -6 < point <= 0:
        text = "0." + "0" * -point + body
    else:
        text = body[0] + ("." + body[1:] if body[1:] else "") + f"e{point - 1:+d}"
    return sign + text


def read_cell(spec: ColumnSpec, cell: object) -> float | str:
    """Return the value of one cell: a float for a number column (NaN = missing), else str ("" = missing).

    Parameters
    ----------
    spec : ColumnSpec
    cell : object
        str, bool, int, float, Decimal, date, datetime, None, or a numpy or pandas scalar of these.

    Raises
    ------
    CellError
        With a short reason.
    """
    if spec.plain and type(cell) is str and _DIGITS.fullmatch(cell):  # a short cut: most cells of most tables
        return float(cell)
    cell = _plain(cell)
    if cell is None:
        return math.nan if spec.kind == "number" else ""
    if isinstance(cell, str):
        text = cell.strip(BLANKS)
        if not text or fold(text) in spec.missing:
            return math.nan if spec.kind == "number" else ""
        return _read_text(spec, text)
    return _read_typed(spec, cell)


def _read_text(spec: ColumnSpec, text: str) -> float | str:
    if spec.kind == "number":
        return _missing_or(spec, read_number(spec, text))
    if spec.kind == "datetime":
        return _read_datetime(spec, text)
    if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
        raise CellError("half a surrogate pair: not valid Unicode")
    if spec.kind == "category":
        return _canonical_text(spec, text)
    return text


def _read_typed(spec: ColumnSpec, cell: bool | int | float | Decimal | date) -> float | str:
    if isinstance(cell, date):
        if spec.kind == "number":
            raise CellError("a date, not a number")
        try:
            return canonical_datetime(cell)
        except ValueError as error:
            raise CellError(str(error)) from error
    if spec.kind == "number":
        return _missing_or(spec, _as_double(cell))
    if isinstance(cell, bool):
        if spec.kind == "datetime":
            raise CellError("a boolean, not a date")
        return "true" if cell else "false"
    text = canonical_number(_as_double(cell) if isinstance(cell, Decimal) else cell)
    if text in spec.missing:
        return ""
    if spec.kind == "datetime":
        return _read_datetime(spec, text)
    return _canonical_text(spec, text) if spec.kind == "category" else text


def read_number(spec: ColumnSpec, text: str) -> float:
    """Return the number that stripped text stands for by the marks of ``spec``; missing tokens are not looked at.

    Raises
    ------
    CellError
    """
    match = _number_pattern(spec.decimal, spec.thousands, spec.prefix, spec.suffix).fullmatch(text)
    if match is None:
        raise CellError("not a number" + (" with decimal mark " + repr(spec.decimal) if "," in text else ""))
    first, second, whole, fraction, bare, exponent = match.groups()
    if first and second:
        raise CellError("two signs")
    whole = re.sub("[^0-9]", "", whole or "")
    sign = "" if (first or second or "+") == "+" else "-"
    value = float(f"{sign}{whole}.{fraction or bare or ''}{exponent or ''}")
    if math.isinf(value):
        raise CellError("too large for a double")
    return value


@lru_cache(maxsize=1024)
def _number_pattern(decimal: str, thousands: str, prefix: str, suffix: str) -> re.Pattern[str]:
    blanks = f"[{re.escape(BLANKS)}]*"
    whole = "[0-9]+"
    if thousands:
        mark = {"'": "['\u2019]", " ": f"[{_SPACE_MARKS}]"}.get(thousands, re.escape(thousands))
        whole = f"[1-9][0-9]{{0,2}}(?:{mark}[0-9]{{3}})+|[0-9]+"
    point, sign = re.escape(decimal), "([+\\-\u2212])?"
    head = f"{sign}{blanks}(?:{re.escape(prefix)})?{blanks}{sign}" if prefix else f"{sign}()"
    tail = f"{blanks}(?:{re.escape(suffix)})?" if suffix else ""
    return re.compile(f"{head}(?:({whole})(?:{point}([0-9]*))?|{point}([0-9]+))([eE][+-]?[0-9]+)?{tail}")


def _missing_or(spec: ColumnSpec, value: float) -> float:
    if value != value or canonical_number(value) in spec.missing:  # noqa: PLR0124 - NaN
        return math.nan
    if math.isinf(value):
        raise CellError("an infinite number")
    return value


def _as_double(cell: int | float | Decimal) -> float:
    try:
        return float(cell)
    except OverflowError as error:
        raise CellError("too large for a double") from error


def _canonical_text(spec: ColumnSpec, text: str) -> str:
    if spec.canonical == "boolean":
        return {"true": "true", "1": "true", "false": "false", "0": "false"}.get(fold(text), text)
    if spec.canonical == "number":
        if whole := _WHOLE.fullmatch(text):
            sign, digits = whole.groups()
            return canonical_number(int(("-" if sign == "-" else "") + digits))
        try:
            return canonical_number(read_number(spec, text))
        except CellError:
            return text  # not a number: a level of its own, unseen in training
    return text


def _read_datetime(spec: ColumnSpec, text: str) -> str:
    for pattern in spec.formats:
        value = read_datetime(text, pattern)
        if value is not None:
            return value
    raise CellError("not a date of the form " + " or ".join(spec.formats or ("(none)",)))


def _plain(cell: object) -> str | bool | int | float | Decimal | date | None:
    """Return the cell as a builtin type; None where it is missing."""
    kind = type(cell)
    if cell is None or kind is str:
        return cell  # type: ignore[return-value]
    if kind.__name__ in ("NAType", "NaTType"):
        return None
    if kind.__module__ == "numpy":
        if kind.__name__ == "datetime64":
            return None if str(cell) == "NaT" else datetime.fromisoformat(str(cell.astype("datetime64[us]")))  # type: ignore[attr-defined]
        cell = cell.item()  # type: ignore[attr-defined]
    if isinstance(cell, Decimal):
        return None if cell.is_nan() else cell
    if isinstance(cell, float):
        return None if math.isnan(cell) else float(cell)
    if isinstance(cell, (str, int, date)):
        return cell
    raise CellError(f"a {type(cell).__name__} is not a value")
