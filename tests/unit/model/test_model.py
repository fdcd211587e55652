from __future__ import annotations

import errno
import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import afield
import afield.model.model as module
from afield.core.errors import AfieldError, ModelFileError, UnsupportedError
from afield.core.randomness import canonical_json
from afield.model.container import read_properties, write_properties
from afield.model.model import Model, load
from afield.model.samples import synthesise
from small_models import CLASSES, graph_of, one_row, schema_of, small_model

FILE = small_model()
REGRESSION = small_model(regression=True)
TYPED: dict[str, tuple[Any, ...]] = {
    "string": ("low", "high", "ærlig"), "integer": (3, -1, 12), "number": (0.5, 1.5, 2.0), "boolean": (False, True),
}  # fmt: skip
KINDS = {"string": object, "integer": np.int64, "number": np.float64, "boolean": np.bool_}


@pytest.mark.parametrize("label_type", CLASSES)
def test_labels_come_back_with_the_type_that_they_had(label_type: str) -> None:
    model = Model(small_model(label_type))
    rows = [one_row(), one_row(**{"length (mm)": -300.0}), one_row(weight="NA")]
    labels, probabilities = model.label_and_probabilities(rows)
    assert model.classes == TYPED[label_type]
    assert labels.dtype == KINDS[label_type]
    assert [type(v) for v in labels.tolist()] == [type(model.classes[0])] * 3
    assert probabilities.dtype == np.float32
    assert probabilities.shape == (3, len(model.classes))
    assert labels.tolist() == [model.classes[i] for i in probabilities.argmax(axis=1)]
    assert labels[0] == model.classes[-1]
    assert labels[1] == model.classes[0]
    np.testing.assert_array_equal(model.predict(rows), labels)
    np.testing.assert_array_equal(model.predict_proba(rows), probabilities)


def test_regression() -> None:
    model = Model(REGRESSION)
    answers = model.predict([one_row(), one_row(site="2.5", weight=None)])
    assert answers.dtype == np.float64
    np.testing.assert_allclose(answers, [4.5 + 0.5 + 1 + 10 + 100 + 0.5, 4.5 + 1 + 20 + 100 + 0.5])
    assert model.classes == ()


@pytest.mark.error_code("model.task")
def test_a_regression_has_no_probabilities() -> None:
    with pytest.raises(UnsupportedError, match="rings") as caught:
        Model(REGRESSION).predict_proba(one_row())
    assert caught.value.code == "model.task"


@pytest.mark.parametrize("content", [FILE, REGRESSION])
def test_no_rows_give_no_answers(content: bytes) -> None:
    model = Model(content)
    assert model.predict([]).shape == (0,)
    assert model.predict([]).dtype == model.predict(one_row()).dtype
    if model.classes:
        assert model.predict_proba([]).shape == (0, 3)


@pytest.mark.parametrize("label_type", CLASSES)
def test_no_rows_keep_the_type(label_type: str) -> None:
    assert Model(small_model(label_type)).predict([]).dtype == KINDS[label_type]


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model(FILE)
    feed = synthesise(model.schema, 101, seed=3)
    whole = model.run(feed)
    monkeypatch.setattr(module, "CHUNK", 10)
    parts = model.run(feed)
    assert list(parts) == ["label", "probabilities"]
    for name in whole:
        np.testing.assert_array_equal(parts[name], whole[name])


def test_threads_pickling_and_bytes() -> None:
    model = Model(FILE, threads=2)
    rows = pd.DataFrame([one_row(sex=s) for s in "MFI"])
    copy = pickle.loads(pickle.dumps(model))
    assert copy.bytes == FILE
    assert copy.threads == 2
    np.testing.assert_array_equal(copy.predict_proba(rows), Model(FILE).predict_proba(rows))
    model.predict(rows)
    assert pickle.loads(pickle.dumps(model)).classes == model.classes  # also with an open session


def test_many_threads_at_once() -> None:
    model = Model(REGRESSION)  # the session is opened by whichever comes first
    rows = [[one_row(**{"length (mm)": float(i * 100 + j)}) for j in range(50)] for i in range(32)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(model.predict, rows))
    for given, answers in zip(rows, found, strict=True):
        np.testing.assert_allclose(answers, [r["length (mm)"] + 112.0 for r in given])


def test_load_from_path_and_bytes(tmp_path: Path) -> None:
    path = tmp_path / "shells.onnx"
    path.write_bytes(FILE)
    for source in (path, str(path), FILE):
        assert load(source).bytes == FILE


@pytest.mark.error_code("model.not_found")
def test_no_such_file(tmp_path: Path) -> None:
    for path in (tmp_path / "no.onnx", tmp_path):
        with pytest.raises(ModelFileError) as caught:
            load(path)
        assert caught.value.code == "model.not_found"
        assert caught.value.where == str(path)


@pytest.mark.error_code("model.damaged")
def test_every_truncation_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "half.onnx"
    graph = graph_of(schema_of())
    for end in [*range(0, 60), *range(60, len(FILE), 97)]:
        path.write_bytes(FILE[:end])
        with pytest.raises(ModelFileError) as caught:
            load(path)
        # cut between two fields, only the metadata is lacking
        assert caught.value.code in ("model.damaged", "model.foreign"), end
        assert str(path) in str(caught.value)
        assert caught.value.code == "model.damaged" or end >= len(graph) - 20


@pytest.mark.error_code("model.damaged")
@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 50, b"PK\x03\x04 a zip", b"sex,length\nM,1\n" * 9, "œ".encode("utf-16"), bytes(range(256)),
     write_properties(b"", read_properties(FILE))],
)  # fmt: skip
def test_garbage_is_refused(content: bytes) -> None:
    with pytest.raises(ModelFileError) as caught:
        Model.load(content)
    assert caught.value.code == "model.damaged"


@pytest.mark.error_code("model.foreign")
def test_a_foreign_model_is_refused() -> None:
    with pytest.raises(ModelFileError) as caught:
        Model(write_properties(graph_of(schema_of()), {"author": "x"}))
    assert caught.value.code == "model.foreign"


@pytest.mark.error_code("model.version")
def test_a_newer_file_is_refused() -> None:
    properties = read_properties(FILE)
    with pytest.raises(ModelFileError) as caught:
        Model(write_properties(FILE, properties | {"afield.format": "3"}))
    assert caught.value.code == "model.version"
    assert "format 3" in caught.value.got
    for strange in ("", "one", "-1", "1.5", "²"):
        with pytest.raises(ModelFileError, match="format version"):
            Model(write_properties(FILE, properties | {"afield.format": strange}))


@pytest.mark.parametrize("field", ["schema", "card", "selftest", "provenance"])
@pytest.mark.parametrize("text", ["", "[]", "3", "null", '{"columns": 3}', "{", '"x"', '{"inputs": [1]}'])
def test_damaged_metadata_is_refused(field: str, text: str) -> None:
    properties = read_properties(FILE) | {f"afield.{field}": text}
    with pytest.raises(ModelFileError) as caught:
        Model(write_properties(FILE, properties))
    assert caught.value.code == "model.damaged"


def test_a_graph_that_disagrees_with_its_schema_is_refused() -> None:
    other = replace(schema_of(), columns=schema_of().columns[:-1])
    stored = json.loads(read_properties(FILE)["afield.selftest"])
    del stored["inputs"]["label_"]
    properties = read_properties(FILE) | {
        "afield.schema": canonical_json(other.to_json()),
        "afield.selftest": canonical_json(stored),
    }
    with pytest.raises(ModelFileError, match="its graph takes other columns") as caught:
        Model(write_properties(FILE, properties)).predict(one_row())
    assert caught.value.code == "model.damaged"


def test_what_onnxruntime_refuses_is_damaged() -> None:
    model = Model(FILE.replace(b"Softmax", b"Softmux"))
    with pytest.raises(ModelFileError, match="Softmux") as caught:
        model.predict(one_row())
    assert caught.value.code == "model.damaged"


def test_a_file_that_points_at_other_files_is_refused() -> None:
    import onnx

    proto = onnx.load_from_string(FILE)
    tensor = next(t for t in proto.graph.initializer if t.raw_data)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/hostname")
    tensor.ClearField("raw_data")
    with pytest.raises(ModelFileError, match="other files"):
        Model(proto.SerializeToString()).predict(one_row())


def test_save(tmp_path: Path) -> None:
    model = Model(FILE)
    assert model.save(tmp_path / "a.onnx") == tmp_path / "a.onnx"
    assert (tmp_path / "a.onnx").read_bytes() == FILE
    (tmp_path / "a.onnx").write_bytes(b"old")
    model.save(tmp_path / "a.onnx", force=True)
    assert (tmp_path / "a.onnx").read_bytes() == FILE
    assert [p.name for p in tmp_path.iterdir()] == ["a.onnx"]


@pytest.mark.error_code("output.exists")
def test_save_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"old")
    with pytest.raises(AfieldError) as caught:
        Model(FILE).save(tmp_path / "a.onnx")
    assert caught.value.code == "output.exists"
    assert (tmp_path / "a.onnx").read_bytes() == b"old"


@pytest.mark.error_code("output.unwritable")
def test_save_where_nothing_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "no" / "a.onnx", tmp_path / "file" / "a.onnx", tmp_path):
        with pytest.raises(AfieldError) as caught:
            Model(FILE).save(path, force=True)
        assert caught.value.code == "output.unwritable"


@pytest.mark.error_code("output.disk_full")
def test_save_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    (tmp_path / "a.onnx").write_bytes(b"old")
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(AfieldError) as caught:
        Model(FILE).save(tmp_path / "a.onnx", force=True)
    assert caught.value.code == "output.disk_full"
    assert (tmp_path / "a.onnx").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_shows_itself_without_script_and_escaped() -> None:
    model = Model(FILE)
    page = model._repr_html_()
    assert "rings &lt;of&gt; shells" in page
    assert "<of>" not in page
    assert "<script" not in page
    assert "0.41 (0.39 to 0.43)" in repr(model)
    assert len(page) < 4_000


def test_score_and_report_only_delegate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(afield, "score", lambda *given, **more: (given, more), raising=False)
    monkeypatch.setattr(afield, "report", lambda *given, **more: (given, more), raising=False)
    model = Model(FILE)
    assert model.score([1]) == ((model, [1]), {})
    assert model.report("x.html", force=True) == ((model, "x.html"), {"force": True})


def test_stays_small() -> None:
    public = {n for n in vars(Model) if not n.startswith("_")}
    assert len(public) <= 10, "new verbs belong in afield.api"
