"""What smaller and faster models would cost in score, and how to get one."""

from __future__ import annotations

from afield.reporting import charts, front_chart
from afield.reporting.facts import PointFacts, ReportFacts
from afield.reporting.figures import MINUS, micros, number, plural, size
from afield.reporting.markup import Child, Markup, clip, join, tag
from afield.reporting.sections.frame import details, figure, metric_title, section, table


def render(facts: ReportFacts) -> Markup | None:
    """Return the section."""
    if len(facts.front) < 2:
        return None
    metric = metric_title(facts.asked.metric or (facts.score.metric if facts.score else "score"))
    smallest = min(facts.front, key=lambda p: p.bytes)
    lead = (
        f"{plural(len(facts.front), 'model')} of this study, none of which another beats in score, size and time at "
        "once. Scores are out-of-fold, for comparison; sizes and times are forecasts."
    )
    key = charts.legend(("spot", "one model, with its standard error"), ("spot own", "this file"))
    plots = tag(
        "div",
        figure(front_chart.by_size(facts.front, metric), "Score by size", key),
        figure(front_chart.by_latency(facts.front, metric), "Score by time", None),
        klass="plots",
    )
    heads = [("model", ""), (metric, "number"), ("size", "number"), ("one row", "number")]
    lines = [_line(p) for p in sorted(facts.front, key=lambda p: p.bytes)]
    limit = f"--max-size {-(-smallest.bytes // 1000)}KB --out small.onnx"
    how = tag(
        "p", "Save the best that keeps a limit: ", tag("code", f"afield pick {facts.study} {limit}"), klass="legend"
    )
    return section(
        "front", "Smaller models", lead, plots, how, details("All of them", table("The front", heads, lines))
    )


def _line(point: PointFacts) -> list[Child]:
    name = join([tag("span", clip(" + ".join(point.members), 90)), tag("small", "this file") if point.own else None])
    score = f"{number(point.score, 4)} ± {number(point.noise, 2)}".replace("-", MINUS)
    return [name, score, size(point.bytes), micros(point.latency_us)]
