"""Which part of a graph goes to runtimes of networks, and that the pieces answer as the whole does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from afield.core.errors import UnsupportedError
from afield.model.model import Model
from afield.platforms.phone.neural.cut import NEURAL, Analysis
from afield.platforms.phone.neural.pieces import one_row
from afield.platforms.phone.neural.split import compare_with, counted, ordinary_rows, rows_of, split
from media_models import image_model, sound_model
from network_models import mixed_model, varied_network
from small_models import small_model


@pytest.mark.parametrize(("model", "front"), [(image_model, "Resize"), (sound_model, "STFT")])
def test_what_feeds_a_network_stays_in_front(model: Callable[[], bytes], front: str) -> None:
    made = split(Model.load(model()))
    assert counted(made.front)[front] == 1
    assert {"Conv", "Gemm", "Softmax"} <= set(counted(made.core)) <= NEURAL
    assert set(counted(made.back)) <= {"Cast", "ArgMax", "Gather"}


def test_the_pieces_answer_as_the_whole() -> None:
    model = Model.load(image_model(varied_network()))
    made = split(model)
    feed = rows_of(model)
    assert np.ptp(model.run(feed)["probabilities"][:, 0]) > 0.01  # the answers tell rows apart
    found = made.outputs(feed, made.core_answers(made.inputs(feed)))
    assert compare_with(model, model.run(feed), found, 1e-6).passed


def test_trees_and_levels_beside_a_network_stay() -> None:
    model = Model.load(mixed_model())
    made = split(model)
    assert {"LabelEncoder", "IsNaN"} <= set(counted(made.front))
    assert "TreeEnsemble" in counted(made.back)
    assert "TreeEnsemble" not in counted(made.core)
    assert made.weights == 4 * 8 + 8 * 1
    feed = ordinary_rows(model)
    found = made.outputs(feed, made.core_answers(made.inputs(feed)))
    assert compare_with(model, model.run(feed), found, 1e-5).passed


def test_the_cut_lies_behind_what_float32_does_not_bear() -> None:
    proto = one_row(mixed_model())
    longest, *shorter = Analysis(proto).regions()
    made = split(Model.load(mixed_model()))
    assert "Sqrt" in {proto.graph.node[at].op_type for at in longest.nodes}  # squares overflow there
    assert made.source in {region.source for region in shorter}
    assert "Sqrt" in counted(made.front)


def test_the_network_is_float32_and_of_one_size() -> None:
    core = onnx.shape_inference.infer_shapes(onnx.load_from_string(split(Model.load(mixed_model())).core))
    kinds = {t.data_type for t in core.graph.initializer} | {
        v.type.tensor_type.elem_type for v in (*core.graph.input, *core.graph.value_info, *core.graph.output)
    }
    assert onnx.TensorProto.DOUBLE not in kinds
    assert [d.dim_value for d in core.graph.input[0].type.tensor_type.shape.dim] == [1, 4]


@pytest.mark.error_code("phone.no_network")
def test_a_model_without_a_network() -> None:
    with pytest.raises(UnsupportedError, match="no part of it is a network") as caught:
        split(Model.load(small_model()))
    assert caught.value.code == "phone.no_network"


def test_weights_of_a_network_that_cannot_be_had_in_float32() -> None:
    with pytest.raises(UnsupportedError, match="in float32 its network is off"):
        split(Model.load(mixed_model(delicate=True)))


def test_inputs_of_one_row() -> None:
    made = split(Model.load(image_model()))
    feed = ordinary_rows(Model.load(image_model()))
    assert made.inputs(feed).shape == (4, 1, 3, 96, 96)
    assert made.inputs(feed).dtype == np.float32


def test_what_others_read_does_not_go_along() -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"]),
        helper.make_node("ArgMax", ["scores"], ["label"], axis=1),
    ]
    ends = [("probabilities", TensorProto.FLOAT), ("label", TensorProto.INT64)]
    graph = helper.make_graph(
        nodes, "fork", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3])],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in ends],
        [numpy_helper.from_array(np.ones((3, 2), dtype=np.float32), "w")],
    )  # fmt: skip
    (region,) = Analysis(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])).regions()
    assert (region.source, region.answer) == ("x", "scores")
