"""The top of the report: one sentence that answers, and four figures."""

from __future__ import annotations

from afield.reporting.charts import dot_strip
from afield.reporting.facts import Baseline, ReportFacts
from afield.reporting.figures import interval, micros, number, plural, share, size
from afield.reporting.markup import Child, Markup, clip, join, tag
from afield.reporting.sections.frame import metric_title


def features(facts: ReportFacts) -> int:
    """Return how many columns the model predicts from."""
    return sum(c.role == "feature" for c in facts.columns)


def best_baseline(facts: ReportFacts) -> Baseline | None:
    """Return the baseline that is hardest to beat."""
    if facts.score is None or not facts.baselines:
        return None
    sign = 1 if facts.score.higher_is_better else -1
    return max(facts.baselines, key=lambda b: sign * b.value)


def lead(facts: ReportFacts) -> Markup:
    """Return the answer in a few sentences."""
    asked, score = facts.asked, facts.score
    target = tag("strong", clip(asked.target or facts.title, 60))
    count = features(facts)
    parts: list[Child] = ["Predicts ", target, f" from {plural(count, 'column')}" if count else "", ". "]
    if score is None:
        return join(parts)
    unit = f" {asked.unit}" if asked.unit else ""
    if asked.task == "regression" and (off := score.others.get("median_ae", score.others.get("mae"))) is not None:
        parts += [
            "It is typically off by ",
            tag("strong", f"{number(off, 2)}{unit or ' ' + clip(asked.target, 30)}"),
            ". ",
        ]
    elif asked.task != "regression" and (right := score.others.get("accuracy")) is not None:
        parts += ["It is right on ", tag("strong", share(right)), " of the rows. "]
    value, low, high = interval(score.value, score.low, score.high)
    between = f" ({low} to {high})" if low else ""
    parts += ["On new rows expect ", tag("strong", f"{metric_title(score.metric)} {value}{between}")]
    best = best_baseline(facts)
    parts.append(f"; {best.name} reaches {number(best.value)}." if best else ".")
    return join(parts)


def _tile(name: str, value: Child, note: Child = None, strip: Child = None) -> Markup:
    return tag(
        "div", tag("dt", name), tag("dd", tag("b", value), strip, tag("small", note) if note else None), klass="tile"
    )


def tiles(facts: ReportFacts) -> Markup:
    """Return the figures that people look for first."""
    shown: list[Child] = []
    if (score := facts.score) is not None:
        value, low, high = interval(score.value, score.low, score.high)
        strip = None
        if score.low is not None and score.high is not None:
            points = [score.low, score.high, score.value, *(b.value for b in facts.baselines)]
            pad = 0.06 * (max(points) - min(points) or 1.0)
            strip = dot_strip(score.value, score.low, score.high, (min(points) - pad, max(points) + pad))
        better = "higher" if score.higher_is_better else "lower"
        note = f"{low} to {high} at {share(score.level)}; {better} is better" if low else f"{better} is better"
        shown.append(_tile(metric_title(score.metric), value, note, strip))
        if (best := best_baseline(facts)) is not None:
            shown.append(_tile("best simple rule", number(best.value), best.name))
    kinds = f"{plural(features(facts), 'column')} used" if facts.columns else None
    left_out = f"{plural(facts.rows_without_target, 'row')} without {facts.asked.target} left out"
    if facts.rows:
        shown.append(_tile("rows", f"{facts.rows:,}", left_out if facts.rows_without_target else kinds))
    if (cost := facts.cost) is not None and cost.bytes:
        speed = f"{micros(cost.latency_us)} a row" if cost.latency_us is not None else None
        shown.append(_tile("model file", size(cost.bytes), speed))
    return join([_alarm(facts), tag("dl", *shown, klass="tiles") if shown else None])


def _alarm(facts: ReportFacts) -> Markup | None:
    serious = sum(f.severity == "serious" for f in facts.findings)
    warnings = sum(f.severity == "warning" for f in facts.findings)
    if not serious + warnings:
        return None
    severity = "serious" if serious else "warning"
    said = f"{plural(warnings, 'warning')} about the data."
    if serious:
        said = f"{plural(serious, 'serious finding')}: the score cannot be trusted before this is settled."
    return tag("p", tag("span", severity), tag("a", said, href="#findings"), klass=f"alarm {severity}")
