"""A stored rule: its labels, how near a row is to another label, its words, and its way through JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest

from afield.model.calibration import Calibration
from afield.model.card import Card
from afield.model.decision import Decision

CLASSES = ("a", "b", "c")
RULES = [
    Decision(),
    Decision(rule="weights", weights=(0.1, 1.0, 0.4), metric="f1"),
    Decision(rule="costs", costs=((0, 1, 7), (2, 0, 1), (30, 4, 0)), metric="cost"),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.rule)
def test_no_label_changes_within_half_of_the_margin(rule: Decision) -> None:
    draw = np.random.default_rng(0)
    rows = draw.dirichlet(np.ones(3), 500)
    margin, before = rule.margin(rows, CLASSES), rule.labels(rows, CLASSES)
    for _ in range(50):
        off = draw.choice([-1.0, 1.0], size=rows.shape) * margin[:, None] / 2 * 0.999
        np.testing.assert_array_equal(rule.labels(rows + off, CLASSES), before)


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.rule)
def test_some_label_changes_soon_after(rule: Decision) -> None:
    """The margin is sharp: for every rule some row changes when it is off by half the margin and a little more."""
    draw = np.random.default_rng(0)
    rows = draw.dirichlet(np.ones(3), 2_000)
    margin, before = rule.margin(rows, CLASSES), rule.labels(rows, CLASSES)
    changed = np.zeros(len(rows), dtype=bool)
    for signs in np.array(np.meshgrid(*[[-1, 1]] * 3)).reshape(3, -1).T:
        changed |= rule.labels(rows + signs * margin[:, None] / 2 * 1.001, CLASSES) != before
    assert changed.any()


def test_a_threshold_is_a_threshold() -> None:
    rule = Decision(rule="threshold", threshold=0.2, positive="a")
    rows = np.array([[0.19, 0.81], [0.21, 0.79], [0.9, 0.1]])
    assert rule.labels(rows, ("a", "b")).tolist() == [1, 0, 0]
    assert rule.margin(rows, ("a", "b")) == pytest.approx(2 * np.abs(rows[:, 0] - 0.2))


def test_it_travels_in_the_card() -> None:
    for rule in RULES:
        card = Card(title="t", task="multiclass", target="y", decision=rule, calibration=Calibration(kind="beta"))
        back = Card.from_json(json.loads(json.dumps(card.to_json())))
        assert back == card


def test_cards_of_older_files_are_read() -> None:
    old = {"title": "t", "task": "binary", "target": "y"}
    rule = Card.from_json(old | {"decision": {"rule": "argmax", "threshold": 0.5, "positive": ""}}).decision
    assert rule == Decision()
    assert Card.from_json(old).calibration is None


def test_words() -> None:
    assert Decision().text() == "the most probable class"
    assert "'b' 1" in RULES[1].text(CLASSES)
    assert "tuned out-of-fold for f1" in RULES[1].text(CLASSES)
    assert "least expected cost" in RULES[2].text(CLASSES)
