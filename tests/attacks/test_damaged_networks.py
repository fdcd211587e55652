"""Whatever bytes come in, the compiler answers with its own errors: nothing crashes, hangs or takes all memory."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from afield.core.errors import ModelFileError, UnsupportedError
from afield.platforms.microcontroller.compiler import compile_network

ROUNDS = 400
OTHERS = """Gather Pad Resize Reshape MatMul Gemm Split Clip LSTM Where Cast BatchNormalization ArgMax STFT
    ConvTranspose AveragePool Transpose Expand LayerNormalization GRU DFT""".split()


def seed_model() -> bytes:
    rng = np.random.default_rng(0)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1], strides=[2, 2], group=2),
        helper.make_node("Shape", ["a"], ["s"]),
        helper.make_node("Slice", ["a", "one", "two", "one"], ["b"]),
        helper.make_node("MaxPool", ["b"], ["c"], kernel_shape=[2, 2]),
        helper.make_node("Concat", ["c", "c"], ["d"], axis=1),
        helper.make_node("Flatten", ["d"], ["e"]),
        helper.make_node("ReduceMean", ["e", "one"], ["f"]),
        helper.make_node("Sub", ["e", "f"], ["g"]),
        helper.make_node("Softmax", ["g"], ["y"]),
    ]
    constants = {"w": rng.normal(size=(4, 1, 3, 3)).astype(np.float32), "one": np.array([1]), "two": np.array([3])}
    graph = helper.make_graph(
        nodes, "seed", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 2, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(v, n) for n, v in constants.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return model.SerializeToString()


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Return the file with some bytes changed, taken out, or doubled."""
    new = bytearray(data)
    for _ in range(int(rng.integers(1, 6))):
        at = int(rng.integers(0, len(new)))
        kind = int(rng.integers(0, 4))
        if kind == 0:
            new[at] = int(rng.integers(0, 256))
        elif kind == 1:
            new[at] ^= 1 << int(rng.integers(0, 8))
        elif kind == 2:
            del new[at : at + int(rng.integers(1, 9))]
        else:
            new[at:at] = new[at : at + int(rng.integers(1, 40))]
    return bytes(new)


def deformed(data: bytes, rng: np.random.Generator) -> bytes:
    """Return a well-formed file with numbers, names and operators changed."""
    model = onnx.ModelProto.FromString(data)
    names = [n for node in model.graph.node for n in (*node.input, *node.output)]
    for _ in range(int(rng.integers(1, 4))):
        node = model.graph.node[int(rng.integers(0, len(model.graph.node)))]
        number = int(rng.choice([-(2**40), -7, -1, 0, 1, 2, 3, 9, 2**31, 2**62]))
        kind = int(rng.integers(0, 6))
        if kind == 0 and node.attribute:
            attribute = node.attribute[int(rng.integers(0, len(node.attribute)))]
            if attribute.ints:
                attribute.ints[int(rng.integers(0, len(attribute.ints)))] = number
            else:
                attribute.i = number
        elif kind == 1:
            node.op_type = str(rng.choice(OTHERS))
        elif kind == 2 and node.input:
            node.input[int(rng.integers(0, len(node.input)))] = str(rng.choice(names))
        elif kind == 3:
            constant = model.graph.initializer[int(rng.integers(1, len(model.graph.initializer)))]
            constant.CopyFrom(onnx.numpy_helper.from_array(np.array([number] * int(rng.integers(0, 4))), constant.name))
        elif kind == 4:
            shape = model.graph.input[0].type.tensor_type.shape
            shape.dim[int(rng.integers(0, 4))].dim_value = number
        else:
            model.graph.input[0].type.tensor_type.elem_type = int(rng.integers(0, 20))
    return model.SerializeToString()


def attempt(data: bytes) -> str:
    try:
        compile_network(data)
    except ModelFileError:
        return "damaged"
    except UnsupportedError:
        return "unsupported"
    return "compiled"


def test_the_seed_compiles() -> None:
    assert attempt(seed_model()) == "compiled"


@pytest.mark.parametrize("part", range(4))
def test_damaged_files_end_in_our_errors(part: int) -> None:
    rng = np.random.default_rng(part)
    ends = [attempt(damaged(seed_model(), rng)) for _ in range(ROUNDS // 4)]
    assert len(set(ends)) == 3, "changes that matter and changes that do not"


@pytest.mark.parametrize("part", range(4))
def test_deformed_graphs_end_in_our_errors(part: int) -> None:
    rng = np.random.default_rng(100 + part)
    ends = [attempt(deformed(seed_model(), rng)) for _ in range(ROUNDS // 4)]
    assert len(set(ends)) == 3


def test_random_bytes_end_in_our_errors() -> None:
    rng = np.random.default_rng(9)
    assert {attempt(rng.bytes(int(rng.integers(0, 600)))) for _ in range(300)} == {"damaged"}


def test_a_small_file_that_asks_for_much_memory_is_refused() -> None:
    nodes = [
        helper.make_node("ConstantOfShape", ["n"], ["a"]),
        helper.make_node("Expand", ["x", "n"], ["b"]),
        helper.make_node("Add", ["a", "b"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes, "large", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(np.array([6_000_000_000]), "n")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    assert attempt(model.SerializeToString()) == "damaged"
