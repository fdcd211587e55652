"""Sigmoids that a graph spells out: found by their exact shape only, with the same answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from afield.platforms.phone.neural.workers.forms import recognised
from afield.platforms.phone.neural.workers.rebuild import Rebuilt

ROWS = np.array([[-200.0, -80.0, -1.5, -0.0], [0.0, 0.3, 4.0, 90.0]], dtype=np.float32)
NEGATIVE, POWER = ("Neg", "x", "n"), ("Exp", "n", "e")
Spelled = tuple[str, ...]
ONE = np.float32(1.0)


def graph_of(nodes: Sequence[Spelled], outputs: Sequence[str] = ("y",), **constants: object) -> onnx.ModelProto:
    """Return a graph of nodes, each its operator, its inputs and its output."""
    constants = {"one": ONE} | constants
    used = {name for _, *ends in nodes for name in ends}
    graph = helper.make_graph(
        [helper.make_node(kind, list(inputs), [output]) for kind, *inputs, output in nodes], "spelled",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(ROWS.shape))],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items() if n in used],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def both(model: onnx.ModelProto) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    with torch.no_grad():
        found = Rebuilt(model).eval()(torch.from_numpy(ROWS.copy())).numpy()
    return np.asarray(session.run(["y"], {"x": ROWS})[0]), found


def kinds(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in recognised(model)]


@pytest.mark.parametrize(
    ("last", "wanted"),
    [
        ([("Add", "e", "one", "d"), ("Div", "one", "d", "y")], ["Sigmoid"]),
        ([("Add", "one", "e", "d"), ("Reciprocal", "d", "y")], ["Sigmoid"]),
        ([("Add", "e", "one", "d"), ("Div", "x", "d", "y")], ["Sigmoid", "Mul"]),
        ([("Add", "one", "e", "d"), ("Div", "one", "d", "s"), ("Mul", "s", "x", "y")], ["Sigmoid", "Mul"]),
    ],
    ids=["sigmoid", "reciprocal", "silu", "silu_of_two"],
)
@pytest.mark.parametrize("one", [ONE, np.ones((1,), np.float32), np.ones((2, 1), np.float32)], ids=str)
def test_a_spelled_sigmoid_is_named(last: list[Spelled], wanted: list[str], one: object) -> None:
    model = graph_of([NEGATIVE, POWER, *last], one=one)
    assert kinds(model) == wanted
    right, found = both(model)
    assert found.shape == right.shape
    assert np.allclose(found, right, rtol=1e-6, atol=1e-30)


@pytest.mark.parametrize(
    ("nodes", "constants"),
    [
        ([NEGATIVE, POWER, ("Add", "e", "near", "d"), ("Div", "one", "d", "y")], {"near": np.float32(1.0000001)}),
        ([NEGATIVE, POWER, ("Add", "e", "one", "d"), ("Div", "two", "d", "y")], {"two": np.float32(2.0)}),
        ([NEGATIVE, POWER, ("Add", "e", "mix", "d"), ("Div", "x", "d", "y")], {"mix": np.float32([1, 1, 1, 2])}),
        (
            [NEGATIVE, POWER, ("Add", "e", "wide", "d"), ("Div", "x", "d", "y")],
            {"wide": np.ones((3, 1, 1), np.float32)},
        ),
        ([NEGATIVE, POWER, ("Sub", "e", "one", "d"), ("Div", "x", "d", "y")], {}),
        ([("Exp", "x", "e"), ("Add", "e", "one", "d"), ("Div", "one", "d", "y")], {}),
        ([NEGATIVE, POWER, ("Add", "e", "one", "d"), ("Div", "n", "d", "y")], {}),
        ([NEGATIVE, POWER, ("Add", "e", "one", "d"), ("Div", "d", "x", "y")], {}),
    ],
    ids=["not_1", "above_2", "not_all_1", "wider", "minus", "not_negative", "other_above", "upside_down"],
)
def test_what_only_looks_like_it_stays(nodes: list[Spelled], constants: dict[str, object]) -> None:
    model = graph_of(nodes, **constants)
    assert kinds(model) == [kind for kind, *_ in nodes]


def test_inner_values_stay_for_others_that_read_them() -> None:
    nodes = [NEGATIVE, POWER, ("Add", "e", "one", "d"), ("Div", "x", "d", "s"), ("Add", "s", "e", "y")]
    model = graph_of(nodes)
    assert kinds(model) == ["Neg", "Exp", "Sigmoid", "Mul", "Add"]
    inner = graph_of(nodes[:-1], outputs=("s", "d"))
    assert kinds(inner) == ["Neg", "Exp", "Add", "Sigmoid", "Mul"]


def test_nothing_else_is_touched() -> None:
    model = graph_of([("Sigmoid", "x", "s"), ("Mul", "x", "s", "y"), ("Relu", "y", "unread")])
    assert kinds(model) == ["Sigmoid", "Mul", "Relu"]
