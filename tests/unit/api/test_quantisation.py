"""int8 on demand: ranges from some rows of the data, the loss from the others, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

import afield
from afield.api.export import export
from afield.api.losses import answers
from afield.core.errors import AfieldError, DataError, ModelFileError, ProblemError, UnsupportedError
from float_networks import convolutional, pictures

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")


def written(folder: Path, count: int = 40, *, wrong: bool = False) -> Path:
    """Write rows with the float network's own labels."""
    x = pictures(count)
    label = answers(convolutional(), {"x": x})["y"].argmax(axis=1)
    np.savez(folder / "rows.npz", x=x, label=(label + 1) % 4 if wrong else label)
    return folder / "rows.npz"


@needs_gcc
def test_a_float_network_becomes_int8(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(convolutional())
    data = written(tmp_path)
    found = afield.export(tmp_path / "net.onnx", "microcontroller", tmp_path / "c", int8=True, data=data)
    assert found.proof.passed, found.proof.details
    assert any("equal to the bit" in line for line in found.proof.details)
    told = json.loads((tmp_path / "c/proof.json").read_text(encoding="utf-8"))["quantisation"]
    assert (told["rows"], told["loss"]["rows"], told["loss"]["metric"]) == (20, 20, "accuracy")
    assert told["loss"]["before"] == 1.0
    assert 0 <= told["loss"]["lost"] <= 0.05
    made = onnx.load(tmp_path / "c/model.onnx")
    assert {n.op_type for n in made.graph.node} >= {"QuantizeLinear", "DequantizeLinear"}
    assert not any(n.op_type == "Relu" for n in made.graph.node)
    scales = [i for i in made.graph.initializer if i.name == "w1_scale"]
    assert list(scales[0].dims) == [6]


@pytest.mark.error_code("model.loss")
def test_a_loss_above_the_limit_is_refused(tmp_path: Path) -> None:
    x = pictures(40)
    options = {"int8": True, "data": {"x": x, "target": answers(convolutional(), {"x": x})["y"]}}
    with pytest.raises(UnsupportedError, match="rmse on 20 rows") as caught:
        export(convolutional(), "microcontroller", tmp_path / "c", options=options)
    assert caught.value.code == "model.loss"
    assert "--max-loss" in caught.value.fix
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    ("data", "code", "kind"),
    [
        ("", "problem.option", ProblemError),
        ("nothing.npz", "data.not_found", DataError),
        ({"x": pictures(1)}, "problem.too_few_rows", DataError),
        ({"x": pictures(9)[:, :2]}, "model.rows", ModelFileError),
        ({"a": pictures(9), "b": pictures(9)}, "model.missing_column", ModelFileError),
        ({"x": pictures(9), "label": np.zeros(8, int)}, "model.rows", ModelFileError),
    ],
)
def test_rows_that_do_not_serve(tmp_path: Path, data: object, code: str, kind: type[AfieldError]) -> None:
    with pytest.raises(kind) as caught:
        export(convolutional(), "microcontroller", tmp_path / "c", options={"int8": True, "data": data})
    assert caught.value.code == code


def test_python_objects_are_not_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=np.array([{}], dtype=object))
    with pytest.raises(DataError, match="without Python objects"):
        export(
            convolutional(), "microcontroller", tmp_path / "c", options={"int8": True, "data": str(tmp_path / "x.npz")}
        )
