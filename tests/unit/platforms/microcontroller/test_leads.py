"""An output trails behind the reading of its input by exactly as much as its kernel's walk wants."""

from __future__ import annotations

import math
import shutil
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from afield.platforms.microcontroller.compiler import Compiled, Options, compile_network
from afield.platforms.microcontroller.integer import oracle
from afield.platforms.microcontroller.ir import DType, Graph, Node, Tensor
from afield.platforms.microcontroller.leads import window_lead
from afield.platforms.microcontroller.operators import Site
from afield.platforms.microcontroller.plan import overlaps
from afield.platforms.microcontroller.prove import board, host

Random = np.random.Generator


def drawn(rng: Random, axes: int) -> tuple[Site, tuple[int, ...]]:
    """Return a convolution that nobody reads the weights of, and its window."""
    spatial = tuple(int(n) for n in rng.integers(1, 7, axes))
    window = tuple(int(rng.integers(1, min(3, n) + 1)) for n in spatial)
    pads = tuple(int(p) for p in rng.integers(0, 3, 2 * axes))
    strides = tuple(int(s) for s in rng.integers(1, 4, axes))
    out = tuple(
        (n + pads[a] + pads[axes + a] - k) // strides[a] + 1
        for a, (n, k) in enumerate(zip(spatial, window, strict=True))
    )
    batch, ins, outs = (int(n) for n in rng.integers(1, 4, 3))
    tensors = {
        "x": Tensor(name="x", dtype=DType.INT8, shape=(batch, *spatial, ins)),
        "y": Tensor(name="y", dtype=DType.INT8, shape=(batch, *out, outs)),
    }
    node = Node(op="MaxPool", name="n", inputs=("x",), outputs=("y",), attributes={"strides": strides, "pads": pads})
    return Site(Graph(name="g", nodes=(node,), tensors=tensors, inputs=("x",), outputs=("y",)), node), window


def harmed(at: Site, window: tuple[int, ...], pixels: int, lead: int) -> bool:
    """Walk the pixels in order and say whether one reads a byte that was written over before."""
    x, y = at.input().shape, at.output().shape
    moves, pads = at.integers("strides"), at.integers("pads")
    written: set[int] = set()
    walk = list(product(*(range(n) for n in y[:-1])))
    for start in range(0, len(walk), pixels):
        step = walk[start : start + pixels]
        for index in range(len(step)):
            flat = (start + index) * y[-1]
            written |= {b - lead for b in range(flat, flat + y[-1])}
        for n, *place in step:
            for tap in product(*(range(k) for k in window)):
                at_x = [p * s + t - pad for p, s, t, pad in zip(place, moves, tap, pads, strict=False)]
                if all(0 <= i < extent for i, extent in zip(at_x, x[1:-1], strict=True)):
                    flat = int(np.ravel_multi_index((n, *at_x), x[:-1])) * x[-1]
                    if written & set(range(flat, flat + x[-1])):
                        return True
    return False


@pytest.mark.parametrize("axes", [1, 2])
def test_the_distance_is_enough_and_for_single_pixels_the_least(axes: int) -> None:
    rng, least = np.random.default_rng(axes), 0
    for _ in range(60):
        at, window = drawn(rng, axes)
        for pixels in (1, 2):
            lead = window_lead(at, pixels)
            assert not harmed(at, window, pixels, lead)
            least += pixels == 1 and harmed(at, window, pixels, lead - 1)
    assert least > 30  # where a window lies in the padding alone it may be more than the least


def chain(rng: Random, ins: int = 6, most: int = 12) -> bytes:
    """Return quantised layers of few pixels and of at most so many channels: depthwise, pointwise, whole."""
    nodes, constants, last, channels, side = [], [], "x", ins, 9

    def constant(value: object, name: str) -> str:
        constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    for index, (group, window, stride) in enumerate([(True, 3, 1), (False, 1, 1), (True, 3, 2), (False, 3, 1)]):
        outs = channels if group else int(rng.integers(most // 2, most))
        shape = (outs, 1 if group else channels, window, window)
        quantised = constant(np.float32(0.05), f"s{index}"), constant(np.int8(rng.integers(-9, 9)), f"z{index}")
        weights = constant(rng.integers(-127, 128, shape).astype(np.int8), f"w{index}")
        scale = constant(np.float32(0.01 / math.sqrt(math.prod(shape[1:]))), f"t{index}")
        nodes.append(helper.make_node("DequantizeLinear", [last, *quantised], [f"r{index}"]))
        nodes.append(helper.make_node("DequantizeLinear", [weights, scale], [f"v{index}"]))
        nodes.append(helper.make_node("Conv", [f"r{index}", f"v{index}"], [f"c{index}"], strides=[stride] * 2,
                                      pads=[window // 2] * 4, group=channels if group else 1))  # fmt: skip
        ends = constant(np.float32(0.06), f"a{index}"), constant(np.int8(rng.integers(-9, 9)), f"b{index}")
        last = f"q{index}"
        nodes.append(helper.make_node("QuantizeLinear", [f"c{index}", *ends], [last]))
        channels, side = outs, (side - 1) // stride + 1
    moved = helper.make_node("MaxPool", [last], ["p"], kernel_shape=[2, 2], strides=[1, 1])
    scaled = [constant(np.float32(0.06), "f"), constant(np.int8(0), "g"), constant(np.float32(0.07), "h")]
    tail = [
        moved,
        helper.make_node("DequantizeLinear", ["p", *scaled[:2]], ["d"]),
        helper.make_node("Sigmoid", ["d"], ["e"]),
        helper.make_node("QuantizeLinear", ["e", scaled[2], "g"], ["y"]),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.INT8, [1, ins, 9, 9])
    y = helper.make_tensor_value_info("y", TensorProto.INT8, [1, channels, side - 1, side - 1])
    graph = helper.make_graph([*nodes, *tail], "g", [x], [y], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)]).SerializeToString()


def peak(compiled: Compiled) -> int:
    """Return the most bytes of working memory that values need at one time where none shares a byte with another."""
    inside = [life for life, place in compiled.plan.lives if place.region == "arena"]
    return max(sum(f.size_bytes for f in inside if f.first <= t <= f.last) for t in range(len(compiled.graph.nodes)))


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
def test_layers_that_share_memory_answer_like_the_reference(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    compiled = [compile_network(chain(rng), Options(name=f"n{seed}")) for seed in range(6)]
    program = host.build([c.network for c in compiled], tmp_path, (*host.STRICT_C, *host.SANITISED), together=True)
    for index, one in enumerate(compiled):
        assert one.plan.leads
        assert overlaps(one.plan) == []
        assert one.plan.arena_bytes < peak(one)
        x = rng.integers(-128, 128, (1, 6, 9, 9)).astype(np.int8)
        np.testing.assert_array_equal(program.run(index, [[x]])[0][0], oracle.run(one.graph, {"x": x})[0])


@pytest.mark.parametrize("name", ["cortex-m4f", "cortex-m55"])
def test_channels_that_fill_vectors_answer_like_the_reference(name: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    one = compile_network(chain(rng, 36, 64), Options(name="n"))
    rows = [rng.integers(-128, 128, (1, 36, 9, 9)).astype(np.int8) for _ in range(2)]
    measured = board.measure(one.network, [[x] for x in rows], name, tmp_path)
    for x, got in zip(rows, measured.outputs, strict=True):
        np.testing.assert_array_equal(got[0], oracle.run(one.graph, {"x": x})[0])
