"""How the numbers of a text column are written: decimal mark, thousands mark, signs around them.

A reading is a way to understand all cells of a column. Where two readings fit and give different numbers, none is
chosen here: other columns of the file, or the user, must settle it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from afield.problem.cells import CellError, read_number
from afield.problem.schema import ColumnSpec

CURRENCIES = frozenset(
    "$ € £ ¥ ₹ ₽ ₩ ₺ ₴ ₦ ฿ ₫ US$ A$ C$ R$ CHF EUR USD GBP JPY SEK NOK DKK PLN CZK HUF Fr. kr kr. zł Kč Ft Rs.".split()
)
#: No single letters: ``12A`` is rather a code than a current.
UNITS = frozenset(
    "% ‰ °C °F ° kg mg µg km cm mm µm mL ml dl ms min lb lbs oz ft mph kWh kW mV mA Hz kHz MHz Pa hPa kPa bar mbar ppm "
    "dB mmHg km/h m/s mg/l mg/L mg/dl mg/dL g/l g/L bpm".split()
)
#: Readings in order of preference; (decimal mark, thousands mark).
STYLES = ((".", ""), (",", ""), (".", ","), (",", "."), (".", "'"), (".", " "), (",", " "), (",", "'"))
_PARTS = re.compile(r"([^0-9.,]*)([.,]?[0-9](?:.*[0-9])?[.,]?)([^0-9]*)", re.DOTALL)
_MARKED = re.compile(r"[^0-9]")
_SIGNS = "+-\u2212"
_BLANKS = " \u00a0\u2007\u2009\u202f\t"


@dataclass(frozen=True)
class Style:
    """One way to write numbers."""

    decimal: str = "."
    thousands: str = ""
    prefix: str = ""
    suffix: str = ""

    def spec(self, name: str = "") -> ColumnSpec:
        """Return a number column with these marks."""
        return ColumnSpec(
            name=name,
            kind="number",
            decimal=self.decimal,
            thousands=self.thousands,
            prefix=self.prefix,
            suffix=self.suffix,
        )


@dataclass(frozen=True)
class Reading:
    """What the cells allow.

    Parameters
    ----------
    styles : tuple of Style
        One style for each different set of numbers that the cells can be; more than one: not settled.
    settled : str
        The decimal mark that the cells themselves prove, or "".
    odd : tuple of str
        Cells that are no numbers.
    numbers : int
        Distinct cells that are numbers.
    """

    styles: tuple[Style, ...]
    settled: str
    odd: tuple[str, ...]
    numbers: int

    def choose(self, mark: str) -> Style | None:
        """Return the style whose decimal mark is ``mark`` where that matters; None: still not settled."""
        if len(self.styles) == 1:
            return self.styles[0]
        fitting = [s for s in self.styles if s.decimal == mark]
        return fitting[0] if len(fitting) == 1 else None


def read_marks(texts: Sequence[str], preferred: str = "") -> Reading:
    """Return what distinct, stripped, not missing texts allow.

    ``preferred`` is the decimal mark of readings that give the same numbers.
    """
    split = {t: _affixes(t) for t in texts}
    prefix = _commonest(parts[0] for parts in split.values() if parts)
    suffix = _commonest(parts[2] for parts in split.values() if parts)
    bodies = {t: p[1] for t, p in split.items() if p and p[0] in ("", prefix) and p[2] in ("", suffix)}
    marked = {t: b for t, b in bodies.items() if _MARKED.search(b)}
    order = sorted(STYLES, key=lambda s: (s[0] != preferred) if preferred else 0)
    fits: dict[tuple[str, str], dict[str, float]] = {}
    for decimal, thousands in order:
        fits[decimal, thousands] = _values(marked, decimal, thousands)
    most = max(map(len, fits.values()), default=0)
    best = [style for style in order if len(fits[style]) == most]
    classes: dict[tuple[tuple[str, float], ...], tuple[str, str]] = {}
    for style in best:
        classes.setdefault(tuple(sorted(fits[style].items())), style)
    styles = tuple(Style(d, t, prefix, suffix) for d, t in classes.values())
    readable = {t for t in bodies if t not in marked} | set().union(*(fits[s] for s in classes.values()))
    odd = tuple(t for t in texts if t not in readable)
    settled = _settled(marked, styles) if len(styles) == 1 and marked else ""
    return Reading(styles, settled, odd, len(texts) - len(odd))


def _settled(marked: dict[str, str], styles: tuple[Style, ...]) -> str:
    """Return the decimal mark when ``.`` or ``,`` stands in the cells and the other mark cannot be the decimal one."""
    seen = set("".join(marked.values())) & {".", ","}
    return styles[0].decimal if seen else ""


def _values(marked: dict[str, str], decimal: str, thousands: str) -> dict[str, float]:
    spec = Style(decimal, thousands).spec()
    values = {}
    for text, body in marked.items():
        try:
            values[text] = read_number(spec, body)
        except CellError:
            continue  # counted by its absence
    return values


def _affixes(text: str) -> tuple[str, str, str] | None:
    match = _PARTS.fullmatch(text)
    if match is None:
        return None
    before, body, after = match.groups()
    prefix, signs = before.strip(_BLANKS + _SIGNS), sum(before.count(s) for s in _SIGNS)
    suffix = after.strip(_BLANKS)
    if signs > 1 or (signs and not prefix and before[-1] not in _SIGNS):
        return None
    if (prefix and prefix not in CURRENCIES) or (suffix and suffix not in CURRENCIES and suffix not in UNITS):
        return None
    return prefix, body, suffix


def _commonest(items: object) -> str:
    counts = Counter(i for i in items if i)  # type: ignore[attr-defined]
    return max(sorted(counts), key=lambda k: counts[k], default="")
