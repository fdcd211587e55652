"""Quantised operators of onnxruntime's own: read as what they stand for, computed in integers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.calibrate import CalibrationDataReader

from afield.core.errors import ModelFileError
from afield.model.session import open_session
from afield.platforms.microcontroller.compiler import compile_network
from afield.platforms.microcontroller.integer import oracle
from afield.platforms.microcontroller.reading.contributed import DOMAIN, standard
from afield.platforms.microcontroller.reading.read import read
from float_networks import convolutional, model, pictures


def all_of_them() -> bytes:
    """Return a network that has each operator that the quantiser writes."""
    draw = np.random.default_rng(0)
    sizes = {"w": (4, 3, 3, 3), "d": (5, 8), "b": (5,)}
    constants = {name: draw.normal(0, 0.5, size).astype(np.float32) for name, size in sizes.items()}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"]),
        helper.make_node("LeakyRelu", ["c"], ["l"], alpha=0.1),
        helper.make_node("Sigmoid", ["c"], ["s"]),
        helper.make_node("Mul", ["l", "s"], ["m"]),
        helper.make_node("Add", ["m", "c"], ["a"]),
        helper.make_node("Concat", ["a", "m"], ["k"], axis=1),
        helper.make_node("AveragePool", ["k"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("GlobalAveragePool", ["p"], ["g"]),
        helper.make_node("Flatten", ["g"], ["f"]),
        helper.make_node("Gemm", ["f", "d", "b"], ["z"], transB=1),
        helper.make_node("Softmax", ["z"], ["y"], axis=1),
    ]
    return model(nodes, (1, 3, 8, 8), (1, 5), constants)


def operator_oriented(content: bytes, folder: Path, kind: Any, *, per_channel: bool) -> bytes:
    x = pictures(8)

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        rows = iter([{"x": x[i : i + 1]} for i in range(8)])

        def get_next(self) -> Any:
            return next(self.rows, None)

    given = onnx.load_from_string(content)
    given.metadata_props.add(key="onnx.quant.pre_process", value="onnxruntime.quant")
    quantize_static(given, folder / "q.onnx", Reader(), quant_format=QuantFormat.QOperator, activation_type=kind,
                    weight_type=QuantType.QInt8, per_channel=per_channel)  # fmt: skip
    return (folder / "q.onnx").read_bytes()


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("kind", [QuantType.QInt8, QuantType.QUInt8])
@pytest.mark.parametrize("network", [convolutional, all_of_them])
def test_they_are_read(network: Any, kind: Any, per_channel: bool, tmp_path: Path) -> None:
    content = operator_oriented(network(), tmp_path, kind, per_channel=per_channel)
    own = {node.op_type for node in onnx.load_from_string(content).graph.node if node.domain == DOMAIN}
    assert {"QGemm", "QLinearAdd", "QLinearSoftmax"} <= own
    compiled = compile_network(content)
    whole = {node.op for node in compiled.graph.nodes}
    assert whole <= oracle.KNOWN
    assert {"IntegerConv", "IntegerDense", "IntegerAdd", "IntegerMean", "IntegerSoftmax"} <= whole
    for row in pictures(12)[8:]:
        (got,) = oracle.run(compiled.graph, {"x": row[None]})
        want = open_session(content).run(None, {"x": row[None]})[0]
        np.testing.assert_allclose(got, want, atol=0.03)


def test_what_has_no_such_form_stays_and_is_told(tmp_path: Path) -> None:
    content = operator_oriented(convolutional(), tmp_path, QuantType.QInt8, per_channel=False)
    given = onnx.load_from_string(content)
    pool = next(node for node in given.graph.node if node.op_type == "QLinearGlobalAveragePool")
    del pool.attribute[:]
    pool.attribute.append(helper.make_attribute("channels_last", 1))
    told = read(given.SerializeToString()).problems
    assert len(told) == 1
    assert "QLinearGlobalAveragePool" in told[0]


def test_a_broken_one_is_damage(tmp_path: Path) -> None:
    given = onnx.load_from_string(operator_oriented(convolutional(), tmp_path, QuantType.QInt8, per_channel=False))
    total = next(node for node in given.graph.node if node.op_type == "QLinearAdd")
    del total.input[2:]
    with pytest.raises(ModelFileError, match="not what they say"):
        read(given.SerializeToString())


def test_models_without_them_stay_as_they_are() -> None:
    given = onnx.load_from_string(convolutional())
    assert standard(given) is given
