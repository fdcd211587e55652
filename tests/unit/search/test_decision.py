"""The rule from probabilities to labels: better on fresh rows where it is tuned, the plain one where nothing gains."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
from scipy.special import expit, softmax

from afield.data.costs import cost_matrix
from afield.data.metrics import METRICS, choose_metric
from afield.graph.builder import Builder
from afield.model.calibration import Calibration
from afield.model.decision import Decision
from afield.problem.schema import ColumnSpec, TargetSpec
from afield.search.calibration import Judged
from afield.search.decision import choose_decision, is_rare
from afield.search.finish import Finish, lower_finish, settle


def target(classes: int) -> TargetSpec:
    names = tuple("abcdefgh"[:classes])
    task: Any = "binary" if classes == 2 else "multiclass"
    return TargetSpec(name="y", spec=ColumnSpec(name="y", kind="category"), task=task, classes=names)


def judged(truth: Any, answers: Any) -> Judged:
    return Judged(truth, answers, np.ones(len(truth)), np.arange(len(truth)) % 5)


def two(rows: int, centre: float, seed: int = 0) -> Judged:
    """Return classes of which the second is rare where ``centre`` is low; the probabilities are right."""
    draw = np.random.default_rng(seed)
    positive = expit(1.2 * draw.normal(size=rows) + centre)
    truth = (draw.random(rows) < positive).astype(np.int64)
    return judged(truth, np.column_stack([1 - positive, positive]))


def many(rows: int, seed: int = 0) -> Judged:
    draw = np.random.default_rng(seed)
    logits = 1.5 * draw.normal(size=(rows, 4)) + np.array([2.5, 1.0, 0.0, -1.0])
    answers = softmax(logits, axis=1)
    return judged(np.array([draw.choice(4, p=p) for p in answers]), answers)


@pytest.mark.parametrize("name", ["f1", "balanced_accuracy", "mcc"])
def test_a_tuned_threshold_is_better_on_fresh_rows(name: str) -> None:
    metric = METRICS[name]
    rule = choose_decision(two(1_500, -2.2), metric, ("a", "b"))
    assert (rule.rule, rule.positive, rule.metric, rule.unasked) == ("threshold", "b", name, False)
    assert 0.03 < rule.threshold < 0.45
    fresh = two(6_000, -2.2, seed=1)
    assert metric(fresh.truth, rule.scores(fresh.answers, ("a", "b"))) > metric(fresh.truth, fresh.answers) + 0.05


@pytest.mark.parametrize("name", ["balanced_accuracy", "f1", "mcc"])
def test_weights_of_many_classes_are_better_on_fresh_rows(name: str) -> None:
    metric, classes = METRICS[name], ("a", "b", "c", "d")
    rule = choose_decision(many(2_000), metric, classes)
    fresh = many(8_000, seed=1)
    gain = metric(fresh.truth, rule.scores(fresh.answers, classes)) - metric(fresh.truth, fresh.answers)
    assert gain > {"balanced_accuracy": 0.04, "f1": 0.01, "mcc": -0.003}[name]
    if name != "mcc":
        assert rule.rule == "weights"
        assert rule.weights[3] == 1.0 > rule.weights[0]


def test_nothing_is_changed_where_nothing_is_gained() -> None:
    """Right probabilities leave nothing to tune for accuracy; few rows leave nothing to tune on."""
    rules = [choose_decision(two(600, 0.0, seed), METRICS["accuracy"], ("a", "b")) for seed in range(10)]
    assert sum(r == Decision() for r in rules) >= 8
    assert choose_decision(two(30, -1.0), METRICS["f1"], ("a", "b")) == Decision()


def test_accuracy_is_tuned_where_probabilities_are_off() -> None:
    given = two(2_000, 0.0)
    shifted = expit(np.log(given.answers[:, 1] / given.answers[:, 0]) - 2.0)
    given = judged(given.truth, np.column_stack([1 - shifted, shifted]))
    rule = choose_decision(given, METRICS["accuracy"], ("a", "b"))
    assert rule.threshold == pytest.approx(expit(-2.0), abs=0.06)


def test_a_rare_class_is_found_without_being_asked_for() -> None:
    rare, common = two(3_000, -3.2), two(3_000, -0.5)
    assert is_rare(rare, 2)
    assert not is_rare(common, 2)
    rule = choose_decision(rare, METRICS["roc_auc"], ("a", "b"))
    assert (rule.metric, rule.unasked, rule.rule) == ("mcc", True, "threshold")
    assert "a class is rare" in rule.text(("a", "b"))
    fresh = two(20_000, -3.2, seed=1)
    labels = rule.labels(fresh.answers, ("a", "b"))
    assert METRICS["mcc"](fresh.truth, np.eye(2)[labels]) > METRICS["mcc"](fresh.truth, fresh.answers) + 0.03
    assert choose_decision(common, METRICS["roc_auc"], ("a", "b")) == Decision()


def test_costs_give_the_least_expected_cost() -> None:
    costs = cost_matrix({"a": {"a": 0, "b": 1}, "b": {"a": 9, "b": 0}}, ("a", "b"))
    metric = choose_metric("binary", None, {"a": {"a": 0, "b": 1}, "b": {"a": 9, "b": 0}}, ("a", "b"))
    given = two(2_000, -1.0)
    rule = choose_decision(given, metric, ("a", "b"), costs)
    labels = rule.labels(given.answers, ("a", "b"))
    expected = given.answers @ costs
    np.testing.assert_array_equal(labels, expected.argmin(axis=1))
    assert metric(given.truth, np.eye(2)[labels]) < 0.8 * metric(given.truth, given.answers)
    assert metric.decided(given.answers).argmax(axis=1).tolist() == labels.tolist()


def test_the_same_rows_give_the_same_rule() -> None:
    assert choose_decision(many(900), METRICS["f1"], tuple("abcd")) == choose_decision(
        many(900), METRICS["f1"], tuple("abcd")
    )


RULES = [
    Decision(),
    Decision(rule="threshold", threshold=0.13, positive="b"),
    Decision(rule="weights", weights=(0.2, 1.0, 0.5)),
    Decision(rule="costs", costs=((0.0, 1.0, 2.0), (5.0, 0.0, 1.0), (9.0, 3.0, -1.0))),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.rule)
def test_labels_of_the_graph_obey_the_rule(rule: Decision) -> None:
    kind = target(2 if rule.rule in ("argmax", "threshold") else 3)
    draw = np.random.default_rng(0)
    blend = draw.dirichlet(np.ones(len(kind.classes)), 2_000)
    finish = Finish(Calibration(kind="temperature", slope=0.8), rule)
    builder = Builder()
    lower_finish(builder, builder.input("blend", "float64", ["N", len(kind.classes)]), finish, kind)
    session = onnxruntime.InferenceSession(builder.build("finish").SerializeToString())
    label, probabilities = session.run(None, {"blend": blend})
    wanted = np.array(kind.classes, dtype=object)[rule.labels(probabilities, kind.classes)]
    clear = rule.margin(probabilities, kind.classes) > 1e-12
    assert clear.mean() > 0.99
    np.testing.assert_array_equal(label[clear], wanted[clear])
    np.testing.assert_allclose(probabilities, finish.calibration(blend), atol=1e-6)


def test_a_blend_is_calibrated_before_the_rule_is_tuned() -> None:
    given = two(2_000, -2.2)
    over = expit(2.5 * np.log(given.answers[:, 1] / given.answers[:, 0]))
    found = settle(judged(given.truth, np.column_stack([1 - over, over])), METRICS["f1"], target(2))
    assert found.calibration.kind == "temperature"
    assert found.decision.threshold == pytest.approx(
        settle(given, METRICS["f1"], target(2)).decision.threshold, abs=0.07
    )
