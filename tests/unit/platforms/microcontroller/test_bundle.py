"""The folder of C: what a firmware sees of a model, whatever its columns are called, and the proof that it is right."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from afield.core.errors import UnsupportedError
from afield.graph.builder import Builder
from afield.model.container import write_properties
from afield.model.metadata import Provenance, SelfTest, to_metadata
from afield.model.model import Model
from afield.model.samples import synthesise
from afield.model.selftest import record
from afield.platforms.microcontroller.bundle.names import Names, comment, string, word
from afield.platforms.microcontroller.options import MicrocontrollerOptions
from afield.platforms.microcontroller.platform import platform
from afield.platforms.microcontroller.prove import board
from afield.platforms.microcontroller.prove.host import STRICT_C, STRICT_CPP
from afield.platforms.protocol import Platform
from afield.problem.schema import ColumnSpec, Schema, TargetSpec
from small_models import card_of, small_model

NAMES = ["int", "Int", "2nd", "長さ", "Größe", "a*/b", "linux", "input", "x" * 80, "x" * 81]
LEVELS = ("Missing", "unknown", "?", '"quoted" ??/', "two\nlines", "1")


def model_of(*, regression: bool) -> bytes:
    """A linear rule over numbers and a category whose names are anything but C."""
    columns = [ColumnSpec(name=n, kind="number", low=-1.0, high=2.0, unit="m/s²") for n in NAMES]
    columns.append(ColumnSpec(name="output", kind="category", levels=LEVELS))
    classes = ("yes", "Yes", "no/maybe")
    spec = ColumnSpec(name="answer", kind="number" if regression else "category")
    target = TargetSpec(name="answer", spec=spec, task="regression" if regression else "multiclass",
                        classes=() if regression else classes)  # fmt: skip
    schema = Schema(columns=tuple(columns), target=target)
    b = Builder()
    inputs = {c.name: b.input(c.input_name, "float64" if c.kind == "number" else "string", ["N"]) for c in columns}
    x = b.transpose(b.stack_columns([inputs[n] for n in NAMES]), [1, 0])
    x = b.op("Where", b.op("IsNaN", x, dtype="bool"), b.constant(np.float64(0.25)), x, dtype="float64")
    code = b.op("LabelEncoder", b.reshape(inputs["output"], [-1, 1]), dtype="float32", keys_strings=list(LEVELS),
                values_floats=np.linspace(0.5, 2.0, len(LEVELS)).tolist(), default_float=-3.0)  # fmt: skip
    full = b.concat([x, b.cast(code, "float64")], axis=1)
    width = 1 if regression else len(classes)
    weights = np.random.default_rng(0).normal(size=(len(columns), width))
    scores = b.op("MatMul", full, b.constant(weights))
    if regression:
        b.output(b.reshape(scores, [-1]), "prediction", ["N"])
    else:
        probabilities = b.cast(b.op("Softmax", scores, axis=1), "float32")
        best = b.op("ArgMax", probabilities, dtype="int64", axis=1, keepdims=0)
        b.output(b.gather(b.constant(list(classes)), best, axis=0), "label", ["N"])
        b.output(probabilities, "probabilities", ["N", len(classes)])
    graph = b.build("odd names").SerializeToString(deterministic=True)
    blank = to_metadata(schema, card_of(schema), SelfTest(inputs={}), Provenance(afield="0.1.0"))
    feed = synthesise(schema, 24, seed=1)
    answers = Model(write_properties(graph, blank)).run(feed)
    scale = float(np.nanstd(answers["prediction"])) if regression else 0.0
    selftest = record(schema, feed, answers, tolerance=1e-6, scale=scale)
    return write_properties(graph, to_metadata(schema, card_of(schema), selftest, Provenance(afield="0.1.0")))


def test_is_a_platform() -> None:
    assert isinstance(platform, Platform)


@pytest.mark.parametrize("regression", [False, True])
def test_any_names_become_c_that_answers_alike(tmp_path: Path, regression: bool) -> None:
    bundle = platform.export(model_of(regression=regression), tmp_path, MicrocontrollerOptions(name="2 fish"))
    proof = platform.prove(bundle)
    assert proof.passed, proof.details
    assert ("cortex-m4f" in proof.how) == (not board.lacking())
    for flags, kind in ((STRICT_C, "c"), (STRICT_CPP, "cpp")):
        for name in ("src/n2_fish.c", "test/n2_fish_test.c"):
            command = ["gcc", *flags, "-Isrc", "-c", name, "-o", f"{kind}.o"]
            done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
            assert not done.returncode, done.stderr
    done = subprocess.run(["make", "-s", "test"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "16 of 16 rows are right\n"), done.stderr
    text = (tmp_path / "src/n2_fish.h").read_text(encoding="utf-8")
    members = re.findall(r"^    float (\w+);", text, re.M)
    assert len(set(members)) == len(members) == len(NAMES) + regression


def test_the_selftest_fails_where_an_answer_is_another(tmp_path: Path) -> None:
    platform.export(model_of(regression=True), tmp_path, MicrocontrollerOptions(name="fish"))
    source = tmp_path / "src/fish.c"
    text = source.read_text(encoding="utf-8")
    source.write_text(text.replace("0.25f", "0.26f", 1), encoding="utf-8")
    done = subprocess.run(["make", "-s", "test"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode
    assert "16 of 16" not in done.stdout


def test_the_proof_fails_where_the_code_is_another(tmp_path: Path) -> None:
    bundle = platform.export(model_of(regression=True), tmp_path, MicrocontrollerOptions(name="fish"))
    source = tmp_path / "src/fish.c"
    source.write_text(source.read_text(encoding="utf-8").replace("0.25f", "0.26f", 1), encoding="utf-8")
    assert not platform.prove(bundle).passed


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    data = model_of(regression=False)
    folders = [tmp_path / "one", tmp_path / "two"]
    bundles = [platform.export(data, f, MicrocontrollerOptions()) for f in folders]
    assert bundles[0].files == bundles[1].files
    for name in bundles[0].files:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes(), name


@pytest.mark.error_code("graph.operator")
def test_dates_and_texts_are_refused_by_their_columns(tmp_path: Path) -> None:
    found = platform.check(small_model())
    assert [f.column for f in found] == ["caught", "label"]
    with pytest.raises(UnsupportedError) as caught:
        platform.export(small_model(), tmp_path / "out", MicrocontrollerOptions())
    assert caught.value.code == "graph.operator"
    assert not (tmp_path / "out").exists()


def test_words_comments_and_strings_are_safe_in_c() -> None:
    assert [word(n) for n in ("int", "2nd", "長さ", "Größe", "linux")] == ["int_", "n2nd", "value", "groe", "linux_"]
    assert comment("a*/b\\\n??/") == "a* /b\\ ? ?/"
    assert string('"a"\n?é') == '"\\042a\\042\\012\\077\\303\\251"'
    names = Names("a")
    assert [names.give("a"), names.give("a"), names.give("b")] == ["a_2", "a_3", "b"]
