"""Float networks in int8: what is quantised, what stays in floats, and that the C does what the file says."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from afield.core.errors import UnsupportedError
from afield.model.session import open_session
from afield.platforms.microcontroller.compiler import Options, compile_network
from afield.platforms.microcontroller.integer import oracle
from afield.platforms.microcontroller.platform import platform
from afield.platforms.microcontroller.prove import board
from afield.platforms.microcontroller.prove.chips import BOARDS
from afield.platforms.microcontroller.prove.observing import observed
from afield.platforms.microcontroller.prove.stepwise import stepwise
from afield.platforms.microcontroller.quantising.choosing import Choice
from afield.platforms.microcontroller.quantising.quantiser import in_int8
from afield.platforms.microcontroller.reading.read import read
from afield.platforms.microcontroller.tabular.compile import compile_table
from float_networks import NETWORKS, convolutional, pictures, table

#: what is still in floats, by the network
LEFT = {"spectral": {"Conv", "Mul", "Log", "LogSoftmax"}, "stacked": {"LayerNormalization"}, "recurrent": {"LSTM"}}


def ran(content: bytes, x: Any) -> Any:
    session = open_session(content, plain=True)
    return np.concatenate([session.run(None, {"x": x[i : i + 1]})[0] for i in range(len(x))])


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name: str, tmp_path: Path) -> None:
    content, shape = NETWORKS[name]()
    x = np.random.default_rng(0).normal(size=(24, *shape)).astype(np.float32)
    made = in_int8(content, {"x": x[:16]}, table=False)
    assert made is not None
    off = np.abs(ran(made, x[16:]) - ran(content, x[16:])).mean()
    assert off < 0.06 * ran(content, x).std()
    compiled = compile_table(made, Options(name=name))
    ends = {"QuantizeLinear", "DequantizeLinear", "View", "Copy", "Transpose", "MaxPool", "Concat"}
    real = {node.op for node in compiled.graph.nodes if not node.op.startswith("Integer")} - ends
    assert real == LEFT.get(name, set())
    held = stepwise(made, read(made).graph, {"x": x})
    assert held.passed, held.text()
    looked = observed(compiled, {"x": x[:6]}, tmp_path)
    assert looked.operators > 2
    assert not looked.wrong, looked.text()


def test_a_network_of_a_table(tmp_path: Path) -> None:
    content = table()
    rows = {"length": np.linspace(-2, 2, 40), "weight": np.linspace(2, -2, 40) ** 3 / 4,
            "sex": np.array(["F", "M", "", "?"] * 10, dtype=object)}  # fmt: skip
    made = in_int8(content, rows, table=True)
    assert made is not None
    nodes = onnx.load_from_string(made).graph.node
    count = Counter(node.op_type for node in nodes)
    assert (count["Gemm"], count["MatMul"]) == (2, 1), "the linear model beside the network stays"
    assert count["QuantizeLinear"] == 3
    got, want = (open_session(c, plain=True).run(["probabilities"], rows)[0] for c in (made, content))
    assert 0 < np.abs(got - want).max() < 0.03
    prepared = platform.prepare(content, rows)
    assert prepared is not None
    assert prepared.remarks[0] == "in integers: 2 Dense"
    assert "Softmax" in prepared.remarks[1]


def test_what_is_no_network_is_told() -> None:
    rows = {"length": np.zeros(2), "weight": np.zeros(2), "sex": np.array(["F", "M"], dtype=object)}
    with pytest.raises(UnsupportedError, match="has no network"):
        in_int8(table(layers=1), rows, table=True)


def test_a_quantised_model_stays_as_it_is() -> None:
    made = in_int8(convolutional(), {"x": pictures(4)}, table=False)
    assert made is not None
    assert in_int8(made, {"x": pictures(4)}, table=False) is None


def test_weights_are_symmetric_by_channel_and_activations_are_not() -> None:
    made = onnx.load_from_string(in_int8(convolutional(), {"x": pictures(8)}, table=False) or b"")
    values = {t.name: onnx.numpy_helper.to_array(t) for t in made.graph.initializer}
    by_weight = [n for n in made.graph.node if n.op_type == "DequantizeLinear" and values.get(n.input[0]) is not None
                 and values[n.input[0]].dtype == np.int8]  # fmt: skip
    assert [values[n.input[1]].size for n in by_weight] == [6, 6, 4]
    assert not any(values[n.input[2]].any() for n in by_weight)
    assert any(values[n.input[2]] for n in made.graph.node if n.op_type == "QuantizeLinear")
    assert not any(n.op_type == "Relu" for n in made.graph.node)


def test_a_chain_of_elementwise_operators_gets_no_scales_inside() -> None:
    content, _ = NETWORKS["stacked"]()
    choice = Choice(onnx.load_from_string(content))
    for place, node in enumerate(choice.nodes):
        node.name = node.output[0]
        assert choice.nodes[place] is node
    assert {"dv", "er", "e1", "g", "ge"}.isdisjoint(choice.chosen())
    assert {"m", "k", "m2", "y"} <= set(choice.chosen())


def test_a_few_values_far_out_do_not_widen_the_ranges() -> None:
    """One wild row of 300: with it in the ranges all others share a few steps."""
    x = pictures(300)
    x[3, 0, 0, 0] = 3000.0
    made = in_int8(convolutional(), {"x": x}, table=False)
    assert made is not None
    plain = np.delete(x, 3, axis=0)
    off = np.abs(ran(made, plain) - ran(convolutional(), plain)).mean()
    assert off < 0.05 * ran(convolutional(), plain).std()


@pytest.mark.parametrize("name", ["cortex-m3", "cortex-m4f", "rv32"])
def test_boards_equal_the_reference(name: str, tmp_path: Path) -> None:
    if BOARDS[name].lacking:
        pytest.skip(f"needs {BOARDS[name].lacking}")
    content, shape = NETWORKS["gated"]()
    x = np.random.default_rng(0).normal(size=(18, *shape)).astype(np.float32)
    compiled = compile_network(in_int8(content, {"x": x[:16]}, table=False) or b"", Options(name="gated"))
    assert {"IntegerMul", "IntegerGroupedConv", "IntegerAveragePool", "IntegerTable"} <= {
        node.op for node in compiled.graph.nodes
    }
    measured = board.measure(compiled.network, [[row[None]] for row in x[16:]], name, tmp_path)
    for row, (answer,) in zip(x[16:], measured.outputs, strict=True):
        np.testing.assert_array_equal(answer, oracle.run(compiled.graph, {"x": row[None]})[0])
