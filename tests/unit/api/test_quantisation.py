"""int8 on demand: ranges from some rows of the data, the loss from the others, and what is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import onnx
import pytest

import afield
from afield.api.export import export
from afield.api.givens import Given, given_rows
from afield.api.losses import answers, loss_of
from afield.api.quantisation import prepared
from afield.core.errors import AfieldError, DataError, ModelFileError, ProblemError, UnsupportedError
from afield.core.registry import load
from float_networks import convolutional, pictures, table

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


@needs_gcc
def test_a_table_in_int8(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    lines = ["length,weight,sex,rings", *(f"{a:.3f},{b:.3f},{'FM'[i % 2]},{('few', 'many', 'some')[i % 3]}"
                                          for i, (a, b) in enumerate(draw.uniform(-2, 2, (60, 2))))]  # fmt: skip
    (tmp_path / "shells.csv").write_text("\n".join([*lines, "1,1,F,"]) + "\n", encoding="utf-8")
    (tmp_path / "rings.onnx").write_bytes(table())
    options = {"int8": True, "data": tmp_path / "shells.csv", "max_loss": 0.2}
    found = export(tmp_path / "rings.onnx", "microcontroller", tmp_path / "c", options=options)
    assert found.proof.passed, found.proof.details
    assert found.quantisation is not None
    assert found.quantisation.loss is not None
    assert (found.quantisation.rows, found.quantisation.loss.rows) == (30, 30)
    assert found.quantisation.loss.metric == "log_loss"
    assert any("2 integer operators inside" in line and "equal to the bit" in line for line in found.proof.details)
    readme = (tmp_path / "c/README.md").read_text(encoding="utf-8")
    assert "- log_loss on 30 rows that gave no ranges" in readme
    assert str(tmp_path) not in (tmp_path / "c/bundle.json").read_text(encoding="utf-8")
    model = afield.load(tmp_path / "c/model.onnx")
    assert model.verify().passed
    made = subprocess.run(["make", "-s", "test"], cwd=tmp_path / "c", capture_output=True, text=True, check=False)
    assert made.stdout == "16 of 16 rows are right\n", made.stderr


def test_without_data_the_loss_is_not_measured() -> None:
    place = load("platforms", "microcontroller")
    content, found, _ = prepared(place, table(), place.options(int8=True))
    assert found is not None
    told = found.to_json()
    assert told["loss"] is None
    assert told["source"] == "the samples inside the file, and made-up rows of its schema"
    assert "loss of the score: not measured: needs --data" in told["text"]
    assert prepared(place, content, place.options(int8=True))[:2] == (content, None), "quantised already"
    assert prepared(place, content, place.options())[:2] == (content, None)


def test_options_say_what_they_are_for() -> None:
    from afield.platforms.microcontroller.options import MicrocontrollerOptions

    for wrong in ({"data": "rows.npz"}, {"int8": True, "max_loss": -1.0}, {"int8": True, "max_loss": float("nan")}):
        with pytest.raises(ProblemError):
            MicrocontrollerOptions(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("truth", ["label", "target", ""])
def test_scores_of_networks(truth: str) -> None:
    x = pictures(30)
    right = answers(convolutional(), {"x": x})["y"]
    other = convolutional(1)
    labels = {"label": right.argmax(axis=1), "target": right, "": None}[truth]
    found = loss_of(convolutional(), other, Given(feed={"x": x}, truth=labels, source="", measured=True))
    wrong = answers(other, {"x": x})["y"]
    same = float((wrong.argmax(axis=1) == right.argmax(axis=1)).mean())
    if truth == "target":
        assert (found.metric, found.before, found.lost > 1) == ("rmse", 0.0, True)
    else:
        assert (found.before, found.after, found.lost) == (1.0, same, 1 - same)


def test_names_of_arrays_do_not_matter_where_there_is_one_input(tmp_path: Path) -> None:
    x = pictures(6)
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "x.npz", images=x[:, None], y=np.arange(6))
    alone, named = (given_rows(convolutional(), tmp_path / f"x.{kind}") for kind in ("npy", "npz"))
    np.testing.assert_array_equal(alone.feed["x"], named.feed["x"])
    assert alone.truth is None
    assert named.truth is not None


def test_a_network_of_several_rows_at_once_is_refused() -> None:
    model = onnx.load_from_string(convolutional())
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 4
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_value = 4
    with pytest.raises(ModelFileError, match="a batch of 1"):
        given_rows(model.SerializeToString(), {"x": pictures(8)})
