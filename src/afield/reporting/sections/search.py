"""What was tried, and what of it is in the model."""

from __future__ import annotations

from collections import Counter

from afield.reporting.facts import ReportFacts, TrialFacts
from afield.reporting.figures import NONE, number, plural, seconds, share, size
from afield.reporting.markup import Child, Markup, clip, join, tag
from afield.reporting.sections.frame import details, metric_title, section, table

#: trials that are shown before the rest is folded away
SHOWN = 12


def render(facts: ReportFacts) -> Markup | None:
    """Return the section."""
    if not facts.leaderboard:
        return None
    better = facts.score.higher_is_better if facts.score else True
    metric = metric_title(facts.asked.metric or (facts.score.metric if facts.score else "score"))

    def rank(t: TrialFacts) -> tuple[int, float, str]:
        return (t.score is None, 0.0 if t.score is None else (-t.score if better else t.score), t.id)

    heads = [
        ("trial", ""),
        (metric, "number"),
        ("in the model", "number"),
        ("learner", ""),
        ("fit", "number"),
        ("size", "number"),
    ]
    ranked = sorted(facts.leaderboard, key=rank)
    lines = [_line(t) for t in ranked]
    lines_first, lines_rest = lines[:SHOWN], lines[SHOWN:]
    states = Counter(t.status for t in ranked)
    used = sum(t.weight > 0 for t in ranked)
    ends = ", ".join(f"{c} {s}" for s, c in sorted(states.items()) if s != "ok")
    tried = plural(len(ranked), "trial") + (f" ({ends})" if ends else "")
    lead = f"{tried}; the model blends {used:,} of them." if used else f"{tried}."
    first = table("Trials, best first", heads, lines_first, "trials")
    more = details(plural(len(lines_rest), "further trial"), table("Further trials", heads, lines_rest, "trials"))
    return section("search", "The search", lead, first, more if lines_rest else None)


def _line(trial: TrialFacts) -> list[Child]:
    reason = trial.reason or ("" if trial.status == "ok" else trial.status)
    name = join(
        [
            tag("span", clip(trial.recipe or trial.id, 70)),
            tag("small", clip(reason, 160), klass="reason") if reason else None,
        ]
    )
    weight: Child = tag("b", share(trial.weight)) if trial.weight > 0 else NONE
    cost = size(trial.bytes) if trial.bytes else NONE
    return [name, number(trial.score, 4), weight, trial.learner, seconds(trial.fit_s), cost]
