"""From a model to a bundle and its proof: options by platform, rows to prove with, and refusals."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import afield
from afield.api import export as module
from afield.api.export import export, export_options, platform_names
from afield.api.proving import column_thresholds, make_probe
from afield.core.errors import ModelFileError, OutputError, ProblemError, UnsupportedError
from afield.model.model import Model
from afield.platforms.judging import judge
from afield.platforms.protocol import ExportOptions, Probe
from small_models import small_model

FITTED = sorted((Path(__file__).parents[2] / "models").glob("format-1-*.onnx"))  # tables


def test_a_bundle_is_written_proven_and_told(tmp_path: Path) -> None:
    done = afield.export(Model(small_model()), "python", tmp_path / "out")
    assert done.proof.passed
    told = json.loads((tmp_path / "out" / "proof.json").read_text())
    assert told["platform"] == "python"
    assert told["proof"]["passed"]
    assert re.fullmatch("[0-9a-f]{64}", told["model_sha256"])
    assert set(told["files"]) <= {p.name for p in (tmp_path / "out").iterdir()}


def test_a_path_and_the_method_do_the_same(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(small_model())
    first = afield.export(tmp_path / "m.onnx", "python", tmp_path / "a")
    second = Model(small_model()).export("python", tmp_path / "b")
    assert first.proof == second.proof


def test_a_full_folder_is_refused_and_force_lets_other_files_be(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="not empty"):
        export(small_model(), "python", tmp_path)
    export(small_model(), "python", tmp_path, force=True)
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_unknown_platforms_and_options_are_told_with_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="python"):
        export(small_model(), "pyton", tmp_path)
    with pytest.raises(ProblemError, match="no option 'pwa'"):
        export(small_model(), "python", tmp_path, options={"pwa": True})
    with pytest.raises(ModelFileError):
        export(tmp_path / "none.onnx", "python", tmp_path)
    assert not list(tmp_path.iterdir())


def test_options_come_from_the_platforms_class(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass(frozen=True, kw_only=True)
    class Options(ExportOptions):
        pwa: bool = field(default=False, metadata={"help": "As an app."})
        data: Path | None = field(default=None, metadata={"help": "Rows.", "metavar": "FILE"})
        optimize: Literal["size", "speed"] = "size"

    class Platform:
        options = Options

    monkeypatch.setattr(module, "load", lambda group, name: Platform)
    globals().update(Options=Options)
    found = {o.name: (o.type, o.default, o.metavar) for o in export_options("any")}
    assert found == {"pwa": (bool, False, None), "data": (Path, None, "FILE"), "optimize": (str, "size", None)}


def test_platforms_are_listed() -> None:
    assert "python" in platform_names()
    assert platform_names() == sorted(platform_names())


# The rows -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FITTED, ids=lambda p: p.stem)
def test_hostile_rows_sit_on_the_thresholds_of_the_file(path: Path) -> None:
    content = path.read_bytes()
    model = Model(content)
    found = column_thresholds(content, model.schema)
    assert len(found["length (mm)"]) > 50
    probe = make_probe(content)
    assert probe.samples == model.selftest.rows < probe.rows
    lengths = probe.feed["length (mm)"][probe.samples :]
    assert np.isin(lengths, found["length (mm)"]).sum() > 5
    assert np.isnan(lengths.astype(float)).any()


def test_answers_to_the_probe_are_judged_part_by_part() -> None:
    model = Model(small_model())
    probe = make_probe(model.bytes)
    right = model.run(probe.feed)
    assert judge(model, probe, {"": right}, platform="x", how="y").passed
    wrong = dict(right) | {"probabilities": right["probabilities"].copy()}
    wrong["probabilities"][probe.samples + 3] += 0.01
    proof = judge(model, probe, {"": wrong}, platform="x", how="y")
    assert not proof.passed
    assert proof.largest == pytest.approx(0.01, abs=1e-6)
    assert "hostile rows" in proof.details[1]
    assert "row 4" in proof.details[1]


@pytest.mark.error_code("model.foreign")
def test_any_onnx_file_gets_made_up_rows_and_types_that_nobody_can_make_up_are_refused() -> None:
    def file(kind: int) -> bytes:
        node = helper.make_node("Identity", ["x"], ["y"])
        values = [helper.make_tensor_value_info(n, kind, [None, 3]) for n in "xy"]
        graph = helper.make_graph([node], "g", values[:1], values[1:])
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10).SerializeToString()

    probe = make_probe(file(TensorProto.FLOAT))
    assert isinstance(probe, Probe)
    assert probe.samples == 0
    assert np.array_equal(probe.feed["x"], probe.answers["y"])
    assert len(np.unique(probe.feed["x"])) == probe.feed["x"].size
    texts = make_probe(file(TensorProto.STRING))
    assert {"", "never seen"} == set(texts.feed["x"].ravel())
    with pytest.raises(ModelFileError, match="cannot be made up"):
        make_probe(file(TensorProto.UINT16))
    assert onnx.load_from_string(file(TensorProto.FLOAT)).graph.name == "g"
