"""Source for apps of one's own: names, comments, and a model with inputs that Swift can give."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
import tree_sitter
import tree_sitter_swift
from onnx import TensorProto, helper

from afield.api.proving import make_probe
from afield.model.model import Model
from afield.model.session import open_session
from afield.platforms.phone.developers import gradle, swift
from afield.platforms.phone.developers.doors import BEYOND, out_of_doors, through_doors, with_doors
from afield.platforms.phone.developers.words import comment_of, one_line, property_names
from afield.platforms.protocol import Bundle
from afield.problem.schema import ColumnSpec
from media_models import image_model, sound_model
from small_models import small_model

MODELS = {"classes": small_model(), "image": image_model(), "sound": sound_model()}


def columns(*names: str) -> tuple[ColumnSpec, ...]:
    return tuple(ColumnSpec(name=name, kind="number") for name in names)


def test_properties_have_names_that_both_languages_take_and_that_differ() -> None:
    names = property_names(columns("length (mm)", "class", "3rd", "Größe", "a b", "a-b", "A_B", "", "%"))
    assert list(names.values()) == [
        "lengthMm",
        "class_",
        "column3",
        "größe",
        "aB",
        "aB_6",
        "aB_7",
        "column8",
        "column9",
    ]


def test_a_comment_ends_where_it_should() -> None:
    spec = ColumnSpec(name="x */ evil /*\n", kind="category", levels=("a", "b"), unit="{{type}}")
    text = comment_of(spec, "null")
    assert not re.search(r"\*/|/\*|\n|\{\{", text)
    assert "one of a, b" in text
    assert one_line("a\u2028b") == "a b"


@pytest.mark.parametrize("name", MODELS)
def test_generated_files_have_no_mark_left_and_their_brackets_close(name: str) -> None:
    model = Model(MODELS[name])
    for files in (gradle.gradle_files(model), swift.swift_files(model)):
        for path, content in files.items():
            if path.endswith((".kt", ".kts", ".swift", ".xml", ".md")):
                text = content.decode()
                assert "{{" not in text, path
                for opened, closed in ("()", "[]", "{}"):
                    assert text.count(opened) == text.count(closed), (path, opened)


def faults(node: tree_sitter.Node) -> list[str]:
    own = [f"line {node.start_point[0] + 1}: {node.text[:40]!r}"] if node.type == "ERROR" or node.is_missing else []
    return own + [fault for child in node.children for fault in faults(child)]


@pytest.mark.parametrize("content", [*MODELS.values(), small_model(regression=True)], ids=[*MODELS, "regression"])
def test_the_swift_parses(content: bytes) -> None:
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_swift.language()))
    files = swift.swift_files(Model(content))
    sources = {path: files[path] for path in files if path.endswith(".swift")}
    assert len(sources) == 3
    assert not [f"{path}: {fault}" for path, text in sources.items() for fault in faults(parser.parse(text).root_node)]
    assert faults(parser.parse(next(iter(sources.values())).replace(b")", b"", 1)).root_node)


def test_versions_of_the_runtime_are_pinned() -> None:
    model = Model(small_model())
    build = gradle.gradle_files(model)["model/build.gradle.kts"].decode()
    assert f'"com.microsoft.onnxruntime:onnxruntime-android:{gradle.ONNXRUNTIME}"' in build
    assert f'exact: "{swift.ONNXRUNTIME}"' in swift.swift_files(model)["Package.swift"].decode()


def test_texts_become_literals_of_the_language() -> None:
    odd = 'a"b\\c$d\n\u2028ü\f'
    assert gradle.quoted(odd) == r'"a\"b\\c\$d\n\u2028\u00fc\u000c"'
    assert swift.quoted(odd + "\\(x)") == '"a\\"b\\\\c$d\\u{a}\\u{2028}ü\\u{c}\\\\(x)"'


def test_rows_of_many_columns_fit_into_what_android_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradle, "WIDE", 3)
    files = {
        p.rsplit("/", 1)[-1]: c.decode() for p, c in gradle.gradle_files(Model(small_model())).items() if p[-2:] == "kt"
    }
    assert "class Row {" in files["Model.kt"]
    assert "    var lengthMm: Double? = null\n" in files["Model.kt"]
    assert "Row().apply {" in files["MainActivity.kt"]


# The model that Swift opens -------------------------------------------------------------------------------------------


def all_kinds_of_numbers() -> np.ndarray:
    drawn = np.frombuffer(np.random.default_rng(0).bytes(8 * 20_000), dtype=np.float64)
    powers = np.ldexp(1.0, np.arange(-1074, 1024))
    near = [powers, -powers, np.nextafter(powers, 0), np.nextafter(powers, np.inf)]
    return np.concatenate([drawn, *near, [0.0, np.inf, -np.inf, np.nan, np.finfo(float).max]])


def test_every_float64_goes_through_the_doors_unchanged() -> None:
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["prediction"])],
        "g",
        [info("x", TensorProto.DOUBLE, ["N"])],
        [info("prediction", TensorProto.DOUBLE, ["N"])],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    session = open_session(with_doors(proto.SerializeToString()))
    values = all_kinds_of_numbers()
    names = [o.name for o in session.get_outputs()]
    found = dict(zip(names, session.run(names, through_doors({"x": values})), strict=True))
    assert np.array_equal(out_of_doors(found, ["prediction"])["prediction"], values, equal_nan=True)
    numbers = found["prediction_exponent"] != BEYOND
    assert np.abs(found["prediction_mantissa"][numbers]).max() < 2**55


@pytest.mark.parametrize("content", [*MODELS.values(), small_model(regression=True)], ids=[*MODELS, "regression"])
def test_the_model_of_the_package_answers_as_the_model_does(content: bytes, tmp_path: Path) -> None:
    model, piece = Model(content), swift.Swift()
    files = {f"ios/{name}": made for name, made in swift.swift_files(model).items()}
    for name, made in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(made)
    bundle = Bundle(platform="phone", path=tmp_path, files=tuple(files), size_bytes=0)
    source, proof = piece.prove(bundle, model, make_probe(content))
    assert not source.ran
    assert "not compiled here" in source.needs
    assert proof.passed
    assert proof.largest < 1e-12
    [inside] = [tmp_path / name for name in files if name.endswith(".onnx")]
    inside.write_bytes(with_doors(wrong(content)))
    assert not piece.prove(bundle, model, make_probe(content))[1].passed


def wrong(content: bytes) -> bytes:
    """Return the model with its probabilities, or its value, changed a little."""
    proto = onnx.load_from_string(content)
    name = next(o.name for o in proto.graph.output if o.name != "label")
    for node in proto.graph.node:
        node.output[:] = [f"{o}_right" if o == name else o for o in node.output]
        node.input[:] = [f"{i}_right" if i == name else i for i in node.input]
    kind = np.float64 if name == "prediction" else np.float32
    proto.graph.initializer.append(onnx.numpy_helper.from_array(np.array(1.01, kind), "off"))
    proto.graph.node.append(helper.make_node("Mul", [f"{name}_right", "off"], [name]))
    return proto.SerializeToString()


def test_pieces_that_were_not_asked_for_prove_nothing() -> None:
    model = Model(small_model())
    bundle = Bundle(platform="phone", path=Path(), files=("model.onnx",), size_bytes=0)
    probe = make_probe(model.bytes)
    assert not swift.Swift().prove(bundle, model, probe)
    assert not gradle.Gradle().prove(bundle, model, probe)
    assert dataclasses.asdict(bundle)["files"] == ("model.onnx",)
