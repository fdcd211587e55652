"""The way through the compiler on small networks: refusals all at once, valid graphs between passes, equal bytes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

import afield.platforms.microcontroller as package
from afield.core.errors import ModelFileError, UnsupportedError
from afield.platforms.microcontroller.compiler import Options, compile_network, problems
from afield.platforms.microcontroller.emission.files import source
from afield.platforms.microcontroller.operators import registry
from afield.platforms.microcontroller.passes.pipeline import rewritten
from afield.platforms.microcontroller.plan import overlaps
from afield.platforms.microcontroller.prove.host import SANITISED, STRICT_C, STRICT_CPP, build
from afield.platforms.microcontroller.reading.read import read
from afield.platforms.microcontroller.validity import faults

HERE = Path(package.__file__).parent


def model(
    nodes: list[onnx.NodeProto], shape: list[int | str], constants: dict[str, np.ndarray], out: str = "y"
) -> bytes:
    graph = helper.make_graph(
        nodes, "small", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(out, TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(v, n) for n, v in constants.items()],
    )  # fmt: skip
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return proto.SerializeToString()


def residual() -> bytes:
    """Two convolutions with batch normalisation, a sum past them, pooling, a dense layer after a flattened image."""
    rng = np.random.default_rng(0)

    def weights(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32) / 4

    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["a", "s", "b", "m", "v"], ["b1"]),
        helper.make_node("Relu", ["b1"], ["c"]),
        helper.make_node("Pad", ["c", "pads"], ["padded"]),
        helper.make_node("Conv", ["padded", "w2"], ["d"]),
        helper.make_node("Add", ["d", "c"], ["e"]),
        helper.make_node("Relu", ["e"], ["f"]),
        helper.make_node("MaxPool", ["f"], ["g"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["g"], ["h"]),
        helper.make_node("MatMul", ["h", "w3"], ["i"]),
        helper.make_node("Add", ["i", "b3"], ["j"]),
        helper.make_node("Softmax", ["j"], ["y"]),
    ]
    constants = {"w1": weights(6, 3, 3, 3), "w2": weights(6, 6, 3, 3), "w3": weights(54, 5), "b3": weights(5),
                 "s": weights(6) + 1, "b": weights(6), "m": weights(6), "v": np.abs(weights(6)) + 0.5,
                 "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1])}  # fmt: skip
    return model(nodes, ["N", 3, 6, 6], constants)


def test_a_residual_network_gives_the_runtimes_answers(tmp_path: Path) -> None:
    data = residual()
    compiled = compile_network(data, Options(name="two words"))
    kinds = [n.op for n in compiled.graph.nodes]
    assert kinds == ["Transpose", "Conv", "Conv", "Add", "MaxPool", "View", "Gemm", "Softmax"]
    assert overlaps(compiled.plan) == []
    x = np.random.default_rng(1).normal(size=(1, 3, 6, 6)).astype(np.float32)
    want = ort.InferenceSession(data).run(None, {"x": x})[0]
    for kind, flags in (("c", STRICT_C), ("cpp", STRICT_CPP)):
        program = build([compiled.network], tmp_path / kind, (*flags, *SANITISED))
        np.testing.assert_allclose(program.run(0, [[x], [x]])[1][0], want, atol=1e-6)


def test_every_graph_between_passes_is_valid() -> None:
    seen: dict[str, list[str]] = {}
    rewritten(read(residual()).graph, lambda name, graph: seen.update({name: faults(graph)}))
    assert len(seen) > 8
    assert {name: f for name, f in seen.items() if f} == {}


def test_the_validity_check_sees_faults() -> None:
    graph = read(residual()).graph
    assert faults(graph) == []
    assert faults(graph.edited(graph.nodes[1:], outputs=graph.outputs))
    assert faults(graph.edited([*graph.nodes, graph.nodes[-1]]))


@pytest.mark.error_code("graph.operator")
def test_everything_unsupported_is_told_at_once() -> None:
    nodes = [
        helper.make_node("NonZero", ["x"], ["a"]),
        helper.make_node("Einsum", ["x", "x"], ["b"], equation="ij,ij->ij"),
        helper.make_node("DoesNotExist", ["x"], ["c"]),
        helper.make_node("Relu", ["c"], ["d"]),
        helper.make_node("Relu", ["x"], ["y"]),
    ]
    data = model(nodes, [2, 2], {})
    found = problems(data)
    assert len(found) == 2, found
    assert [f.partition(" ")[0] for f in found] == ["NonZero", "DoesNotExist"]
    with pytest.raises(UnsupportedError, match="2 reasons"):
        compile_network(data)


@pytest.mark.error_code("model.damaged")
def test_damaged_files_are_refused() -> None:
    data = residual()
    for wrong in (b"", b"\x00" * 64, data[: len(data) // 2], np.random.default_rng(0).bytes(4096)):
        with pytest.raises(ModelFileError) as caught:
            compile_network(wrong)
        assert caught.value.code == "model.damaged"


def test_the_text_does_not_depend_on_hashes() -> None:
    program = "import sys; from pathlib import Path\n"
    program += "from afield.platforms.microcontroller.compiler import compile_network\n"
    program += "from afield.platforms.microcontroller.emission.files import source\n"
    program += "print(source(compile_network(sys.stdin.buffer.read()).network))"
    texts = [
        subprocess.run(
            [sys.executable, "-c", program], input=residual(), capture_output=True, check=True,
            env=os.environ | {"PYTHONHASHSEED": str(seed)},
        ).stdout.decode()
        for seed in (1, 2)
    ]  # fmt: skip
    assert texts[0] == texts[1]
    assert texts[0].strip() == source(compile_network(residual()).network).strip()


def test_emitters_are_short_and_registered() -> None:
    long = {p.name: n for p in (HERE / "ops").glob("*.py") if (n := len(p.read_text().splitlines())) > 200}
    assert long == {}
    homes = {type(o).__module__ for o in registry().values()}
    assert {h.rpartition(".")[2] for h in homes} == {p.stem for p in (HERE / "ops").glob("*.py")} - {"__init__"}


@pytest.mark.parametrize("path", sorted((HERE / "c").rglob("*.c")), ids=lambda p: p.name)
def test_snippets_compile_by_themselves(path: Path) -> None:
    subprocess.run(["gcc", *STRICT_C, "-Wno-unused-parameter", "-fsyntax-only", str(path)], check=True)
