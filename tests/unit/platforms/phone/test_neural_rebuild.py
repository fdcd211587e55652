"""ONNX operators as torch: ONNX's own cases, with all inputs but the first as constants."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, numpy_helper

from afield.platforms.phone.neural.cut import NEURAL
from afield.platforms.phone.neural.workers.operators import OPERATORS
from afield.platforms.phone.neural.workers.rebuild import Rebuilt
from node_cases import Case, cases

#: of each operator at least one case must count
WITHOUT_CASES = {"Cast"}


def test_the_cut_knows_what_can_be_rebuilt() -> None:
    assert set(OPERATORS) == NEURAL


def test_official_cases() -> None:
    right, refused, wrong = set(), set(), []
    for case in cases():
        if set(case.operators) <= NEURAL and _is_float(case):
            model, feed, wanted = _with_constants(case)
            try:
                with torch.no_grad():
                    found = np.asarray(Rebuilt(model).eval()(torch.from_numpy(feed)))
            except ValueError as error:
                assert "cannot be rebuilt" in str(error), case.name  # noqa: PT017
                refused.add(case.name)
                continue
            same = found.shape == wanted.shape and np.allclose(found, wanted, rtol=case.rtol, atol=1e-5, equal_nan=True)
            right.update(case.operators if same else ())
            wrong += [] if same else [case.name]
    assert not wrong
    assert NEURAL - right == WITHOUT_CASES
    assert len(refused) < 25, refused


@pytest.mark.parametrize("value", [0.0, 6.0])
def test_bounds_are_plain_numbers_for_the_exporter(value: float) -> None:
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Clip", ["x", "low", "high"], ["y"])], "g",
        [onnx.helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3])],
        [onnx.helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])],
        [numpy_helper.from_array(np.float32(v), n) for n, v in (("low", -1.0), ("high", value))],
    )  # fmt: skip
    module = Rebuilt(onnx.helper.make_model(graph)).eval()
    exported: Any = torch.export.export(module, (torch.zeros(1, 3),), strict=False).module()
    assert exported(torch.tensor([[-9.0, 0.0, 9.0]])).tolist() == [[-1.0, 0.0, value]]


def _is_float(case: Case) -> bool:
    inputs, outputs = case.data[0]
    ends = (inputs[0], outputs[0]) if inputs else ()
    return bool(ends) and all(isinstance(v, np.ndarray) and v.dtype == np.float32 and v.size for v in ends)


def _with_constants(case: Case) -> tuple[onnx.ModelProto, Any, Any]:
    inputs, outputs = case.data[0]
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    names = [i.name for i in model.graph.input]
    model.graph.initializer.extend(
        numpy_helper.from_array(np.asarray(v), n) for n, v in zip(names[1:], inputs[1:], strict=True)
    )
    del model.graph.input[1:]
    return model, np.array(inputs[0]), np.asarray(outputs[0])
