from __future__ import annotations

from afield.reporting.card import card_html, card_text

CARD = {
    "title": "rings of shellfish.csv",
    "task": "regression",
    "target": "rings",
    "unit": "years",
    "rows_used": 4177,
    "rows_without_target": 3,
    "score": {"metric": "rmse", "value": 2.1, "low": 2.02, "high": 2.19, "level": 0.95, "rows": 4177,
              "how": "outer_splits", "splits": 3, "text": "", "others": {"mae": 1.5}},
    "baselines": [{"name": "always the mean", "value": 3.22}],
    "members": [{"recipe": "numbers, 31 leaves", "learner": "lightgbm", "weight": 1.0, "trees": 200}],
    "columns": [{"name": "length", "kind": "number", "share_missing": 0.25}],
    "findings": [{"code": "x", "severity": "warning", "what": "two rows repeat", "fix": "--group tank"}],
    "parity": {"rows": 4177, "hostile_rows": 900, "largest": 3e-8, "tolerance": 1e-6, "labels_different": 0},
    "needs": "standard ONNX",
    "parts": [{"name": "lightgbm", "licence": "MIT"}],
    "notes": ["Left out: id."],
}  # fmt: skip
SCHEMA = {
    "columns": [
        {"name": "length", "kind": "number", "unit": "mm", "low": 0.075, "high": 0.815},
        {"name": "sex", "kind": "category", "levels": ["M", "F", "I"]},
    ],
    "target": {"name": "rings", "task": "regression"},
}
PROVENANCE = {"afield": "0.1.0", "data_name": "shellfish.csv", "data": "9f31", "effort": "quick", "seed": 0}


def test_text_says_what_matters():
    said = card_text(CARD, SCHEMA, PROVENANCE, 1_840_000).replace("\u00a0", " ")
    for expected in (
        "rings (years), regression",
        "2 raw columns",
        "4,177 rows (3 without a target left out)",
        "root mean squared error 2.10 (2.02 to 2.19 at 95 %)",
        "that no choice saw",
        "always the mean 3.22",
        "1.8 MB, needs standard ONNX",
        "number, mm, 0.075 to 0.815",
        "(25 % missing)",
        "category: M, F, I",
        "warning: two rows repeat",
        "-> --group tank",
        "effort quick, seed 0",
        "Left out: id.",
    ):
        assert expected in " ".join(said.split()), expected
    assert max(map(len, said.splitlines())) <= 96


def test_bare_card_is_enough():
    assert "score" not in card_text({}, {}, {}, 10)
    assert "table" in card_html({}, {}, {}, 10)


def test_hostile_names_cannot_paint_or_run():
    evil = "\x1b[31m<script>x</script>"
    schema = {"columns": [{"name": evil, "kind": "category", "levels": [evil]}], "target": {"name": evil}}
    said = card_text(CARD | {"title": evil, "target": evil, "notes": [evil]}, schema, {"data_name": evil}, 10)
    assert "\x1b" not in said
    page = card_html(CARD | {"title": evil, "target": evil}, schema, {"data_name": evil}, 10)
    assert "<script" not in page
    assert "\x1b" not in page


def test_threshold_rule_is_said():
    card = CARD | {"decision": {"rule": "threshold", "threshold": 0.31, "positive": "sick"}}
    assert "'sick' from a probability of 0.31 on" in card_text(card, SCHEMA, PROVENANCE, 10)
