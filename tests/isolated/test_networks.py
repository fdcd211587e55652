"""Networks as LiteRT and ExecuTorch, converted and run in the isolated environments: ``make test-isolated``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import afield
from afield.api.proving import make_probe
from afield.model.model import Model
from afield.platforms.phone.neural.environments import make
from afield.platforms.phone.neural.piece import Neural
from afield.platforms.phone.options import PhoneOptions
from afield.platforms.protocol import Bundle
from afield.search.portfolio import TREE_MEANS, make_recipe
from afield.search.recipe import Recipe
from afield.search.shape import Shape
from media_models import image_model
from network_models import mixed_model, varied_network
from small_fits import old, quick_fits, shells

pytestmark = pytest.mark.isolated


@pytest.fixture(scope="module", autouse=True)
def environments() -> None:
    for name in ("litert", "executorch"):
        make(name)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return a model that ``fit`` made: a classification by a network alone."""
    folder = tmp_path_factory.mktemp("fit")

    def network(shape: Shape) -> list[Recipe]:
        settings = {"epochs": 20, "steps": 200, "width": 16, "members": 4, "embedding": "periodic"}
        return [make_recipe("network", TREE_MEANS, "network", settings, shape)]

    with quick_fits(folder), pytest.MonkeyPatch.context() as patch:
        patch.setattr("afield.search.propose.first_recipes", network)
        frame = shells(80)
        frame["age"] = old(frame)
        afield.fit(frame, "age", effort="quick", out=str(folder / "model.onnx"))
    return (folder / "model.onnx").read_bytes()


@pytest.mark.parametrize("made", [lambda: image_model(varied_network()), mixed_model], ids=["image", "table"])
def test_networks_answer_as_the_whole_model(made: Callable[[], bytes], tmp_path: Path) -> None:
    hold(made(), tmp_path)


def test_a_fitted_network_answers_as_the_whole_model(fitted: bytes, tmp_path: Path) -> None:
    hold(fitted, tmp_path)


def hold(content: bytes, tmp_path: Path) -> None:
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
