"""How good the answers are: against simple rules, and in the shapes of their errors."""

from __future__ import annotations

from afield.reporting import charts
from afield.reporting.facts import Confusion, ReportFacts, ScoreFacts
from afield.reporting.figures import NONE, interval, number, plural, share
from afield.reporting.markup import Child, Markup, clip, tag
from afield.reporting.sections.frame import details, figure, headline, metric_title, named, section, table

#: most classes in a confusion matrix; the others are summed up
MOST_CLASSES = 16


def render(facts: ReportFacts) -> Markup | None:
    """Return the section."""
    score = facts.score
    if score is None:
        return None
    plots: list[Child] = []
    if facts.residuals is not None and facts.residuals.actual:
        name = clip(facts.asked.target, 24)
        line = charts.legend(("dash", "predicted = actual"), ("spot", "one row"))
        plots.append(figure(charts.scatter(facts.residuals, name), "Predicted against actual", line))
        plots.append(figure(charts.error_histogram(facts.residuals), "How far off, how often"))
    if facts.confusion is not None and facts.confusion.classes:
        plots.append(confusion(facts.confusion, facts.decision))
    if facts.calibration is not None and facts.calibration.bins:
        line = charts.legend(("dash", "perfectly calibrated"), ("spot", "measured, with interval"), ("bars", "rows"))
        plots.append(
            figure(charts.calibration(facts.calibration), f"Does 70 % mean 70 %? For {facts.calibration.of}", line)
        )
    if facts.roc is not None:
        caption = f"Found against false alarms: {facts.roc.of} (area {number(facts.roc.area)})"
        plots.append(figure(charts.roc(facts.roc), caption, charts.legend(("dash", "tossing a coin"))))
    others = named((metric_title(k), number(v)) for k, v in score.others.items() if k != score.metric)
    return section(
        "quality",
        "How good it is",
        _how(score),
        comparison(facts, score),
        tag("div", *plots, klass="plots") if plots else None,
        details("Other metrics on the same rows", others) if score.others else None,
    )


def _how(score: ScoreFacts) -> str:
    on = f" on {plural(score.rows, 'row')}" if score.rows else ""
    return score.text or f"{headline(score.metric)}{on}{': ' + score.how if score.how else ''}."


def comparison(facts: ReportFacts, score: ScoreFacts) -> Markup:
    """Return the model and the simple rules on one line each."""
    points = [v for v in (score.value, score.low, score.high, *(b.value for b in facts.baselines)) if v is not None]
    pad = 0.05 * (max(points) - min(points) or 1.0)
    span = min(points) - pad, max(points) + pad
    value, low, high = interval(score.value, score.low, score.high)
    rows = [("this model", charts.dot_strip(score.value, score.low, score.high, span, "model"), value, True)]
    for base in sorted(facts.baselines, key=lambda b: b.value, reverse=score.higher_is_better):
        rows.append((base.name, charts.dot_strip(base.value, None, None, span), number(base.value), False))
    lines = (
        tag(
            "li",
            tag("span", name, klass="name"),
            strip,
            tag("span", shown, tag("small", f" {low} to {high}") if mine and low else None, klass="value"),
            klass="mine" if mine else None,
        )
        for name, strip, shown, mine in rows
    )
    arrow = "further right is better" if score.higher_is_better else "further left is better"
    caption = f"{headline(score.metric)}: {arrow}"
    return tag("figure", tag("figcaption", caption), tag("ul", *lines, klass="strips"), klass="wide")


def confusion(facts: Confusion, decision: str = "") -> Markup:
    """Return the confusion matrix as a table whose cells are coloured by their share of the row."""
    classes, counts = _fold(facts)
    many = len(classes) > 6  # then the columns have numbers, which the rows explain
    heads = [
        ("actual ↓\u2003answered →", "corner"),
        *((str(i + 1) if many else clip(c, 14), "number") for i, c in enumerate(classes)),
        ("found", "number"),
    ]
    body: list[list[Child]] = []
    for i, row in enumerate(counts):
        total = sum(row)
        cells: list[Child] = [
            tag("span", f"{c:,}" if c else "·", klass=f"{'hit' if i == j else 'miss'} heat{_heat(c, total)}")
            for j, c in enumerate(row)
        ]
        body.append(
            [
                f"{i + 1}\u2002{clip(classes[i], 26)}" if many else clip(classes[i], 18),
                *cells,
                share(row[i] / total) if total else NONE,
            ]
        )
    note = tag("p", f"The answer is {decision}.", klass="legend") if decision else None
    matrix = table("Rows of each class, by the answer they got", heads, body, "confusion")
    return tag(
        "figure",
        tag("figcaption", "Which classes are taken for which"),
        matrix,
        note,
        klass="wide" * (len(classes) > 5) or None,
    )


def _heat(count: int, total: int) -> int:
    part = count / total if total else 0.0
    return 0 if count == 0 else 1 + min(8, int(part * 9))


def _fold(facts: Confusion) -> tuple[list[str], list[list[int]]]:
    """Return classes and counts, with the smallest classes summed up when there are too many."""
    counts = [list(row) for row in facts.counts]
    if len(facts.classes) <= MOST_CLASSES:
        return list(facts.classes), counts
    order = sorted(range(len(counts)), key=lambda i: (-sum(counts[i]), i))
    kept, rest = sorted(order[: MOST_CLASSES - 1]), sorted(order[MOST_CLASSES - 1 :])
    groups = [[i] for i in kept] + [rest]
    folded = [[sum(counts[i][j] for i in a for j in b) for b in groups] for a in groups]
    return [facts.classes[i] for i in kept] + [f"{len(rest)} other classes"], folded
