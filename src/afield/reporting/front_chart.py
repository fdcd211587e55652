"""The front as a picture: score against size or latency, on logarithmic axes since they span powers of ten."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from afield.reporting.charts import Plot
from afield.reporting.facts import PointFacts
from afield.reporting.figures import micros, number, size
from afield.reporting.markup import Markup


def by_size(points: Sequence[PointFacts], metric: str) -> Markup:
    """Return the score against the bytes of the file."""
    return _front(points, metric, "size of the file", lambda p: p.bytes, lambda v: size(round(v)))


def by_latency(points: Sequence[PointFacts], metric: str) -> Markup:
    """Return the score against the time for one row."""
    return _front(points, metric, "time for one row", lambda p: p.latency_us, micros)


def round_numbers(low: float, high: float) -> list[float]:
    """Return 1, 2 and 5 times powers of ten within low to high; of many, the powers of ten."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 2, 5), (1, 3), (1,)):
        found = [m * 10.0**p for p in powers for m in steps if low <= m * 10.0**p <= high]
        if len(found) <= 6:
            break
    return found


def _front(
    points: Sequence[PointFacts],
    metric: str,
    name: str,
    cost: Callable[[PointFacts], float],
    text: Callable[[float], str],
) -> Markup:
    costs = [max(cost(p), 1e-3) for p in points]
    low, high = min(costs) / 1.25, max(costs) * 1.25
    ends = [v for p in points for v in (p.score - p.noise, p.score + p.noise)]
    pad = 0.06 * (max(ends) - min(ends)) or 0.01
    plot = Plot((math.log10(low), math.log10(high)), (min(ends) - pad, max(ends) + pad))
    for point, value in zip(points, costs, strict=True):
        at = math.log10(value)
        plot.line(at, point.score - point.noise, at, point.score + point.noise, "whisker")
    for own, klass, radius in ((False, "points solid", 3.6), (True, "points solid own", 6.0)):
        kept = [(math.log10(v), p.score) for p, v in zip(points, costs, strict=True) if p.own is own]
        if kept:
            plot.dots([x for x, _ in kept], [y for _, y in kept], radius, klass)
    marks = [(math.log10(m), text(m)) for m in round_numbers(low, high)]
    plot.axes(name, metric, marks)
    best = max(points, key=lambda p: p.bytes)
    return plot.svg(f"Score by {name}", f"{len(points)} models; the largest has {metric} {number(best.score)}.")
