"""Charts as inline SVG: no script, no library, colours from the page's style.

Strips and bars place things in per cent, so they fill any width without distortion; plots keep their shape.
"""

from __future__ import annotations

from collections.abc import Sequence

from afield.reporting.facts import Calibration, Residuals, Roc
from afield.reporting.figures import number, plural, share, tick, ticks
from afield.reporting.markup import Child, Markup, join, tag

WIDTH, HEIGHT = 360.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 12.0, 10.0, 46.0


def percent_of(value: float, low: float, high: float) -> str:
    """Return the place of ``value`` between low and high as an SVG percentage, kept inside 1 % to 99 %."""
    part = (value - low) / (high - low) if high > low else 0.5
    return f"{100 * min(0.99, max(0.01, part)):.2f}%"


def dot_strip(
    value: float,
    low: float | None,
    high: float | None,
    span: tuple[float, float],
    klass: str = "",
    mark: float | None = None,
) -> Markup:
    """Return a line with a dot at ``value`` and its interval; ``span`` is what the width stands for."""
    at = percent_of(value, *span)
    shapes: list[Child] = [tag("line", x1="1%", x2="99%", y1="11", y2="11", klass="track")]
    if low is not None and high is not None:
        ends = percent_of(low, *span), percent_of(high, *span)
        shapes.append(tag("line", x1=ends[0], x2=ends[1], y1="11", y2="11", klass="interval"))
    if mark is not None:
        place = percent_of(mark, *span)
        shapes.append(tag("line", x1=place, x2=place, y1="4", y2="18", klass="mark"))
    shapes.append(tag("circle", cx=at, cy="11", r="5", klass="dot"))
    return tag("svg", *shapes, klass=f"strip {klass}".strip(), height="22", aria_hidden="true")


def bar_strip(value: float, low: float | None, high: float | None, span: tuple[float, float]) -> Markup:
    """Return a bar from zero to ``value`` with its interval."""
    zero, end = percent_of(0.0, *span), percent_of(value, *span)
    start, width = min(float(zero[:-1]), float(end[:-1])), abs(float(end[:-1]) - float(zero[:-1]))
    shapes: list[Child] = [
        tag(
            "rect",
            x=f"{start:.2f}%",
            width=f"{max(width, 0.4 if value else 0.0):.2f}%",
            y="5",
            height="12",
            rx="2",
            klass="bar",
        )
    ]
    if low is not None and high is not None:
        ends = percent_of(low, *span), percent_of(high, *span)
        shapes.append(tag("line", x1=ends[0], x2=ends[1], y1="11", y2="11", klass="whisker"))
    shapes.append(tag("line", x1=zero, x2=zero, y1="1", y2="21", klass="zero"))
    return tag("svg", *shapes, klass="strip", height="22", aria_hidden="true")


def spark(counts: Sequence[int], label: str) -> Markup:
    """Return a small histogram."""
    top = max([*counts, 1])
    step = 100 / max(1, len(counts))
    bars = (
        tag("rect", x=i * step, width=step * 0.86, y=26 - 25.0 * c / top, height=max(25.0 * c / top, 0.6), klass="bar")
        for i, c in enumerate(counts)
        if c
    )
    return tag(
        "svg", *bars, klass="spark", viewBox="0 0 100 26", preserveAspectRatio="none", role="img", aria_label=label
    )


class Plot:
    """A plot area with axes; collects shapes in data coordinates."""

    def __init__(self, x: tuple[float, float], y: tuple[float, float], *, height: float = HEIGHT) -> None:
        self.x, self.y, self.height = x, y, height
        self.shapes: list[Child] = []

    def px(self, value: float) -> float:
        """Return the horizontal place of a value."""
        return LEFT + (value - self.x[0]) / (self.x[1] - self.x[0]) * (WIDTH - LEFT - RIGHT)

    def py(self, value: float) -> float:
        """Return the vertical place of a value."""
        return self.height - BOTTOM - (value - self.y[0]) / (self.y[1] - self.y[0]) * (self.height - TOP - BOTTOM)

    def line(self, x1: float, y1: float, x2: float, y2: float, klass: str) -> None:
        """Add a line."""
        ends = {"x1": self.px(x1), "y1": self.py(y1), "x2": self.px(x2), "y2": self.py(y2)}
        self.shapes.append(tag("line", klass=klass, **ends))

    def path(self, xs: Sequence[float], ys: Sequence[float], klass: str) -> None:
        """Add a line through points."""
        points = " ".join(f"{self.px(a):.1f},{self.py(b):.1f}" for a, b in zip(xs, ys, strict=True))
        self.shapes.append(tag("polyline", points=points, klass=klass))

    def dots(self, xs: Sequence[float], ys: Sequence[float], radius: float, klass: str) -> None:
        """Add points: one path of zero-length strokes, a tenth of the bytes of as many circles."""
        moves = "".join(f"M{self.px(a):.1f} {self.py(b):.1f}h0" for a, b in zip(xs, ys, strict=True))
        self.shapes.append(tag("path", d=moves, stroke_width=2 * radius, klass=klass))

    def axes(self, x_name: str, y_name: str, x_marks: Sequence[tuple[float, str]] | None = None) -> None:
        """Add grid, ticks and names, under what is there; ``x_marks``: labels of an axis that is not linear."""
        under: list[Child] = []
        right, bottom = WIDTH - RIGHT, self.height - BOTTOM
        marks = ticks(*self.x)
        step = marks[1] - marks[0] if len(marks) > 1 else 1.0
        for value, label in x_marks if x_marks is not None else [(m, tick(m, step)) for m in marks]:
            at = self.px(value)
            under.append(tag("line", x1=at, x2=at, y1=TOP, y2=bottom, klass="grid"))
            under.append(tag("text", label, x=at, y=bottom + 16, klass="tick", text_anchor="middle"))
        marks = ticks(*self.y)
        for value in marks:
            at, step = self.py(value), marks[1] - marks[0] if len(marks) > 1 else 1.0
            under.append(tag("line", x1=LEFT, x2=right, y1=at, y2=at, klass="grid"))
            under.append(tag("text", tick(value, step), x=LEFT - 7, y=at + 4, klass="tick", text_anchor="end"))
        middle = (LEFT + right) / 2, (TOP + bottom) / 2
        under.append(tag("text", x_name, x=middle[0], y=self.height - 8, klass="axis", text_anchor="middle"))
        turn = f"rotate(-90 13 {middle[1]:.0f})"
        under.append(tag("text", y_name, x=13.0, y=middle[1], klass="axis", text_anchor="middle", transform=turn))
        self.shapes = under + self.shapes

    def svg(self, title: str, description: str) -> Markup:
        """Return the chart."""
        return tag(
            "svg",
            tag("title", title),
            tag("desc", description),
            *self.shapes,
            klass="plot",
            viewBox=f"0 0 {WIDTH:.0f} {self.height:.0f}",
            role="img",
            aria_label=f"{title}. {description}",
        )


def scatter(facts: Residuals, name: str) -> Markup:
    """Return predicted against actual values, with the line where both are equal."""
    every = sorted([*facts.predicted, *facts.actual])
    low, high = every[0], every[-1]
    pad = (high - low) * 0.03 or 1.0
    plot = Plot((low - pad, high + pad), (low - pad, high + pad))
    many = len(facts.actual)
    plot.dots(facts.predicted, facts.actual, 2.4 if many > 600 else 3.2, "points thin" if many > 600 else "points")
    plot.line(low, low, high, high, "identity")
    plot.axes("predicted", f"actual {name}")
    return plot.svg("Predicted and actual values", f"{plural(many, 'row')}; on the line the prediction is right.")


def error_histogram(facts: Residuals, bins: int = 31) -> Markup:
    """Return how often which error occurs; the outer 1 % of errors falls into the last bars."""
    errors = sorted(p - a for p, a in zip(facts.predicted, facts.actual, strict=True))
    reach = (
        max(abs(errors[int(0.005 * len(errors))]), abs(errors[min(len(errors) - 1, int(0.995 * len(errors)))])) or 1.0
    )
    counts = [0] * bins
    for error in errors:
        counts[min(bins - 1, max(0, int((error + reach) / (2 * reach) * bins)))] += 1
    plot = Plot((-reach, reach), (0.0, max(counts) * 1.05))
    step = 2 * reach / bins
    for i, count in enumerate(counts):
        if count:
            x, y = plot.px(-reach + i * step), plot.py(count)
            shape = {"x": x + 0.5, "y": y, "width": plot.px(step) - plot.px(0) - 1, "height": plot.py(0) - y}
            plot.shapes.append(tag("rect", klass="bar", **shape))
    plot.line(0, 0, 0, max(counts) * 1.05, "identity")
    plot.axes("predicted minus actual", "rows")
    middle = errors[len(errors) // 2]
    return plot.svg("Errors", f"Half of the errors are below {number(middle)}, half above.")


def calibration(facts: Calibration) -> Markup:
    """Return stated probability against what happened, with intervals, and the rows of each bin as bars."""
    plot = Plot((0.0, 1.0), (0.0, 1.0))
    most = max(b.count for b in facts.bins)
    for b in facts.bins:
        rise = 40.0 * b.count / most
        shape = {"x": plot.px(b.predicted) - 5, "y": plot.py(0) - rise, "width": 10.0, "height": rise}
        plot.shapes.append(tag("rect", klass="count", **shape))
    plot.line(0, 0, 1, 1, "identity")
    for b in facts.bins:
        plot.line(b.predicted, b.low, b.predicted, b.high, "whisker")
    plot.path([b.predicted for b in facts.bins], [b.observed for b in facts.bins], "curve")
    plot.dots([b.predicted for b in facts.bins], [b.observed for b in facts.bins], 4.5, "points solid")
    plot.axes("stated probability", "share that was so")
    worst = max(facts.bins, key=lambda b: abs(b.observed - b.predicted))
    return plot.svg(
        f"Calibration of {facts.of}",
        f"Widest gap: stated {share(worst.predicted)}, was so in {share(worst.observed)} "
        f"of {plural(worst.count, 'row')}.",
    )


def roc(facts: Roc) -> Markup:
    """Return the ROC curve with the line of chance."""
    plot = Plot((0.0, 1.0), (0.0, 1.0))
    plot.line(0, 0, 1, 1, "identity")
    plot.path(facts.false_positive, facts.true_positive, "curve")
    plot.axes("false alarms (share of the others)", "found (share of the class)")
    return plot.svg(f"ROC curve of {facts.of}", f"Area under the curve {number(facts.area)}.")


def legend(*entries: tuple[str, str]) -> Markup:
    """Return ``(class of a mark, what it means)`` pairs as a line of text with marks."""
    return tag("p", join(tag("span", tag("i", klass=k, aria_hidden="true"), t) for k, t in entries), klass="legend")
