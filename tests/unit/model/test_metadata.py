from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from afield.core.errors import ModelFileError
from afield.core.findings import Finding
from afield.model.card import Card, Score
from afield.model.container import Operator, operators, read_properties, refers_outside, write_properties
from afield.model.metadata import Provenance, SelfTest, from_metadata, to_metadata
from afield.model.wire import WireFormatError, encode_field, fields_of
from small_models import card_of, graph_of, schema_of, small_model

FINDING = Finding(code="data.id", severity="warning", what="An id.", column="nr", rows=(1, 5))


def test_everything_comes_back() -> None:
    schema = schema_of("integer")
    schema = replace(schema, columns=(schema.columns[0], schema.columns[2]))
    card = card_of(schema, findings=(FINDING,), notes=("a", "b"))
    selftest = SelfTest(
        inputs={"length (mm)": (1.5, math.inf, -math.inf, math.nan), "sex": ("M", "inf", "", "nan")},
        labels=("3", "3", "-1", "12"), probabilities=((0.1, 0.2, 0.7),) * 4, tolerance=1e-5, real=True,
    )  # fmt: skip
    provenance = Provenance(afield="0.1.0", minutes=0.5, libraries={"b": "1", "a": "2"})
    texts = to_metadata(schema, card, selftest, provenance)
    assert all("NaN" not in t and "Infinity" not in t for t in texts.values())
    found = from_metadata(texts)
    assert found.schema == schema
    assert found.card == card
    assert found.provenance == provenance
    np.testing.assert_array_equal(found.selftest.inputs["length (mm)"], selftest.inputs["length (mm)"])
    assert found.selftest.inputs["sex"] == ("M", "inf", "", "nan")
    assert replace(found.selftest, inputs={}) == replace(selftest, inputs={})


def test_floats_are_exact() -> None:
    values = (*np.random.default_rng(0).normal(size=200), 5e-324, 1.7976931348623157e308, 0.1 + 0.2, -0.0)
    selftest = SelfTest(inputs={"x": values}, prediction=values)
    found = SelfTest.from_json(json.loads(json.dumps(selftest.to_json())), ["x"])
    assert [v.hex() for v in found.inputs["x"]] == [float(v).hex() for v in values]  # type: ignore[union-attr]
    assert [v.hex() for v in found.prediction] == [float(v).hex() for v in values]


def test_keys_of_later_minor_versions_are_passed_over() -> None:
    texts = to_metadata(schema_of(), card_of(schema_of()), SelfTest(inputs={}), Provenance(afield="9"))
    card = json.loads(texts["afield.card"])
    card["mood"] = "sunny"
    card["score"]["mood"] = 3
    card["members"][0]["mood"] = None
    assert from_metadata(texts | {"afield.card": json.dumps(card)}).card == card_of(schema_of())


def test_a_bare_card() -> None:
    card = Card(title="t", task="regression", target="y", score=Score(metric="r2", value=None))
    assert Card.from_json(json.loads(json.dumps(card.to_json()))) == card


@pytest.mark.parametrize("seed", ["0", "4321"])
def test_bytes_do_not_depend_on_the_hash_seed(seed: str) -> None:
    code = "import sys; sys.path.insert(0, 'tests'); from small_models import *; sys.stdout.buffer.write(small_model())"
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, cwd=root, env={"PYTHONHASHSEED": seed}
    )
    assert done.stdout == small_model()


def test_properties_are_what_onnx_reads_and_the_graph_stays() -> None:
    graph = graph_of(schema_of())
    properties = {"b": "ü" * 300, "a": "", "afield.x": "{}"}
    content = write_properties(write_properties(graph, {"old": "gone"}), properties)
    proto = onnx.load_from_string(content)
    assert {p.key: p.value for p in proto.metadata_props} == properties == read_properties(content)
    assert proto.graph == onnx.load_from_string(graph).graph
    assert content == write_properties(graph, dict(reversed(properties.items())))
    assert read_properties(graph) == {}


def test_operators_are_those_that_onnx_sees() -> None:
    graph = graph_of(schema_of())
    seen = {Operator(n.domain, n.op_type) for n in onnx.load_from_string(graph).graph.node}
    assert operators(graph) == seen
    body = onnx.helper.make_graph([onnx.helper.make_node("Secret", [], ["y"], domain="evil")], "body", [], [])
    outer = onnx.helper.make_node("If", ["c"], ["y"], then_branch=body, else_branch=body)
    function = onnx.helper.make_function("f", "F", [], ["o"], [onnx.helper.make_node("Inner", [], ["o"])], [])
    model = onnx.helper.make_model(onnx.helper.make_graph([outer], "g", [], []), functions=[function])
    assert operators(model.SerializeToString()) == {
        Operator("evil", "Secret"),
        Operator("", "If"),
        Operator("", "Inner"),
    }


def _external() -> onnx.TensorProto:
    tensor = onnx.TensorProto(name="t", data_type=1, dims=[1], data_location=onnx.TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="/etc/passwd")
    return tensor


def _with(**graph: object) -> bytes:
    return onnx.ModelProto(graph=onnx.GraphProto(**graph)).SerializeToString()  # type: ignore[arg-type]


def test_data_in_other_files_is_seen_wherever_it_hides() -> None:
    plain = onnx.numpy_helper.from_array(np.zeros(3), "location")
    assert not refers_outside(_with(initializer=[plain], input=[onnx.ValueInfoProto(name="location")]))
    constant = onnx.helper.make_node("Constant", [], ["y"], value=_external())
    body = onnx.helper.make_graph([constant], "body", [], [])
    sparse = onnx.SparseTensorProto(values=_external())
    function = onnx.helper.make_function("f", "F", [], ["y"], [constant], [])
    for hidden in (
        _with(initializer=[plain, _external()]),
        _with(sparse_initializer=[sparse]),
        _with(node=[constant]),
        _with(node=[onnx.helper.make_node("If", ["c"], ["y"], then_branch=body)]),
        _with(node=[onnx.helper.make_node("X", [], ["y"], many=[_external()])]),
        onnx.ModelProto(graph=onnx.GraphProto(name="g"), functions=[function]).SerializeToString(),
    ):
        assert refers_outside(hidden)


def test_endless_nesting_is_refused() -> None:
    graph = onnx.GraphProto(initializer=[_external()]).SerializeToString()
    for _ in range(2_000):  # graph inside attribute inside node inside graph
        graph = encode_field(1, encode_field(5, encode_field(6, graph)))
    with pytest.raises(ModelFileError, match="nested"):
        refers_outside(encode_field(7, graph))


@pytest.mark.parametrize(
    "changes",
    [
        {"inputs": {"length (mm)": [1.0]}},
        {"labels": []},
        {"probabilities": [[0.5, 0.5]] * 24},
        {"prediction": [1.0], "labels": []},
    ],
)
def test_a_selftest_that_does_not_fit_its_schema_is_damaged(changes: dict[str, object]) -> None:
    properties = read_properties(small_model())
    stored = json.loads(properties["afield.selftest"]) | changes
    with pytest.raises(ModelFileError, match="self-test"):
        from_metadata(properties | {"afield.selftest": json.dumps(stored)})


@pytest.mark.parametrize("content", [b"\x0a", b"\x0a\x05abc", b"\x0b\x00", b"\xff" * 12, b"\x0d\x00\x00", b"\x08\x80"])
def test_broken_wire_format(content: bytes) -> None:
    with pytest.raises(WireFormatError):
        list(fields_of(memoryview(content)))


def test_small_model_is_a_checked_onnx_model() -> None:
    onnx.checker.check_model(onnx.load_from_string(small_model()), full_check=True)
