from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from afield.api.proving import make_probe
from afield.core.errors import AfieldError, ModelFileError, OutputError, UnsupportedError
from afield.model.model import Model
from afield.platforms.protocol import Platform
from afield.platforms.python import PythonOptions, platform
from afield.platforms.python.platform import HERE
from media_models import image_model
from small_models import one_row, small_model

FILE = small_model()


def test_is_a_platform() -> None:
    assert isinstance(platform, Platform)
    assert platform.check(FILE) == []


def _strange() -> bytes:
    proto = onnx.load_from_string(FILE)
    proto.graph.node.add(op_type="Explode", domain="com.evil", output=["boom"])
    proto.graph.node.add(op_type="Einsum", output=["sum"])
    return proto.SerializeToString()


@pytest.mark.error_code("graph.operator")
def test_strange_operators_are_all_named_and_refused(tmp_path: Path) -> None:
    found = platform.check(_strange())
    assert [f.severity for f in found] == ["serious", "serious"]
    assert "ai.onnx:Einsum" in found[0].what
    assert "com.evil:Explode" in found[1].what
    with pytest.raises(UnsupportedError) as caught:
        platform.export(_strange(), tmp_path / "out", PythonOptions())
    assert caught.value.code == "graph.operator"
    assert "Explode" in caught.value.got
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("regression", [False, True])
def test_export_and_proof(tmp_path: Path, regression: bool) -> None:
    bundle = platform.export(small_model(regression=regression), tmp_path / "deep" / "out", PythonOptions())
    assert bundle.files == ("model.onnx", "predict.py", "requirements.txt", "test_model.py")
    assert bundle.size_bytes == sum((bundle.path / f).stat().st_size for f in bundle.files)
    proof = platform.prove(bundle)
    assert proof.passed, proof.details
    assert proof.rows == 2 * (24 + 4_096)
    assert len(proof.details) == 4
    assert "without afield" in proof.how


def test_the_proof_fails_where_the_answers_are_others(tmp_path: Path) -> None:
    proof = platform.prove(platform.export(small_model(wrong_by=1e-3), tmp_path, PythonOptions()))
    assert proof.ran
    assert not proof.passed
    assert proof.largest == pytest.approx(1e-3, rel=1e-2)


def test_the_proof_fails_where_the_file_does_not_run(tmp_path: Path) -> None:
    bundle = platform.export(FILE, tmp_path, PythonOptions())
    (tmp_path / "model.onnx").write_bytes(FILE.replace(b"Softmax", b"Softmux"))
    proof = platform.prove(bundle)
    assert not proof.passed
    assert "Softmu" in " ".join(proof.details)


def test_the_child_can_import_nothing_else() -> None:
    script = HERE / "replay.py"
    code = f"import runpy; runpy.run_path({str(script)!r}, run_name='x')\n"
    for module in ("afield", "onnx", "pandas", "sklearn"):
        done = subprocess.run(
            [sys.executable, "-c", code + f"import {module}"], capture_output=True, text=True, check=False
        )
        assert done.returncode
        assert "is not part of the runtime" in done.stderr


@pytest.mark.parametrize("way", ["argument", "stdin"])
def test_the_script_answers_rows(tmp_path: Path, way: str) -> None:
    platform.export(FILE, tmp_path, PythonOptions())
    script = (tmp_path / "predict.py").read_text(encoding="utf-8")
    assert len(script.splitlines()) <= 30
    assert "afield" not in script
    rows = [one_row(label_="good"), one_row(sex=None, weight=None, label_=None)]
    text = json.dumps(rows[0] if way == "argument" else rows)
    command = [sys.executable, str(tmp_path / "predict.py"), *([text] if way == "argument" else [])]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True, cwd="/")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    wanted, probabilities = Model(FILE).label_and_probabilities([r | {"label": r["label_"]} for r in rows])
    assert [a["label"] for a in answers] == wanted[: len(answers)].tolist()
    np.testing.assert_allclose([a["probabilities"] for a in answers], probabilities[: len(answers)])
    assert len(answers) == (1 if way == "argument" else 2)


def test_the_script_names_a_lacking_column(tmp_path: Path) -> None:
    platform.export(FILE, tmp_path, PythonOptions())
    done = subprocess.run(
        [sys.executable, str(tmp_path / "predict.py"), '{"sex": "M"}'], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "row 1 lacks the column 'length (mm)'" in done.stderr


@pytest.mark.error_code("output.exists")
def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputError) as caught:
        platform.export(FILE, tmp_path, PythonOptions())
    assert caught.value.code == "output.exists"
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]
    assert platform.export(FILE, tmp_path, PythonOptions(force=True)).path == tmp_path
    platform.export(FILE, tmp_path, PythonOptions(force=True))
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.error_code("output.unwritable")
def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for dest in (tmp_path / "file", tmp_path / "file" / "sub"):
        with pytest.raises(AfieldError) as caught:
            platform.export(FILE, dest, PythonOptions())
        assert caught.value.code == "output.unwritable"


def test_only_models_are_exported(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError):
        platform.export(b"garbage", tmp_path, PythonOptions())
    assert not list(tmp_path.iterdir())


def test_hostile_rows_take_part_in_the_proof(tmp_path: Path) -> None:
    probe = make_probe(FILE)
    bundle = platform.export(FILE, tmp_path, PythonOptions())
    proof = platform.prove(bundle, probe)
    assert proof.passed, proof.details
    assert proof.rows == 4 * probe.rows
    assert sum("hostile rows" in line for line in proof.details) == 4
    answers = dict(probe.answers) | {"probabilities": probe.answers["probabilities"].copy()}
    answers["probabilities"][-1] += 0.01
    assert not platform.prove(bundle, replace(probe, answers=answers)).passed


@pytest.mark.parametrize(("wrong_by", "code"), [(0.0, 0), (1e-3, 1)])
@pytest.mark.parametrize("regression", [False, True])
def test_the_test_in_the_folder_needs_no_afield(tmp_path: Path, regression: bool, wrong_by: float, code: int) -> None:
    content = small_model(regression=regression, wrong_by=wrong_by * (100 if regression else 1))
    platform.export(content, tmp_path, PythonOptions())
    command = [sys.executable, "-m", "unittest", "test_model"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert "afield." not in (tmp_path / "test_model.py").read_text().replace("afield.selftest", "")


def test_the_script_answers_a_picture(tmp_path: Path) -> None:
    model = Model(image_model())
    platform.export(model.bytes, tmp_path / "bundle")
    pixels = np.arange(20 * 30 * 3, dtype=np.uint8).reshape(20, 30, 3)
    command = [sys.executable, tmp_path / "bundle" / "predict.py"]
    done = subprocess.run(
        command, input=json.dumps({"photo": pixels.tolist()}), capture_output=True, text=True, check=True
    )
    answer = json.loads(done.stdout)
    assert answer["probabilities"] == pytest.approx(model.predict_proba({"photo": pixels[None]})[0].tolist(), abs=1e-6)
