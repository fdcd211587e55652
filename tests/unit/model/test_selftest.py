from __future__ import annotations

import numpy as np
import pytest

from afield.core.errors import ModelFileError
from afield.core.proofs import Proof
from afield.core.randomness import canonical_json
from afield.model.card import Decision
from afield.model.container import read_properties, write_properties
from afield.model.metadata import SelfTest
from afield.model.model import Model
from afield.model.selftest import compare, replay, require
from small_models import small_model


@pytest.mark.parametrize("regression", [False, True])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_sound_model_passes(regression: bool, threads: int) -> None:
    proof = Model(small_model(regression=regression), threads=threads).verify()
    assert proof.passed
    assert proof.ran
    assert proof.rows == 48  # at once and one by one
    assert proof.largest <= 1e-6 == proof.tolerance
    assert "passed, 48 answers" in proof.text()
    assert require(proof) is proof
    assert proof.to_json()["details"][0].startswith("all rows at once: 24 rows")


@pytest.mark.error_code("model.selftest")
@pytest.mark.parametrize(("regression", "wrong_by"), [(False, 1e-3), (True, 0.5), (True, float("nan"))])
def test_a_model_that_gives_other_answers_fails(regression: bool, wrong_by: float) -> None:
    proof = replay(Model(small_model(regression=regression, wrong_by=wrong_by)))
    assert not proof.passed
    assert "FAILED" in proof.text()
    assert "in row" in proof.details[0]
    with pytest.raises(ModelFileError) as caught:
        require(proof)
    assert caught.value.code == "model.selftest"


def test_a_model_without_samples_proves_nothing() -> None:
    content = small_model()
    empty = SelfTest(inputs=dict.fromkeys(Model(content).selftest.inputs, ()))
    properties = read_properties(content) | {"afield.selftest": canonical_json(empty.to_json())}
    proof = Model(write_properties(content, properties)).verify()
    assert not proof.passed
    assert "no samples" in proof.details[0]


def test_not_run_says_what_it_needs() -> None:
    proof = Proof.not_run("phone", "qemu-aarch64")
    assert proof.text() == "phone: not run here: needs qemu-aarch64"
    assert not proof.passed
    assert not proof.ran


def _answers(labels: list[str], probabilities: list[list[float]]) -> dict[str, np.ndarray]:
    return {"label": np.array(labels, dtype=object), "probabilities": np.array(probabilities)}


def test_labels_may_differ_in_near_ties_only() -> None:
    reference = _answers(["a", "a"], [[0.5000005, 0.4999995], [0.6, 0.4]])
    near = compare(reference, _answers(["b", "a"], [[0.5, 0.5], [0.6, 0.4]]), tolerance=1e-6)
    assert (near.passed, near.near_ties, near.labels_different) == (True, 1, 0)
    far = compare(reference, _answers(["a", "b"], [[0.5, 0.5], [0.6, 0.4]]), tolerance=1e-6)
    assert (far.passed, far.near_ties, far.labels_different) == (False, 0, 1)


def test_a_threshold_has_its_ties_at_the_threshold() -> None:
    rule = Decision(rule="threshold", threshold=0.3, positive="b")
    reference = _answers(["b", "b"], [[0.7, 0.3], [0.5, 0.5]])
    other = _answers(["a", "a"], [[0.7, 0.3], [0.5, 0.5]])
    found = compare(reference, other, tolerance=1e-6, decision=rule, classes=("a", "b"))
    assert (found.near_ties, found.labels_different) == (1, 1)


def test_regression_counts_relative_to_size_and_scale() -> None:
    reference, answers = {"prediction": np.array([1000.0, 0.0])}, {"prediction": np.array([1000.0005, 0.001])}
    assert compare(reference, answers, tolerance=1e-6, scale=2000.0).passed
    found = compare(reference, answers, tolerance=1e-6, scale=10.0)
    assert not found.passed
    assert found.worst_row == 1
    assert found.largest == pytest.approx(1e-4)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_odd_values_are_equal_to_themselves_only(odd: float) -> None:
    one = {"prediction": np.array([odd, 1.0])}
    assert compare(one, one, tolerance=1e-6).passed
    assert not compare(one, {"prediction": np.array([1.0, 1.0])}, tolerance=1e-6).passed
    assert not compare({"prediction": np.array([1.0, 1.0])}, one, tolerance=1e-6).passed
    if odd == np.inf:
        assert not compare(one, {"prediction": np.array([-np.inf, 1.0])}, tolerance=1e-6).passed
