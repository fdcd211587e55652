"""Networks as LiteRT and ExecuTorch, converted and run in the isolated environments: ``make test-isolated``."""

from __future__ import annotations

from pathlib import Path

import pytest

from afield.api.proving import make_probe
from afield.model.model import Model
from afield.platforms.phone.neural.environments import make
from afield.platforms.phone.neural.piece import Neural
from afield.platforms.phone.options import PhoneOptions
from afield.platforms.protocol import Bundle
from media_models import image_model
from network_models import mixed_model, varied_network

pytestmark = pytest.mark.isolated


@pytest.fixture(scope="module", autouse=True)
def environments() -> None:
    for name in ("litert", "executorch"):
        make(name)


@pytest.mark.parametrize("content", [image_model(varied_network()), mixed_model()], ids=["image", "table"])
def test_networks_answer_as_the_whole_model(content: bytes, tmp_path: Path) -> None:
    model = Model.load(content)
    files = Neural().build(model, PhoneOptions(litert=True, executorch=True))
    (tmp_path / "neural").mkdir()
    for name, written in files.items():
        (tmp_path / name).write_bytes(written)
    bundle = Bundle(platform="phone", path=tmp_path, files=tuple(sorted(files)), size_bytes=1)
    proofs = {p.platform: p for p in Neural().prove(bundle, model, make_probe(content))}
    assert set(proofs) == {"LiteRT float32", "LiteRT int8", "ExecuTorch float32"}
    for proof in proofs.values():
        print(proof.text(), *proof.details, sep="\n  ")
        assert proof.passed, (proof.text(), proof.details)
    assert proofs["LiteRT float32"].tolerance == proofs["ExecuTorch float32"].tolerance == 1e-5
    assert "LiteRT 2." in proofs["LiteRT int8"].how
    assert proofs["LiteRT int8"].largest > 1e-4  # it is quantised
    assert b"TFL3" in files["neural/network.tflite"][:8]
