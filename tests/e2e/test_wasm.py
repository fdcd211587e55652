"""The proof that every graph afield builds runs in a browser: the same bytes in Python's and the wasm onnxruntime."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np
import pytest

from afield.core.registry import list_parts, load
from afield.data.answer import Answer
from afield.data.table import StringColumn, Table
from afield.graph.builder import Builder
from afield.graph.profile import OPERATORS
from afield.model.model import Model
from afield.model.selftest import stored_answers, stored_feed
from afield.parts.encoders.text import part as text
from afield.parts.learners.network.learner import part as network
from afield.parts.protocol import FitContext
from afield.platforms.browser.runtime import fetch_runtime, pin
from afield.problem.schema import ColumnSpec
from afield.testing import learner_kit as kit
from afield.testing.encoder_tables import make_answers, make_cases
from e2e.javascript_runs import difference, differing_operators, lower, run_here, run_there

HERE = Path(__file__).parent / "wasm"
sys.path.insert(0, str(HERE))

from operator_cases import CASES  # noqa: E402 - the folder above is no package

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """The folder of the wasm runtime that exported pages carry."""
    folder = tmp_path_factory.mktemp("runtime")
    for name in pin().files:
        (folder / name).write_bytes(gzip.decompress((fetch_runtime() / f"{name}.gz").read_bytes()))
    return folder


def test_every_operator_of_the_profile_has_a_case_that_uses_it():
    assert set(OPERATORS) == set(CASES)
    for kind, cases in CASES.items():
        assert all(kind in [n.op_type for n in lower(c).graph.node] for c in cases), kind


def test_every_operator_gives_the_same_answers_in_wasm(library, tmp_path):
    assert differing_operators(library, tmp_path, CASES) == ""


def test_a_difference_is_seen(library, tmp_path):
    case = CASES["Exp"][0]
    job = (lower(case).SerializeToString(), case.feeds, False)
    (answer,) = run_there(library, tmp_path, [job])
    other = run_here(job[0], {"x": case.feeds["x"] + np.float32(1e-4)}, optimise=False)
    assert "in JavaScript" in difference(other, answer)


def test_the_text_encoder_gives_the_same_features_in_wasm(library, tmp_path):
    rng = np.random.default_rng(0)
    pools = [
        np.asarray(["gut", "Toll!", "schön", "👍🏽"], dtype=object),
        np.asarray(["bad", "AWFUL", "3x", "e\u0301"], dtype=object),
    ]
    values = rng.integers(0, 2, 300)
    rows = [" ".join([*rng.choice(pools[v], 4), "the", "fish", str(i % 7)]) for i, v in enumerate(values)]
    table = Table({"a": StringColumn.of(rows), "b": StringColumn.of(rows[::-1])}, len(rows))
    specs = [ColumnSpec(name=n, kind="text") for n in "ab"]
    fitted = text.fit(table, specs, Answer(task="binary", values=values, classes=2), FitContext(), {})
    b = Builder()
    out = fitted.lower(b, {n: b.input(n, "string", ["N"]) for n in "ab"})
    b.output(out, "features", ["N", len(fitted.features)])
    model = b.build("text").SerializeToString()
    hostile = [
        "",
        " \t\n",
        "日本語 テキスト",
        "e\u0301 schön",
        "cut\0off",
        "x" * 100_000,
        "ß ŒUVRE",
        "👍🏽👍",
        "\u0301",
    ]
    feeds = [
        np.asarray(rows[:64] + hostile, dtype=object),
        np.asarray(rows[:1], dtype=object),
        np.asarray([], dtype=object),
    ]
    for optimise in (True, False):
        jobs = [(model, {"a": f, "b": f[::-1]}, optimise) for f in feeds]
        for (_, feed, _), answer in zip(jobs, run_there(library, tmp_path, jobs), strict=True):
            ours = run_here(model, feed, optimise=optimise)
            assert difference(ours, answer) == ""
            assert len(ours["features"]) == len(feed["a"])


@pytest.mark.parametrize("name", [e.name for e in list_parts() if e.manifest["type"] == "encoder"])
def test_every_encoder_gives_the_same_features_in_wasm(library, tmp_path, name):
    part, jobs = load("parts", name), []
    for case in [c for kind in sorted(part.kinds) for c in make_cases(kind)]:
        fitted = part.fit(case.table, case.specs, make_answers(case.table.rows)[0], FitContext(), {})
        b = Builder()
        inputs = {s.name: b.input(s.name, "float64" if s.kind == "number" else "string", ["N"]) for s in case.specs}
        b.output(fitted.lower(b, inputs), "features", ["N", len(fitted.features)])
        model = b.build("encoder").SerializeToString()
        for table in (case.table, case.hostile):
            # Strings end at NUL in JavaScript's onnxruntime: such cells are another value there.
            there = {s.name: table[s.name].feed(slice(None)) for s in case.specs}
            whole = [not any("\0" in str(v) for v in cells) for cells in zip(*there.values(), strict=True)]
            jobs.append((model, {n: v[np.asarray(whole, dtype=bool)] for n, v in there.items()}, True))
    for (model, feeds, _), answer in zip(jobs, run_there(library, tmp_path, jobs), strict=True):
        assert difference(run_here(model, feeds, optimise=True), answer) == ""


@pytest.mark.parametrize("name", ["format-1-classes", "format-1-regression"])
def test_a_whole_model_gives_its_own_answers_in_wasm(library, tmp_path, name):
    """All column kinds, encoders, learners and the blend, held to the answers stored in the file."""
    model = Model.load(HERE.parents[1] / "models" / f"{name}.onnx")
    feed = stored_feed(model.selftest, model.schema)
    (found,) = run_there(library, tmp_path, [(model.bytes, feed, True)])
    assert isinstance(found, dict), found
    wanted = stored_answers(model.selftest)
    if model.task == "regression":
        scale = np.maximum(np.abs(wanted["prediction"]), model.selftest.scale)
        assert np.max(np.abs(found["prediction"] - wanted["prediction"]) / scale) <= model.selftest.tolerance
    else:
        assert np.max(np.abs(found["probabilities"] - wanted["probabilities"])) <= model.selftest.tolerance
        assert list(found["label"]) == list(wanted["label"])


def test_oblivious_trees_give_the_same_answers_in_wasm(library, tmp_path):
    part, jobs = load("parts", "catboost"), []
    for case in kit.cases(tuple(sorted(part.tasks))):
        if case.name in ("binary-2", "multiclass-7", "multiclass-3-absent-class", "regression-500000"):
            model = kit.lower_model(part, case, [kit.fit_case(part, case, seed=s) for s in (0, 1)])
            hostile = kit.hostile_rows(model, case)
            beyond = np.full_like(hostile[:1], np.inf)
            for rows in (np.concatenate([hostile, beyond, -beyond]), case.features[:1], case.features[:0]):
                jobs.append((model.SerializeToString(), {"features": rows}, True))
    assert len(jobs) == 12
    for (model, feeds, _), answer in zip(jobs, run_there(library, tmp_path, jobs), strict=True):
        assert difference(run_here(model, feeds, optimise=True), answer) == ""


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_networks_give_the_same_answers_in_wasm(library, tmp_path, task):
    case = next(c for c in kit.cases((task,)) if len(c.forms) > 2)
    jobs = []
    for settings in ({"activation": "relu"}, {"activation": "silu", "embedding": "piecewise", "numbers": "ranked"}):
        folds = [kit.fit_case(network, case, seed=s, settings=settings) for s in range(3)]
        model = kit.lower_model(network, case, folds)
        hard = kit.hostile_rows(model, case)
        hard[::5, 0], hard[1::5, 2] = np.inf, -np.inf
        jobs += [(model.SerializeToString(), {"features": f}, True) for f in (case.features, hard, hard[:1], hard[:0])]
    for (model, feeds, _), answer in zip(jobs, run_there(library, tmp_path, jobs), strict=True):
        assert difference(run_here(model, feeds, optimise=True), answer) == ""
