"""A network on emulated Cortex-M boards: its answers, and that its figures are differences to an empty program."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from afield.core.errors import MissingDependencyError
from afield.platforms.microcontroller.compiler import Options, compile_network
from afield.platforms.microcontroller.prove import board
from afield.platforms.microcontroller.prove.chips import BOARDS
from afield.platforms.microcontroller.prove.host import build

pytestmark = pytest.mark.e2e


def dense() -> bytes:
    rng = np.random.default_rng(0)
    nodes = [
        helper.make_node("Gemm", ["x", "w", "b"], ["h"], transB=1),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("Gemm", ["r", "v"], ["y"]),
    ]
    constants = {"w": rng.normal(size=(16, 8)), "b": rng.normal(size=16), "v": rng.normal(size=(16, 3))}
    graph = helper.make_graph(
        nodes, "dense", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])],
        [onnx.numpy_helper.from_array(a.astype(np.float32), n) for n, a in constants.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return model.SerializeToString()


@pytest.mark.parametrize("name", list(BOARDS))
def test_answers_and_figures(name: str, tmp_path: Path) -> None:
    data = dense()
    network = compile_network(data, Options(name="dense")).network
    rows = [[r.astype(np.float32)] for r in np.random.default_rng(1).normal(size=(3, 1, 8))]
    found = board.measure(network, rows, name, tmp_path)
    session = ort.InferenceSession(data)
    on_host = build([network], tmp_path / "host").run(0, rows)
    for row, answers, same in zip(rows, found.outputs, on_host, strict=True):
        np.testing.assert_allclose(answers[0], session.run(None, {"x": row[0]})[0], atol=1e-5)
        np.testing.assert_array_equal(answers[0], same[0])  # to the last bit, without contraction
    assert found.ram_bytes == network.arena_bytes == 64
    most = 400 if name in ("cortex-m0plus", "cortex-m3", "rv32", "atmega328p") else 40  # floats in software cost more
    assert network.macs < found.instructions < most * network.macs
    assert network.constant_bytes < found.flash_bytes < network.constant_bytes + 8000
    assert 0 <= found.stack_bytes < 200


@pytest.mark.error_code("dependency.missing")
def test_without_toolchain_it_says_what_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    network = compile_network(dense()).network
    for name, packages in (
        ("cortex-m4f", "gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm"),
        ("rv32", "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf qemu-system-misc"),
    ):
        with pytest.raises(MissingDependencyError, match=f"apt install {packages}"):
            board.measure(network, [], name, tmp_path)
