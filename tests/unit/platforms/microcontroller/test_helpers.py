"""Functions that stand for math.h's: how far they are off, in units in the last place, over all magnitudes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from afield.platforms.microcontroller.compiler import Options, compile_network
from afield.platforms.microcontroller.emission.files import source
from afield.platforms.microcontroller.integer import oracle
from afield.platforms.microcontroller.prove.host import SANITISED, STRICT_C, build

COUNT = 200_000


def curve(op: str) -> bytes:
    ends = [[helper.make_tensor_value_info(n, TensorProto.FLOAT, [COUNT])] for n in ("x", "y")]
    graph = helper.make_graph([helper.make_node(op, ["x"], ["y"])], "curve", *ends)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return onnx.ModelProto.SerializeToString(model)


@pytest.mark.parametrize(("op", "exact", "limit"), [("Exp", np.exp, 1.0), ("Tanh", np.tanh, 2.0), ("Log", np.log, 1.0)])
def test_units_in_the_last_place(op: str, exact: np.ufunc, limit: float, tmp_path: Path) -> None:
    network = compile_network(curve(op), Options(name="curve")).network
    assert f"{op.lower()}f(" not in source(network).replace(f"curve_{op.lower()}f(", "")
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2**32, COUNT, dtype=np.uint64).astype(np.uint32).view(np.float32).copy()  # every magnitude
    x[: COUNT // 2] = rng.uniform(-20, 20, COUNT // 2)
    x[-6:] = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0]
    (answers,) = build([network], tmp_path, (*STRICT_C, *SANITISED), "-O1").run(0, [[x]])
    with np.errstate(all="ignore"):
        want = exact(x.astype(np.float64))
        nearest = want.astype(np.float32)
        unit = np.spacing(np.abs(nearest))
        off = np.abs(answers[0].astype(np.float64) - want) / unit
    whole = np.isfinite(nearest)
    np.testing.assert_array_equal(answers[0][~whole], nearest[~whole])
    assert off[whole].max() <= limit


def test_rounding_to_integers(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("QuantizeLinear", ["x", "s", "z"], ["y"])], "steps",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [COUNT])],
        [helper.make_tensor_value_info("y", TensorProto.INT16, [COUNT])],
        [helper.make_tensor("s", TensorProto.FLOAT, [], [1.0]), helper.make_tensor("z", TensorProto.INT16, [], [3])],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    compiled = compile_network(model.SerializeToString(), Options(name="steps"))
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2**32, COUNT, dtype=np.uint64).astype(np.uint32).view(np.float32).copy()  # every magnitude
    x[: COUNT // 2] = rng.integers(-40_000, 40_000, COUNT // 2) / np.float32(2)
    x[COUNT // 2 : COUNT // 2 + 1000] = np.nextafter(x[:1000], np.float32(0))
    (answers,) = build([compiled.network], tmp_path, (*STRICT_C, *SANITISED), "-O1").run(0, [[x]])
    np.testing.assert_array_equal(answers[0], oracle.run(compiled.graph, {"x": x})[0])
