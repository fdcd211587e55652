from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from afield.core.errors import ProblemError
from afield.model.model import Model
from afield.platforms.protocol import Platform
from afield.platforms.server import platform as module
from afield.platforms.server.platform import ServerOptions, platform
from small_models import small_model


def test_is_a_platform() -> None:
    assert isinstance(platform, Platform)
    assert platform.check(small_model()) == []


@pytest.mark.parametrize("regression", [False, True])
def test_the_folder_serves_what_it_should(tmp_path: Path, regression: bool) -> None:
    bundle = platform.export(small_model(regression=regression), tmp_path, ServerOptions(name="fish", port=9000))
    proof = platform.prove(bundle)
    assert proof.passed, proof.details
    assert proof.rows == 4 * 24
    assert {"Containerfile", "fish.service", "kubernetes.yaml", "inferenceservice.yaml", "requirements.txt"} <= set(
        bundle.files
    )
    assert Model.load(tmp_path / "models/fish/1/model.onnx").bytes == small_model(regression=regression)
    assert not list(tmp_path.rglob("__pycache__"))
    for line in (tmp_path / "requirements.txt").read_text().splitlines():
        assert re.fullmatch(r"[a-z0-9-]+==[0-9.]+", line)
    texts = {f: (tmp_path / f).read_text() for f in bundle.files if not f.startswith(("app/", "models/"))}
    assert not [f for f, text in texts.items() if re.search("@(NAME|PORT)@", text)]
    assert "readOnlyRootFilesystem: true" in texts["kubernetes.yaml"]
    assert "runAsNonRoot: true" in texts["kubernetes.yaml"]
    assert "9000" in texts["Containerfile"]


def test_the_proof_fails_where_answers_are_others_or_the_program_is_broken(tmp_path: Path) -> None:
    bundle = platform.export(small_model(), tmp_path)
    (tmp_path / "models/model/1/model.onnx").write_bytes(small_model(wrong_by=1e-3))
    proof = platform.prove(bundle)
    assert proof.ran
    assert not proof.passed
    assert "does not give the answers" in proof.details[0]


def test_without_the_packages_nothing_is_claimed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None if name == "uvicorn" else find(name))
    proof = platform.prove(platform.export(small_model(), tmp_path))
    assert not proof.ran
    assert proof.text() == "server: not run here: needs uvicorn (pip install 'afield[server]')"


@pytest.mark.parametrize("options", [{"name": "Fish!"}, {"port": 80}])
def test_names_and_ports_that_cannot_be_are_refused(tmp_path: Path, options: dict[str, object]) -> None:
    with pytest.raises(ProblemError):
        platform.export(small_model(), tmp_path / "out", ServerOptions(**options))  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()
