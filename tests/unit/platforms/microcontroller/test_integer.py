"""Integer networks: the C is the numpy reference bit for bit, and the reference is onnxruntime within one step."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import helper, numpy_helper

from afield.platforms.microcontroller.compiler import Compiled, Options, compile_network
from afield.platforms.microcontroller.integer import fixed, oracle
from afield.platforms.microcontroller.plan import overlaps
from afield.platforms.microcontroller.prove import board, host

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from integer_networks import generated

SHARED = Path(__file__).resolve().parents[5] / "shared" / "data" / "models"
CASES = 60
COMPILED = 20  # of them, on the host: a sanitised compilation of each takes a while


def runtime(data: bytes, x: Any) -> Any:
    """Return onnxruntime's answer computed operator by operator in float, as the file says."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(data, options)
    return session.run(None, {session.get_inputs()[0].name: x})[0]


@pytest.fixture(scope="module")
def cases() -> list[tuple[Compiled, bytes, Any]]:
    found = []
    for seed in range(CASES):
        data, x = generated(seed)
        found.append((compile_network(data, Options(name=f"n{seed}")), data, x))
    return found


def test_everything_becomes_integer(cases: list[tuple[Compiled, bytes, Any]]) -> None:
    seen = {node.op for compiled, _, _ in cases for node in compiled.graph.nodes}
    assert not {"QuantizeLinear", "DequantizeLinear", "Conv", "Gemm", "Add", "Softmax"} & seen
    assert {"IntegerConv", "IntegerDense", "IntegerAdd", "IntegerMean", "IntegerSoftmax", "IntegerTable"} <= seen
    assert not [fault for compiled, _, _ in cases for fault in overlaps(compiled.plan)]


def test_the_reference_is_within_a_step_of_onnxruntime(cases: list[tuple[Compiled, bytes, Any]]) -> None:
    off = []
    for compiled, data, x in cases:
        (got,) = oracle.run(compiled.graph, {"x": x})
        off.append(np.abs(got.astype(int) - runtime(data, x)).reshape(-1))
    assert max(int(o.max()) for o in off) <= 1
    assert np.concatenate(off).mean() < 0.002


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
def test_the_host_equals_the_reference(cases: list[tuple[Compiled, bytes, Any]], tmp_path: Path) -> None:
    cases = cases[:COMPILED]
    program = host.build([c.network for c, _, _ in cases], tmp_path, (*host.STRICT_C, *host.SANITISED), together=True)
    for index, (compiled, _, x) in enumerate(cases):
        (want,) = oracle.run(compiled.graph, {"x": x})
        np.testing.assert_array_equal(program.run(index, [[x]])[0][0], want, err_msg=f"case {index}")


@pytest.mark.parametrize("name", ["cortex-m4f", "cortex-m3", "cortex-m55", "rv32"])
def test_boards_equal_the_reference(name: str, cases: list[tuple[Compiled, bytes, Any]], tmp_path: Path) -> None:
    for index in (0, 1, 2, 5, 8, 13):
        compiled, _, x = cases[index]
        measured = board.measure(compiled.network, [[x]], name, tmp_path / str(index))
        np.testing.assert_array_equal(measured.outputs[0][0], oracle.run(compiled.graph, {"x": x})[0])


#: flash bytes, RAM bytes, instructions on Cortex-M4F
LIMITS = {
    "ad": (274_000, 264, 500_000),
    "kws": (32_000, 16_000, 5_500_000),
    "ic": (91_000, 49_000, 20_000_000),
    "vww": (245_000, 40_000, 14_000_000),
}


@pytest.mark.shared_data
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the shared models")
@pytest.mark.parametrize("on", ["cortex-m4f", "cortex-m3", "cortex-m55", "rv32"])
@pytest.mark.parametrize("name", sorted(LIMITS))
def test_the_tiny_networks_on_a_board(name: str, on: str, tmp_path: Path) -> None:
    data = (SHARED / f"mlperf_{name}_int8.onnx").read_bytes()
    compiled = compile_network(data, Options(name=name))
    port = compiled.network.inputs[0]
    x = np.random.default_rng(1).integers(-128, 128, port.tensor.shape).astype(np.int8)
    (want,) = oracle.run(compiled.graph, {port.name: x})
    assert np.abs(want.astype(int) - runtime(data, x)).max() <= 1
    measured = board.measure(compiled.network, [[x]], on, tmp_path)
    np.testing.assert_array_equal(measured.outputs[0][0], want)
    if on != "cortex-m4f":
        return
    flash, ram, instructions = LIMITS[name]
    assert measured.flash_bytes <= flash
    assert measured.ram_bytes <= ram
    assert measured.instructions <= instructions


def _biased(compiled: Compiled) -> Compiled:
    """Return the network with every bias one off, as a slip in folding would leave it."""
    tensors = {
        name: replace(t, value=t.value + 100) if name.endswith("_bias") and t.value is not None else t
        for name, t in compiled.graph.tensors.items()
    }
    return replace(compiled, graph=replace(compiled.graph, tensors=tensors))


def _changed(**attributes: Callable[[int], int]) -> Callable[[Compiled], Compiled]:
    def change(compiled: Compiled) -> Compiled:
        nodes = [
            node.changed(**{k: f(int(node.attributes[k])) for k, f in attributes.items() if k in node.attributes})  # type: ignore[arg-type]
            for node in compiled.graph.nodes
        ]
        return replace(compiled, graph=replace(compiled.graph, nodes=tuple(nodes)))

    return change


@pytest.mark.parametrize(
    "fault",
    [
        _biased,
        _changed(x_zero=lambda v: v + 2),
        _changed(y_zero=lambda v: v + 1),
        _changed(shift=lambda v: v + 1),
        _changed(offset=lambda v: v + (1 << 20)),
        _changed(factor=lambda v: v + v // 8),
    ],
)
def test_a_seeded_fault_shows(fault: Callable[[Compiled], Compiled], cases: list[tuple[Compiled, bytes, Any]]) -> None:
    caught = 0
    for compiled, data, x in cases:
        got = oracle.run(fault(compiled).graph, {"x": x})[0].astype(int)
        caught += int(np.abs(got - runtime(data, x)).max() > 1)
    assert caught


def test_multipliers() -> None:
    found = fixed.scaling(np.array([0.25, 0.001, 3.0]))
    assert found is not None
    assert found.shift == 3
    sums = np.arange(-1000, 1000)
    for ratio, multiplier in zip([0.25, 0.001, 3.0], found.multiplier, strict=True):
        got = fixed.requantised(sums, np.asarray(multiplier), found.shift, 0, -(10**6), 10**6)
        assert np.abs(got - sums * ratio).max() <= 0.5001
    assert fixed.scaling(np.array([1e9])) is None


def test_a_zero_point_may_be_left_out() -> None:
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s"], ["q"], output_dtype=onnx.TensorProto.INT8),
        helper.make_node("DequantizeLinear", ["q", "s"], ["d"]),
        helper.make_node("Tanh", ["d"], ["t"]),
        helper.make_node("QuantizeLinear", ["t", "s"], ["y"], output_dtype=onnx.TensorProto.INT8),
    ]
    graph = helper.make_graph(
        nodes,
        "generated",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [4])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.INT8, [4])],
        [numpy_helper.from_array(np.array(0.02, np.float32), "s")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    compiled = compile_network(model.SerializeToString())
    assert [node.op for node in compiled.graph.nodes] == ["QuantizeLinear", "IntegerTable"]
    table = np.asarray(compiled.graph.nodes[1].attributes["table"])
    assert table.dtype == np.int8
    np.testing.assert_array_equal(table, np.rint(np.tanh(np.arange(-128, 128) * 0.02) / 0.02))
