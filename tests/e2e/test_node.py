"""The proof that models run in Node: by onnxruntime's native build from npm, and as the exported module.

The package onnxruntime-node brings the libraries for processors inside its tarball; its install script only fetches
those for GPUs, so it stays disabled.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from afield.api.proving import make_probe
from afield.model.model import Model
from afield.platforms.browser.module_files import build_module
from afield.platforms.browser.node import find_node, run_module
from afield.platforms.browser.runtime import fetch_runtime, find_runtime
from afield.platforms.judging import judge
from afield.platforms.protocol import Probe
from e2e.javascript_runs import differing_operators, run_there
from media_models import image_model, sound_model
from node_packages import install, program
from small_models import one_row, small_model

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "wasm"))

from operator_cases import CASES  # noqa: E402 - the folder above is no package

pytestmark = pytest.mark.e2e

MODELS = HERE.parent / "models"
SHARED = HERE.parents[2] / "shared" / "data" / "models"
NETWORKS = {"vww": image_model, "kws": sound_model}


@pytest.fixture(scope="session")
def native() -> Path:
    """The folder of onnxruntime-node."""
    return install(HERE / "node") / "onnxruntime-node"


def model_file(name: str) -> bytes:
    if name in NETWORKS:
        return NETWORKS[name](onnx.load(SHARED / f"mlperf_{name}_float.onnx"))
    return (
        small_model(regression=name == "small-regression")
        if "small" in name
        else (MODELS / f"{name}.onnx").read_bytes()
    )


development = [
    pytest.mark.shared_data,
    pytest.mark.skipif(not SHARED.is_dir(), reason="the development data is not here"),
]
NAMES = [
    "small", "small-regression", "format-1-classes", "format-1-regression", "format-2-image", "format-2-sound",
    pytest.param("vww", marks=development), pytest.param("kws", marks=development),
]  # fmt: skip


def held(model: Model, probe: Probe, answers: dict[str, np.ndarray], how: str) -> None:
    """Hold answers to samples and hostile rows to those they should be."""
    proof = judge(model, probe, {"": answers}, platform="node", how=how)
    assert proof.passed, proof.details
    tables = all(c.kind not in ("image", "audio") for c in model.schema.columns)
    assert proof.largest <= (1e-6 if tables else 1e-5)
    assert (proof.rows > 300) == tables  # hostile rows beside the samples


@pytest.mark.parametrize("name", NAMES)
def test_models_give_their_answers_in_node(native: Path, tmp_path: Path, name: str) -> None:
    model = Model(model_file(name))
    probe = make_probe(model.bytes)
    for optimise in (True, False):
        (answers,) = run_there(native, tmp_path, [(model.bytes, probe.feed, optimise)])
        assert isinstance(answers, dict), answers
        held(model, probe, answers, "onnxruntime-node")


def test_every_operator_gives_the_same_answers_in_node(native: Path, tmp_path: Path) -> None:
    assert differing_operators(native, tmp_path, CASES) == ""


def test_an_answer_that_is_off_is_seen(native: Path, tmp_path: Path) -> None:
    model = Model(small_model(wrong_by=1e-3))
    probe = make_probe(model.bytes)
    (answers,) = run_there(native, tmp_path, [(model.bytes, probe.feed, True)])
    assert isinstance(answers, dict), answers
    assert not judge(model, probe, {"": answers}, platform="node", how="").passed


@pytest.fixture(scope="session")
def node() -> str:
    found = find_node()
    assert found, f"the module needs Node 20.16 or newer; found: {program('node')}"
    return found[0]


def write_module(model: Model, folder: Path) -> Path:
    fetch_runtime()
    folder.mkdir(parents=True)
    for name, content in build_module(model, find_runtime()).items():
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("name", ["format-1-classes", "format-2-image", "format-2-sound"])
def test_the_exported_module_gives_the_models_answers_in_node(node: str, tmp_path: Path, name: str) -> None:
    model = Model(model_file(name))
    probe = make_probe(model.bytes)
    held(model, probe, run_module(node, write_module(model, tmp_path / "module"), probe.feed), "the module")


def test_a_module_that_does_not_open_says_why(node: str, tmp_path: Path) -> None:
    module = write_module(Model(small_model()), tmp_path / "module")
    (module / "model.onnx").unlink()
    with pytest.raises(OSError, match=r"model\.onnx"):
        run_module(node, module, {})


PROGRAM = """import { predict, predictMany, open } from "rings-model";
const row = ROW;
const model = await open();
const wrong = await predict({ ...row, weight: "heavy" }).catch((error) => error.message);
console.log(JSON.stringify([await predict(row), await predictMany([row, row]), await model.selfTest(), wrong]));
"""


def test_a_program_imports_the_installed_module_and_predicts(node: str, tmp_path: Path) -> None:
    write_module(Model(small_model()), tmp_path / "node_modules" / "rings-model")
    (tmp_path / "main.mjs").write_text(PROGRAM.replace("ROW", json.dumps(one_row())), encoding="utf-8")
    done = subprocess.run([node, "main.mjs"], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    one, many, proof, wrong = json.loads(done.stdout)
    labels, probabilities = Model(small_model()).label_and_probabilities(one_row())
    assert one["label"] == labels[0]
    assert list(one["probabilities"].values()) == pytest.approx(probabilities[0].tolist(), abs=1e-6)
    assert many == [one, one]
    assert proof["passed"]
    assert wrong == 'row 1, column "weight": not a number'
