"""Figures for people: as many digits as mean something, units that fit, nothing like ``2.0999999``."""

from __future__ import annotations

import math

#: no value; a minus sign as wide as a plus
NONE, MINUS = "\u2013", "\u2212"


def number(value: float | None, digits: int = 3) -> str:
    """Return a number with ``digits`` significant digits, thousands separated: ``1,234``, ``2.1``, ``0.00123``."""
    if value is None or math.isnan(value):
        return NONE
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    if size >= 15 or size < -5:
        return f"{value:.{digits - 1}e}".replace("-", MINUS)
    decimals = max(0, digits - 1 - size)
    text = f"{value:,.{decimals}f}"
    return text.replace("-", MINUS)


def datum(value: float, digits: int = 4) -> str:
    """Return a value of the data, as far as it says something: ``0.234``, not ``0.2340``; years without a comma."""
    if value == int(value) and abs(value) < 10_000:
        return f"{value:.0f}".replace("-", MINUS)
    shown = number(value, max(digits, 1 + math.floor(math.log10(abs(value))) if 1 <= abs(value) < 1e9 else digits))
    return shown.rstrip("0").rstrip(".") if "." in shown and "e" not in shown else shown


def interval(value: float, low: float | None, high: float | None) -> tuple[str, str, str]:
    """Return value, low and high with the digits that the width of the interval supports."""
    if low is None or high is None:
        return number(value), "", ""
    width = high - low
    if width <= 0 or not math.isfinite(width):
        return number(value, 4), number(low, 4), number(high, 4)
    sure = 1 - math.floor(math.log10(width))
    usual = 2 - math.floor(math.log10(abs(value))) if value else 0
    decimals = min(8, max(0, sure, usual))
    shown = [f"{v:,.{decimals}f}".replace("-", MINUS) for v in (value, low, high)]
    return shown[0], shown[1], shown[2]


def share(value: float) -> str:
    """Return a share as a percentage that never rounds to 0 % or 100 %."""
    if value <= 0:
        return "0\u00a0%"
    if value >= 1:
        return "100\u00a0%"
    if value < 0.001:
        return "<0.1\u00a0%"
    if value > 0.999:
        return ">99.9\u00a0%"
    shown = f"{100 * value:.1f}" if value < 0.1 or value > 0.9 else f"{100 * value:.0f}"
    return f"{shown.removesuffix('.0')}\u00a0%"


def size(count: int) -> str:
    """Return bytes as ``812 B``, ``3.4 kB``, ``1.2 MB``."""
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 999.5:
            return f"{value:.0f}\u00a0{unit}" if unit == "B" or value >= 99.5 else f"{value:.1f}\u00a0{unit}"
        value /= 1000
    return f"{value:.1f}\u00a0GB"


def seconds(value: float | None) -> str:
    """Return a duration as ``340 ms``, ``12 s``, ``3 min 20 s``."""
    if value is None:
        return NONE
    if value < 0.0995:
        return f"{1000 * value:.0f}\u00a0ms"
    if value < 59.5:
        return f"{value:.1f}\u00a0s" if value < 9.95 else f"{value:.0f}\u00a0s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes}\u00a0min\u00a0{rest}\u00a0s" if rest else f"{minutes}\u00a0min"
    return f"{minutes // 60} h {minutes % 60}\u00a0min"


def micros(value: float) -> str:
    """Return microseconds as ``64 µs`` or ``1.2 ms``."""
    return f"{value:.0f}\u00a0µs" if value < 999.5 else f"{value / 1000:.1f}\u00a0ms"


def plural(count: int, one: str, many: str = "") -> str:
    """Return ``1 row``, ``2,000 rows``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def ticks(low: float, high: float, about: int = 7) -> list[float]:
    """Return round numbers from within low to high, a step of 1, 2 or 5 times a power of ten apart."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low]
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw)
    first = math.ceil(low / step - 1e-9)
    return [i * step for i in range(first, math.floor(high / step + 1e-9) + 1)]


def tick(value: float, step: float) -> str:
    """Return a tick's label with the decimals that its step needs."""
    if value != 0 and (abs(value) >= 1e6 or step < 1e-4):
        return f"{value:.3g}".replace("e+0", "e").replace("-", MINUS)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 0
    return f"{value:,.{decimals}f}".replace("-", MINUS)
