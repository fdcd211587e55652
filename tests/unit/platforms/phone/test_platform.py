"""Pieces joined to one proof, ids and keys of the app, and a machine that is not there."""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from afield.api.proving import make_probe
from afield.core.errors import MissingDependencyError, OutputError, ProblemError
from afield.core.proofs import Proof
from afield.model.model import Model
from afield.platforms.phone import platform as module
from afield.platforms.phone.apk import building, programs
from afield.platforms.phone.arm64 import machine, proof
from afield.platforms.phone.options import PhoneOptions
from afield.platforms.phone.piece import joined
from afield.platforms.phone.readme import readme_of
from afield.problem.schema import ColumnSpec
from media_models import image_model, sound_model
from small_models import small_model


def ran(largest: float, tolerance: float, *, passed: bool = True, how: str = "here") -> Proof:
    return Proof(platform="x", ran=True, how=how, rows=3, largest=largest, tolerance=tolerance, passed=passed)


def test_proofs_are_joined_by_the_one_nearest_to_its_tolerance() -> None:
    whole = joined("phone", [ran(1e-8, 1e-6), ran(9e-6, 1e-5), Proof.not_run("apk", "a phone")])
    assert (whole.largest, whole.tolerance, whole.rows, whole.passed) == (9e-6, 1e-5, 6, True)
    assert whole.needs == "apk: a phone"
    assert any("not run here: needs a phone" in line for line in whole.details)
    assert not joined("phone", [ran(0.0, 1e-6), ran(0.0, 1e-6, passed=False)]).passed
    nan = joined("phone", [ran(1e-6, 1e-6), ran(float("nan"), 1e-6, passed=False)])
    assert np.isnan(nan.largest)
    assert not joined("phone", [Proof.not_run("a", "b")]).ran


def test_a_full_folder_is_refused_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECES", ())
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="not empty"):
        module.platform.export(small_model(), tmp_path)
    made = module.platform.export(small_model(), tmp_path, PhoneOptions(force=True))
    assert made.files == ("README.md", "model.onnx")
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_the_page_names_the_pieces_that_are_there() -> None:
    plain = readme_of("Rings\nof shells", ["app/index.html"]).decode()
    assert plain.startswith("# Rings of shells: on a phone\n")
    assert "{{" not in plain
    assert ".apk" not in plain
    full = readme_of("x", ["rings.apk", "android/README.md", "ios/README.md"]).decode()
    assert "adb install rings.apk" in full
    assert "Swift package" in full


# The app --------------------------------------------------------------------------------------------------------------


def test_the_id_is_one_that_android_takes() -> None:
    model = Model(small_model())
    assert building.app_id_of(model, "") == "afield.model.rings"
    assert building.app_id_of(model, "org.example.Shell_2") == "org.example.Shell_2"
    for bad in ("rings", "org..x", "org.2x", "org.example.", "org.ex-ample", "örg.example"):
        with pytest.raises(ProblemError, match="no such id"):
            building.app_id_of(model, bad)


@pytest.mark.parametrize(
    ("name", "slug"), [("Rings (n)", "rings_n"), ("3d", "model_3d"), ("ü", "model"), ("a_b", "a_b")]
)
def test_names_of_files_come_from_the_target(name: str, slug: str) -> None:
    model = Model(small_model())
    target = dataclasses.replace(model.schema.target, name=name)
    model.schema = dataclasses.replace(model.schema, target=target)
    assert building.slug_of(model) == slug


def test_permissions_are_those_of_the_columns_and_the_network_is_none() -> None:
    assert building.permissions_of(Model(small_model())) == []
    assert building.permissions_of(Model(image_model())) == ["CAMERA"]
    assert building.permissions_of(Model(sound_model())) == ["RECORD_AUDIO", "MODIFY_AUDIO_SETTINGS"]


def test_a_title_becomes_a_resource_to_the_letter() -> None:
    assert building._resource('50 % "A" & <b>\\n\n@x') == '50 % \\"A\\" &amp; &lt;b&gt;\\\\n @x'


def test_the_script_stands_before_the_policy() -> None:
    page = b'<head>\n<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="x">\n</head>'
    made = building.app_page(page)
    assert made.index(b"<script>") < made.index(b"Content-Security-Policy")
    with pytest.raises(ValueError, match="page"):
        building.app_page(b"<head></head>")


@pytest.mark.error_code("dependency.missing")
def test_programs_that_are_not_there_are_all_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(programs, "FRAMEWORK", tmp_path / "none.apk")
    with pytest.raises(MissingDependencyError) as caught:
        programs.need_programs()
    for package in (*programs.PACKAGES.values(), programs.FRAMEWORK_PACKAGE):
        assert package in caught.value.text()


def test_a_key_store_needs_a_file_and_a_password(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(programs.PASSWORD, raising=False)
    with pytest.raises(ProblemError, match="does not exist"):
        programs.own_key(tmp_path / "none.p12", "")
    store = tmp_path / "mine.p12"
    store.write_bytes(b"x")
    with pytest.raises(ProblemError, match="password"):
        programs.own_key(store, "")
    monkeypatch.setenv(programs.PASSWORD, "secret")
    assert programs.own_key(store, "a") == programs.Key(store=store, password="secret", alias="a")


# arm64 ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def this_python(monkeypatch: pytest.MonkeyPatch) -> None:
    here = machine.Machine(command=(sys.executable, "-P"), name="a stand-in")
    monkeypatch.setattr(proof, "find_machine", lambda: here)


@pytest.mark.usefixtures("this_python")
@pytest.mark.parametrize("content", [small_model(), image_model()], ids=["table", "image"])
def test_rows_reach_the_machine_and_answers_come_back(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(content)
    model, probe = Model(content), make_probe(content)
    told = proof.prove_on_arm64(tmp_path / "m.onnx", model, probe)
    assert told.passed
    assert told.rows == probe.rows + probe.samples
    wrong = {n: v.copy() for n, v in probe.answers.items()}
    wrong["probabilities"][-1] += 0.1
    assert not proof.prove_on_arm64(tmp_path / "m.onnx", model, dataclasses.replace(probe, answers=wrong)).passed


@pytest.mark.usefixtures("this_python")
def test_a_machine_that_fails_is_told(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"no model")
    model = Model(small_model())
    told = proof.prove_on_arm64(tmp_path / "m.onnx", model, make_probe(model.bytes))
    assert told.ran
    assert not told.passed
    assert told.details


def test_what_is_lacking_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("AFIELD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(machine.platform, "machine", lambda: "x86_64")
    assert machine.find_machine() is None
    model = Model(small_model())
    told = proof.prove_on_arm64(tmp_path / "m.onnx", model, make_probe(model.bytes))
    assert not told.ran
    assert "qemu" in told.needs
    assert machine.COMMAND in told.needs
    with pytest.raises(MissingDependencyError, match="apt-get"):
        machine.fetch_machine()
    assert os.listdir(tmp_path / "cache") == []


def test_a_machine_of_that_kind_runs_its_own_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.platform, "machine", lambda: "aarch64")
    found = machine.find_machine()
    assert found is not None
    assert found.command[0] == sys.executable


def test_texts_with_zero_characters_stay_whole(tmp_path: Path) -> None:
    from afield.platforms.phone.arm64.answering import read, write

    feed = {"a": np.array(["x\0", "", "ü\ud800"], dtype=object), "b": np.array([np.nan, np.inf, -0.0])}
    write(tmp_path, "feed", feed)
    found = read(tmp_path, "feed")
    assert found["a"].tolist() == feed["a"].tolist()
    assert np.array_equal(found["b"], feed["b"], equal_nan=True)


def test_kinds_without_a_permission_ask_for_none() -> None:
    assert {c.kind for c in Model(small_model()).schema.columns} == {"number", "category", "text", "datetime"}
    assert ColumnSpec(name="x", kind="text").kind not in building._ASKED
