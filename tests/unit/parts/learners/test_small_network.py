"""What the kit cannot know of small networks: gradients, soft targets, objectives, size."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, softmax

from afield.data.answer import Answer
from afield.parts.learners.small_adam import Rows, _gradients, forward, start
from afield.parts.learners.small_network import _losses, fit_soft, part
from afield.parts.protocol import Feature, FitContext
from afield.testing.learner_kit import Case, difference, lower_model, open_model

FORMS = tuple(Feature(name=f"f{i}", column=f"f{i}") for i in range(3))


def table(rows=600, seed=0):
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(rows, 3)).astype(np.float32)
    return x, np.sin(2 * x[:, 0]) * x[:, 1] + x[:, 2]


def fit(x, target, settings=None, **context):
    return part.fit(x, FORMS, target, FitContext(**context), {"epochs": 30} | (settings or {}))


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize(("task", "level"), [("binary", None), ("multiclass", None), ("regression", None),
                                             ("regression", 0.8)])  # fmt: skip
def test_gradients_are_those_of_the_loss(task, level, activation):
    draw = np.random.default_rng(0)
    outputs = 4 if task == "multiclass" else 1
    wanted = draw.normal(size=(20, outputs))
    wanted = {"binary": expit(wanted), "multiclass": softmax(wanted, axis=1), "regression": wanted}[task]
    layers = [p.astype(np.float64) for p in start([3, 5, 6, outputs], np.zeros(outputs), draw)]
    rows = Rows(draw.normal(size=(20, 3)), wanted, draw.random((20, 1)) + 0.5)
    slope, loss = _losses(task, level)
    unit = 2.0 if task == "regression" and level is None else 1.0  # half of the squared error is as good

    def value():
        return float(np.mean(loss(forward(layers, rows.inputs, activation)[-1], wanted) * rows.weights[:, 0])) / unit

    found = _gradients(layers, rows, np.arange(20), slope, activation)
    for p, g in zip(layers, found, strict=True):
        at = tuple(draw.integers(0, n) for n in p.shape)
        p[at] += 1e-6
        above = value()
        p[at] -= 2e-6
        below = value()
        p[at] += 1e-6
        assert g[at] == pytest.approx((above - below) / 2e-6, abs=1e-6)


def test_learns_what_a_line_cannot():
    x, signal = table(1500)
    held, truth = table(500, seed=1)
    fitted = part.fit(
        x, FORMS, Answer(task="regression", values=signal),
        FitContext(validation=(held, Answer(task="regression", values=truth), None)), {},
    )  # fmt: skip
    error = np.sqrt(np.mean((fitted.reference(held)[:, 0] - truth) ** 2))
    assert error < 0.15 * truth.std()  # a line leaves 0.5
    assert fitted.rounds > 5


def test_features_of_any_size_are_brought_to_one():
    x, signal = table()
    target = Answer(task="regression", values=1e6 + signal)
    plain = fit(x, target).reference(x)
    moved = (x * np.float32([1e-4, 1e3, 1.0]) + np.float32([5.0, -1e4, 0.0])).astype(np.float32)
    assert np.corrcoef(fit(moved, target).reference(moved)[:, 0], plain[:, 0])[0, 1] > 0.99


@pytest.mark.parametrize("classes", [2, 4])
def test_a_student_comes_near_its_teacher(classes):
    x, signal = table()
    scores = np.outer(signal, np.linspace(-1, 1, classes)) + np.arange(classes) * 0.3
    teacher = softmax(scores, axis=1)
    student = fit_soft(x, FORMS, teacher, FitContext(), {"epochs": 100})
    answers = student.reference(x)
    assert student.task == ("binary" if classes == 2 else "multiclass")
    assert np.abs(answers - teacher).mean() < 0.03
    case = Case(name="student", features=x, forms=FORMS,
                target=Answer(task=student.task, values=teacher.argmax(axis=1), classes=classes))  # fmt: skip
    assert difference(case, open_model(lower_model(part, case, [student]))(x), answers) < 1e-9


def test_a_student_of_numbers():
    x, signal = table()
    student = fit_soft(x, FORMS, 50.0 + 9.0 * signal[:, None], FitContext(), {"epochs": 100})
    assert student.task == "regression"
    assert np.abs(student.reference(x)[:, 0] - 50.0 - 9.0 * signal).mean() < 2.0


@pytest.mark.parametrize(
    ("objective", "wanted"), [("squared_error", 3.0), ("absolute_error", 0.0), ("pinball:0.9", 15.0)]
)
def test_objective(objective, wanted):
    draw = np.random.default_rng(3)
    x = draw.normal(size=(1500, 3)).astype(np.float32)
    target = Answer(task="regression", values=np.where(draw.random(1500) < 0.2, 15.0, 0.0))
    got = fit(x, target, {"weight_decay": 5.0}, objective=objective).reference(x)[:, 0]
    assert abs(np.median(got) - wanted) < 1.5


def test_weights_move_the_answer():
    x, signal = table()
    target = Answer(task="binary", values=(signal > 0).astype(np.int64), classes=2)
    heavy = np.where(target.values == 1, 20.0, 1.0)
    assert fit(x, target, weights=heavy).reference(x)[:, 1].mean() > fit(x, target).reference(x)[:, 1].mean() + 0.03


def test_a_tiny_network_is_tiny():
    x, signal = table()
    target = Answer(task="regression", values=signal)
    fitted = fit(x, target, {"width": 8, "depth": 1})
    assert sum(w.nbytes for w in fitted.weights) == 4 * (3 * 8 + 8)
    case = Case(name="tiny", features=x, forms=FORMS, target=target)
    assert lower_model(part, case, [fitted]).ByteSize() < 2_000


def test_rounds_are_epochs():
    x, signal = table()
    assert fit(x, Answer(task="regression", values=signal), rounds=4).rounds == 4


def test_threads_change_nothing():
    x, signal = table()
    one, two = (fit(x, Answer(task="regression", values=signal), threads=t).state() for t in (1, 2))
    assert all(one[k].tobytes() == two[k].tobytes() for k in one)
