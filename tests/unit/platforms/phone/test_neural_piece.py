"""From a model to the files of ``neural/`` and their proof, with an environment that answers by onnxruntime."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from afield.api.proving import make_probe
from afield.core.errors import MissingDependencyError, UnsupportedError
from afield.model.model import Model
from afield.platforms.phone.neural import conversion, environments
from afield.platforms.phone.neural.piece import Neural
from afield.platforms.phone.options import PhoneOptions
from afield.platforms.protocol import Bundle
from network_models import mixed_model

WORKER = """
import json, pathlib, shutil, sys
import numpy as np
import onnxruntime

def convert(graph, out):
    shutil.copy(graph, out)

def quantise(floats, rows, out):
    assert np.load(rows).dtype == np.float32
    shutil.copy(floats, out)

def answer(model, rows, out):
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    off = OFF if "int8" in model else OFF / 100
    found = [session.run(["core_output"], {"core_input": row})[0] + np.float32(off) for row in np.load(rows)]
    np.save(out, np.stack(found))
    print(json.dumps({"runtime": "stand-in 1", "input": {"shape": [1, 4], "dtype": "float32"},
                      "output": {"shape": [1, 1], "dtype": "int8", "scale": 0.5, "zero_point": 3}}))

# refusal
{"convert": convert, "quantise": quantise, "answer": answer}[sys.argv[1]](*sys.argv[2:])
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of workers that stand in for the converters."""
    monkeypatch.setenv("AFIELD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(conversion, "HERE", tmp_path)
    workers = tmp_path / "workers"
    workers.mkdir()
    for name in ("litert", "executorch"):
        (workers / f"{name}.py").write_text(WORKER.replace("OFF", "0.0"))
        python = environments.environment(name).python
        python.parent.mkdir(parents=True)
        python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        python.chmod(0o755)
        (environments.environment(name).folder / "made.json").write_text("{}")
    return workers


def write(folder: Path, options: PhoneOptions) -> tuple[Model, Bundle]:
    model = Model.load(mixed_model())
    files = Neural().build(model, options)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return model, Bundle(platform="phone", path=folder, files=tuple(sorted(files)), size_bytes=1)


def test_all_forms_are_written_and_proven(home: Path, tmp_path: Path) -> None:
    model, bundle = write(tmp_path / "out", PhoneOptions(litert=True, executorch=True))
    assert bundle.files == tuple(
        f"neural/{name}"
        for name in ("README.md", "back.onnx", "front.onnx", "network.pte", "network.tflite", "network_int8.tflite",
                     "neural.json")
    )  # fmt: skip
    proofs = Neural().prove(bundle, model, make_probe(model.bytes))
    assert [p.platform for p in proofs] == ["LiteRT float32", "LiteRT int8", "ExecuTorch float32"]
    assert all(p.passed and p.rows for p in proofs)
    assert proofs[0].tolerance == 1e-5
    assert proofs[0].rows > 100  # hostile rows too
    assert "told and not judged" in proofs[1].details[1]
    assert proofs[1].rows == model.selftest.rows


def test_the_cut_is_named(home: Path, tmp_path: Path) -> None:
    _, bundle = write(tmp_path / "out", PhoneOptions(litert=True))
    facts = json.loads((bundle.path / "neural/neural.json").read_text())
    assert facts["front"]["columns"] == {
        "length": "number", "width": "number", "weight": "number", "site": "category",
    }  # fmt: skip
    assert facts["network"]["weights"] == 40
    assert facts["network"]["files"]["network_int8.tflite"]["fitted_rows"] == 16 + 192
    text = (bundle.path / "neural/README.md").read_text()
    for words in ("site (category)", "levels of categories, missing values", "40 weights",
                  "behind (back.onnx): trees, levels", "int8 [1, 1], scale 0.5, zero point 3"):  # fmt: skip
        assert words in text


@pytest.mark.parametrize(("off", "passed"), [("0.01", [False, True]), ("0.9", [False, False])])
def test_answers_that_are_off_fail(home: Path, tmp_path: Path, off: str, passed: list[bool]) -> None:
    (home / "litert.py").write_text(WORKER.replace("OFF", off))
    model, bundle = write(tmp_path / "out", PhoneOptions(litert=True))
    proofs = Neural().prove(bundle, model, make_probe(model.bytes))
    assert [p.passed for p in proofs] == passed
    assert proofs[0].largest == pytest.approx(float(off) / 100 / model.selftest.scale, rel=0.5)


@pytest.mark.error_code("phone.conversion")
def test_what_a_converter_says_is_told(home: Path, tmp_path: Path) -> None:
    (home / "executorch.py").write_text("raise SystemExit('no lowering for aten.odd')")
    with pytest.raises(UnsupportedError, match=r"no lowering for aten\.odd") as caught:
        write(tmp_path / "out", PhoneOptions(executorch=True))
    assert caught.value.code == "phone.conversion"


@pytest.mark.error_code("phone.conversion")
def test_a_float_form_that_is_refused_is_an_error(home: Path, tmp_path: Path) -> None:
    (home / "litert.py").write_text("import sys\nsys.exit('cannot open ' + sys.argv[-1])")
    with pytest.raises(UnsupportedError, match="LiteRT float32") as caught:
        write(tmp_path / "out", PhoneOptions(litert=True))
    assert caught.value.got == "cannot open network.tflite"  # no name that changes from run to run


@pytest.mark.parametrize(("step", "told"), [("quantise", "no kernel for 8 bits"), ("answer", "DIV failed to invoke")])
def test_an_int8_form_that_is_refused_leaves_the_float_form(home: Path, tmp_path: Path, step: str, told: str) -> None:
    refusal = f"if sys.argv[1] == {step!r} and any('int8' in a for a in sys.argv[2:]): sys.exit({told!r})\n"
    (home / "litert.py").write_text(refusal.join(WORKER.replace("OFF", "0.0").split("# refusal\n")))
    model, bundle = write(tmp_path / "out", PhoneOptions(litert=True, executorch=True))
    assert "neural/network.tflite" in bundle.files
    assert "neural/network_int8.tflite" not in bundle.files
    facts = json.loads((bundle.path / "neural/neural.json").read_text())
    assert list(facts["network"]["files"]) == ["network.tflite", "network.pte"]
    assert facts["network"]["not_made"] == {"network_int8.tflite": {"form": "LiteRT int8", "reason": told}}
    text = (bundle.path / "neural/README.md").read_text()
    assert f"`network_int8.tflite` (LiteRT int8) was not made: {told}" in text
    assert "| `network_int8.tflite` |" not in text
    proofs = {p.platform: p for p in Neural().prove(bundle, model, make_probe(model.bytes))}
    assert {name: p.passed for name, p in proofs.items()} == {
        "LiteRT float32": True, "LiteRT int8": False, "ExecuTorch float32": True,
    }  # fmt: skip
    failed = proofs["LiteRT int8"]
    assert failed.ran
    assert "FAILED" in failed.text()
    assert failed.text().endswith("not made")
    assert failed.details == (told,)
    assert failed.to_json()["largest"] is None


def test_a_file_that_refuses_later_rows_fails_its_proof(home: Path, tmp_path: Path) -> None:
    model, bundle = write(tmp_path / "out", PhoneOptions(litert=True))
    (home / "litert.py").write_text(
        WORKER.replace("OFF", "0.0").replace("    off =", "    if 'int8' in model: sys.exit('DIV by zero')\n    off =")
    )
    right, failed = Neural().prove(bundle, model, make_probe(model.bytes))
    assert right.passed
    assert failed.ran
    assert not failed.passed
    assert failed.how == "network_int8.tflite was refused by its runtime"
    assert failed.details == ("DIV by zero",)


def test_without_its_environment_nothing_is_claimed(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, bundle = write(tmp_path / "out", PhoneOptions(executorch=True))
    monkeypatch.setenv("AFIELD_CACHE", str(tmp_path / "elsewhere"))
    (proof,) = Neural().prove(bundle, model, make_probe(model.bytes))
    assert not proof.ran
    assert proof.needs == "the environment executorch"
    with pytest.raises(MissingDependencyError, match=r"--make-env, or once: python -m .*environments litert"):
        Neural().build(model, PhoneOptions(litert=True))


def test_nothing_is_done_unasked() -> None:
    assert not Neural().wanted(PhoneOptions())
    assert Neural().wanted(PhoneOptions(litert=True))
    bundle = Bundle(platform="phone", path=Path("nowhere"), files=("model.onnx",), size_bytes=1)
    model = Model.load(mixed_model())
    assert not Neural().prove(bundle, model, make_probe(model.bytes))
