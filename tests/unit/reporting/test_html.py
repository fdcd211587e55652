from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from afield.core.findings import Finding
from afield.reporting.facts import (
    Asked,
    Baseline,
    Calibration,
    CalibrationBin,
    ColumnFacts,
    Confusion,
    CostFacts,
    ImportanceFacts,
    ParityFacts,
    ReportFacts,
    Residuals,
    Roc,
    ScoreFacts,
    SliceFacts,
    StageFacts,
    TrialFacts,
)
from afield.reporting.html import render

EVIL = "<script>alert(1)</script>\"'&\x1b[31m\u202e"


BIN = CalibrationBin(predicted=0.3, observed=0.4, count=9, low=0.1, high=0.7)


def facts(word: str = "rings") -> ReportFacts:
    return ReportFacts(
        title=word,
        asked=Asked(target=word, task="regression", metric="rmse", unit=word, data=word, options={word: word}),
        rows=4177,
        columns=(
            ColumnFacts(name=word, kind="number", role="target", low="1", high="29", histogram=(1, 5, 2), distinct=28),
            ColumnFacts(name=word, kind="category", levels=((word, 9),), distinct=3, missing=0.5, unit=word),
            ColumnFacts(name=word, kind="text", distinct=40),
        ),
        findings=(Finding(code="target.disguise", severity="serious", what=word, column=word, rows=(3,), fix=word),),
        score=ScoreFacts(metric="rmse", value=2.1, low=2.02, high=2.19, rows=4177, how=word, higher_is_better=False,
                         others={"mae": 1.5, word: 2.0}),
        baselines=(Baseline(name=word, value=3.2),),
        confusion=Confusion(classes=(word, "b"), counts=((5, 1), (0, 9))),
        residuals=Residuals(predicted=(1.0, 2.0, 3.5), actual=(1.0, 2.5, 3.0)),
        calibration=Calibration(of=word, bins=(BIN,)),
        roc=Roc(of=word, false_positive=(0.0, 0.5, 1.0), true_positive=(0.0, 0.9, 1.0), area=0.7),
        importance=(ImportanceFacts(column=word, drop=0.4, low=0.3, high=0.5),),
        leaderboard=(
            TrialFacts(id="1", recipe=word, learner=word, score=2.1, weight=1.0, bytes=12_000, fit_s=2.0),
            TrialFacts(id="2", recipe=word, learner=word, status="error", reason=word),
        ),
        slices=(SliceFacts(text=word, rows=50, score=3.0, overall=2.0, low=2.5, high=3.5),),
        loss=word,
        decision=word,
        cost=CostFacts(bytes=1_840_000, nodes=74, trees=612, latency_us=118.0, load_ms=41.0),
        parity=ParityFacts(rows=4177, hostile_rows=900, largest=3e-8, tolerance=1e-6),
        provenance={word: word},
        timing=(StageFacts(stage=word, seconds=61.0),),
        state="stopped",
    )  # fmt: skip


class Reader(HTMLParser):
    """Collects tags, attributes, and tags that do not close."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "hr", "col"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def handle_data(self, data):
        if not (self.open and self.open[-1] == "style"):
            self.text += data


def test_hostile_text_stays_text():
    page = render(facts(EVIL))
    reader = Reader(page)
    assert reader.open == []
    names = {t for t, _ in reader.tags}
    assert "script" not in names
    assert not any(key.startswith("on") for _, attributes in reader.tags for key in attributes)
    assert "<script>alert(1)</script>" in reader.text  # shown as it is, as text
    assert "\x1b" not in page
    assert "\u202e" not in page


def test_nothing_is_requested():
    reader = Reader(page := render(facts()))
    assert not [a for _, a in reader.tags if "src" in a or ("href" in a and not str(a["href"]).startswith("#"))]
    assert not re.search(r"url\(|@import|https?:", page)
    style = re.search(r"<style>(.*)</style>", page, re.DOTALL).group(1)
    policy = next(a["content"] for t, a in reader.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'" in policy
    assert "unsafe" not in policy
    assert not [t for t, a in reader.tags if "style" in a]  # the policy would drop them


def test_accessible():
    reader = Reader(render(facts()))
    ids = [a["id"] for _, a in reader.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for t, a in reader.tags if t == "a"} <= set(ids)
    assert all(a["aria-labelledby"] in ids for _, a in reader.tags if "aria-labelledby" in a)
    for tag, attributes in reader.tags:
        if tag == "svg":
            assert attributes.get("aria-label") or attributes.get("aria-hidden") == "true"
    tags = [t for t, _ in reader.tags]
    assert tags.count("table") == tags.count("caption")
    assert tags.count("h1") == 1
    levels = [int(t[1]) for t in tags if t in ("h1", "h2", "h3")]
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_the_answer_is_on_top():
    text = Reader(render(facts())).text
    assert "Predicts rings from 2 columns. It is typically off by 1.5 rings." in text
    assert "root mean squared error 2.10 (2.02 to 2.19); rings reaches 3.20." in text
    assert "1 serious finding" in text
    assert "stopped early" in text


def test_bare_facts_make_a_page():
    reader = Reader(render(ReportFacts(title="x")))
    assert reader.open == []
    assert "How good" not in reader.text


def test_json_round_trip():
    kept = facts(EVIL)
    assert ReportFacts.from_json(json.loads(json.dumps(kept.to_json()))) == kept


@pytest.mark.parametrize("count", [3, 7, 40])
def test_many_classes_are_folded(count):
    classes = tuple(f"class {i}" for i in range(count))
    counts = tuple(tuple(i + 1 if i == j else 0 for j in range(count)) for i in range(count))
    score = ScoreFacts(metric="accuracy", value=1.0)
    reader = Reader(render(ReportFacts(title="x", score=score, confusion=Confusion(classes=classes, counts=counts))))
    cells = sum(t == "td" for t, _ in reader.tags)
    shown = min(count, 16)
    assert cells == shown * (shown + 1)
    assert ("25 other classes" in reader.text) == (count == 40)
    if count == 40:
        assert f"{sum(range(1, 26))}" in reader.text


def test_all_numbers_equal_do_not_break():
    same = Residuals(predicted=(2.0, 2.0), actual=(2.0, 2.0))
    score = ScoreFacts(metric="rmse", value=0.0, low=0.0, high=0.0, higher_is_better=False)
    drop = ImportanceFacts(column="x", drop=0.0, low=0.0, high=0.0)
    assert "nan" not in render(ReportFacts(title="x", score=score, residuals=same, importance=(drop,))).lower()
