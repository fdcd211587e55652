"""Tables in C: every leaf that the runtime ends in, on each threshold and on the floats beside it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from afield.core.errors import UnsupportedError
from afield.graph.builder import Builder
from afield.graph.oblivious import ObliviousTrees, sum_oblivious
from afield.graph.trees import join, sum_leaves
from afield.model.session import open_session
from afield.platforms.microcontroller.compiler import Options
from afield.platforms.microcontroller.prove.host import SANITISED, STRICT_C, build
from afield.platforms.microcontroller.tabular.compile import CompiledTable, compile_table
from afield.platforms.microcontroller.tabular.precision import settle
from afield.platforms.microcontroller.trees import ranks
from afield.platforms.microcontroller.trees.style import TreeStyle
from afield.platforms.microcontroller.validity import faults
from odd_tables import columns, grown

ODD = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, -1e-45, 3.4028235e38, -3.4028235e38, 1e-38, 2.0**24 + 2])


def answered(compiled: CompiledTable, numbers: NDArray[np.float32], codes: NDArray[np.uint8], folder: Path) -> list:
    """Return the first output for each row, from C under sanitisers."""
    given = {compiled.table.number_input: numbers, compiled.table.code_input: codes}
    rows = [[given[p.name][i] for p in compiled.network.inputs] for i in range(len(numbers))]
    program = build([compiled.network], folder, (*STRICT_C, *SANITISED))
    return program.run(0, rows)


@pytest.mark.parametrize(
    ("sizes", "width", "outputs"), [((7, 0, 12, 1), 1, 1), ((5, 9, 3, 0, 4), 1, 3), ((6, 0, 8), 2, 2), ((300, 2), 1, 1)]
)
def test_every_row_ends_in_the_runtimes_leaves(
    sizes: tuple[int, ...], width: int, outputs: int, tmp_path: Path
) -> None:
    rng = np.random.default_rng(len(sizes))
    trees = join([grown(rng, n, 3, width, outputs, members=True) for n in sizes])
    builder = Builder()
    kind = builder.input("kind", "string", ["N"])
    texts = ["a", "b", "", "ç"]
    code = builder.op("LabelEncoder", builder.reshape(kind, [-1, 1]), dtype="float32", keys_strings=texts,
                      values_floats=[0.0, 1.0, 2.0, 3.0], default_float=-1.0)  # fmt: skip
    features = builder.concat([columns(builder, 3), code], axis=1)
    builder.output(sum_leaves(builder, features, trees, outputs), "y", ["N", outputs])
    data = builder.build("trees").SerializeToString()
    compiled = compile_table(data, Options(name="tree table"))
    assert {"Ranks", "Forest"} <= {n.op for n in compiled.graph.nodes}
    assert faults(compiled.graph) == []
    assert compiled.table.codes[0].values == ("a", "b", "ç")

    near = np.concatenate([trees.split, ODD]).astype(np.float32)
    with np.errstate(all="ignore"):
        beside = [np.nextafter(near, np.float32(side)) for side in (np.inf, -np.inf)]
    near = np.concatenate([near, *beside])
    rows = 400 + len(near)
    numbers = rng.choice(near, size=(rows, 3)).astype(np.float32)
    numbers[: len(near), 0] = near
    picked = rng.integers(0, 5, rows)
    feed = {f"x{i}": numbers[:, i].astype(np.float64) for i in range(3)}
    feed["kind"] = np.array([["", "elsewhere", "a", "b", "ç"][k] for k in picked], dtype=object)
    want = open_session(data).run(["y"], feed)[0]
    got = np.stack([row[0] for row in answered(compiled, numbers, picked.astype(np.uint8)[:, None], tmp_path)])
    np.testing.assert_allclose(got.reshape(want.shape), want, atol=1e-5)


@pytest.mark.parametrize(("outputs", "counts"), [(1, (5,)), (3, (2, 3)), (1, (4, 1, 6))])
def test_oblivious_trees_number_the_runtimes_leaves(outputs: int, counts: tuple[int, ...], tmp_path: Path) -> None:
    rng = np.random.default_rng(outputs)
    blocks = []
    for count in counts:
        depth = rng.integers(0, 5, count)
        depth[0] = 2
        borders = rng.choice(np.array([0.5, -1.5, 2.0, 1e-40, 0.0], np.float32), int(depth.sum()))
        leaves = rng.normal(size=(int((2**depth).sum()), outputs))
        blocks.append(
            ObliviousTrees(depth=depth, feature=rng.integers(0, 4, int(depth.sum())), border=borders, leaves=leaves)
        )
    builder = Builder()
    kind = builder.input("kind", "string", ["N"])
    code = builder.op("LabelEncoder", builder.reshape(kind, [-1, 1]), dtype="float32", keys_strings=["a", "b"],
                      values_floats=[1.0, 2.0], default_float=3.0)  # fmt: skip
    features = builder.concat([columns(builder, 3), code], axis=1)
    sums = sum_oblivious(builder, features, blocks, outputs, 1e-6)
    builder.output(sums, "y", ["N", len(counts) * outputs])
    data = builder.build("oblivious").SerializeToString()
    compiled = compile_table(data, Options(name="oblivious"))
    assert {n.op for n in compiled.graph.nodes} <= {"Ranks", "Oblivious", "View", "Split", "Concat"}
    assert faults(compiled.graph) == []
    near = np.concatenate([np.concatenate([b.border for b in blocks]), ODD.astype(np.float32)])
    with np.errstate(all="ignore"):
        near = np.concatenate([near, *(np.nextafter(near, np.float32(side)) for side in (np.inf, -np.inf))])
    numbers = rng.choice(near, size=(300, 3)).astype(np.float32)
    picked = rng.integers(0, 4, 300)
    feed = {f"x{i}": numbers[:, i].astype(np.float64) for i in range(3)}
    feed["kind"] = np.array([["", "elsewhere", "a", "b"][k] for k in picked], dtype=object)
    want = open_session(data).run(["y"], feed)[0]
    got = np.stack([row[0] for row in answered(compiled, numbers, picked.astype(np.uint8)[:, None], tmp_path)])
    np.testing.assert_allclose(got.reshape(want.shape), want, atol=1e-5)


def test_many_thresholds_and_wide_trees_change_the_layout_and_no_answer(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    for nodes, features, spread in ((200, 2, 1_000), (3_000, 40, 100_000)):
        trees = join([grown(rng, nodes, features, 1, 1, members=False) for _ in range(2)])
        trees = dataclasses.replace(trees, split=rng.integers(0, spread, len(trees.split)) / 8.0)
        builder = Builder()
        builder.output(sum_leaves(builder, columns(builder, features), trees, 1), "y", ["N", 1])
        data = builder.build("wide").SerializeToString()
        compiled = compile_table(data, Options(name="wide"))
        packed = next(n for n in compiled.graph.nodes if n.op == "Forest").attributes["packed"][0]
        assert (packed.links is None) == (nodes == 200)
        numbers = (rng.integers(0, spread, size=(200, features)) / 8.0).astype(np.float32)
        want = open_session(data).run(["y"], {f"x{i}": numbers[:, i].astype(np.float64) for i in range(features)})[0]
        got = np.stack([row[0] for row in answered(compiled, numbers, np.zeros((200, 0), np.uint8), tmp_path)])
        np.testing.assert_allclose(got.reshape(want.shape), want, atol=1e-5)


@pytest.mark.parametrize("style", [TreeStyle(branches=True), TreeStyle(leaves="int16")])
def test_branches_and_short_leaves_answer_as_tables_do(style: TreeStyle, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    trees = join([grown(rng, n, 3, 1, 2, members=False) for n in (9, 30, 0, 14)])
    builder = Builder()
    builder.output(sum_leaves(builder, columns(builder, 3), trees, 2), "y", ["N", 2])
    data = builder.build("styles").SerializeToString()
    compiled = compile_table(data, Options(name="styles"), style=style)
    assert ("if (rank[" in compiled.network.functions) == style.branches
    packed = next(n for n in compiled.graph.nodes if n.op == "Forest").attributes["packed"][0]
    numbers = rng.choice(trees.split, size=(300, 3)).astype(np.float32)
    want = open_session(data).run(["y"], {f"x{i}": numbers[:, i].astype(np.float64) for i in range(3)})[0]
    got = np.stack([row[0] for row in answered(compiled, numbers, np.zeros((300, 0), np.uint8), tmp_path)])
    off = np.abs(got.reshape(want.shape) - want).max()
    if style.branches:
        assert off < 1e-6
    else:
        assert 1e-6 < off <= packed.bound + 1e-6 < 1e-3


MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ")


def old_form(kind: str, *, outputs: int, classes: tuple[str, ...] = (), one_sided: bool = False, **extra: Any) -> bytes:
    """Random trees of three levels in the form of ai.onnx.ml 3, over float32 [N, 3]."""
    rng = np.random.default_rng(outputs)
    stem = "class" if classes else "target"
    nodes: dict[str, list[Any]] = {k: [] for k in ("treeids", "nodeids", "featureids", "values", "modes",
                                   "truenodeids", "falsenodeids", "missing_value_tracks_true")}  # fmt: skip
    found: dict[str, list[Any]] = {k: [] for k in ("treeids", "nodeids", "ids", "weights")}
    for tree in range(7):
        for place in range(15):
            leaf = place >= 7
            values = (tree, place, int(rng.integers(3)), float(rng.integers(-2, 3)) / 2,
                      "LEAF" if leaf else str(rng.choice(MODES)), 0 if leaf else 2 * place + 1,
                      0 if leaf else 2 * place + 2, int(rng.random() < 0.3))  # fmt: skip
            for key, value in zip(nodes, values, strict=True):
                nodes[key].append(value)
            if not leaf and nodes["modes"][-1] in ("BRANCH_EQ", "BRANCH_NEQ"):
                nodes["missing_value_tracks_true"][-1] = 0
            for target in ([0] if one_sided else range(outputs)) if leaf else ():
                weight = abs(rng.normal()) / 12 if extra.get("positive") else rng.normal()
                for key, value in zip(found, (tree, place, target, weight), strict=True):
                    found[key].append(value)
    attributes = {f"nodes_{k}": v for k, v in nodes.items()} | {f"{stem}_{k}": v for k, v in found.items()}
    if classes:
        attributes["classlabels_strings"] = list(classes)
    else:
        attributes["n_targets"] = outputs
    attributes |= {k: v for k, v in extra.items() if k != "positive"}
    names = ["label", "y"] if classes else ["y"]
    node = helper.make_node(kind, ["x"], names, domain="ai.onnx.ml", **attributes)
    types = [TensorProto.STRING, TensorProto.FLOAT] if classes else [TensorProto.FLOAT]
    graph = helper.make_graph(
        [node], "old", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3])],
        [helper.make_tensor_value_info(n, t, None) for n, t in zip(names, types, strict=True)],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()


@pytest.mark.parametrize(
    "data",
    [
        old_form("TreeEnsembleRegressor", outputs=1, base_values=[0.5]),
        old_form("TreeEnsembleRegressor", outputs=2, aggregate_function="AVERAGE"),
        old_form("TreeEnsembleClassifier", outputs=3, classes=("a", "b", "c"), post_transform="SOFTMAX"),
        old_form("TreeEnsembleClassifier", outputs=2, classes=("a", "b"), one_sided=True, post_transform="LOGISTIC"),
        old_form("TreeEnsembleClassifier", outputs=2, classes=("a", "b"), one_sided=True, positive=True),
        old_form(
            "TreeEnsembleClassifier",
            outputs=2,
            classes=("a", "b"),
            one_sided=True,
            positive=True,
            post_transform="LOGISTIC",
        ),
    ],
    ids=["regressor", "average", "softmax", "one-sided", "positive", "both"],
)
def test_ensembles_of_the_old_form_answer_as_the_runtime(data: bytes, tmp_path: Path) -> None:
    compiled = compile_table(data, Options(name="old"))
    numbers = (np.random.default_rng(0).integers(-3, 4, size=(200, 3)) / 2).astype(np.float32)
    numbers[::17, 0] = np.nan
    rows = [[row[None, :]] for row in numbers]
    found = build([compiled.network], tmp_path, (*STRICT_C, *SANITISED)).run(0, rows)
    names = [p.name for p in compiled.network.outputs]
    want = dict(zip(names, open_session(data).run(names, {"x": numbers}), strict=True))
    got = np.stack([row[names.index("y")].ravel() for row in found])
    np.testing.assert_allclose(got, want["y"], atol=2e-6)
    if "label" in names:
        texts = np.array(compiled.table.labels["label"], dtype=object)
        assert (texts[[int(row[0].ravel()[0]) for row in found]] == want["label"]).all()


def test_a_threshold_on_a_moved_number_is_one_on_the_number_itself() -> None:
    builder = Builder()
    x = builder.op("Sub", builder.input("time", "float64", ["N"]), builder.constant(np.float64(1_600_000_000.25)))
    x = builder.cast(builder.op("Mul", x, builder.constant(np.float64(1 / 1024))), "float32")
    tree = grown(np.random.default_rng(0), 6, 1, 1, 1, members=False)
    builder.output(sum_leaves(builder, builder.reshape(x, [-1, 1]), tree, 1), "y", ["N", 1])
    compiled = compile_table(builder.build("moved").SerializeToString(), Options())
    assert [n.op for n in compiled.graph.nodes if n.op != "View"] == ["Ranks", "Forest"]


def test_the_last_key_is_the_last_float_that_answers_yes() -> None:
    thresholds = np.array([0.1, -0.1, 0.0, -0.0, 1e300, -1e300, np.inf, 1e-50, float(np.finfo(np.float32).max)])
    keys = ranks.last_keys((), thresholds, np.dtype(np.float32))
    floats = ranks.SINGLE.numbers(np.maximum(keys, ranks.SINGLE.lowest)).astype(np.float64)
    with np.errstate(all="ignore"):
        above = np.nextafter(floats.astype(np.float32), np.float32(np.inf)).astype(np.float64)
    assert (floats <= thresholds).all()
    assert ((above > thresholds) | np.isinf(floats)).all()
    never = ranks.last_keys((), np.array([np.nan]), np.dtype(np.float32))
    assert never.tolist() == [ranks.SINGLE.least]


def test_what_no_tree_compares_is_single_and_a_centre_keeps_its_digits(tmp_path: Path) -> None:
    builder = Builder()
    x = builder.op("Sub", builder.input("x", "float64", ["N"]), builder.constant(np.float64(2020.123456789)))
    builder.output(builder.op("Mul", x, builder.constant(np.float64(1000.0))), "y", ["N"])
    data = builder.build("centre").SerializeToString()
    compiled = compile_table(data, Options(name="centre"))
    numbers = np.array([[2020.125], [2019.5], [np.inf], [np.nan]], dtype=np.float32)
    got = [row[0][0] for row in answered(compiled, numbers, np.zeros((4, 0), np.uint8), tmp_path)]
    want = open_session(data).run(["y"], {"x": numbers[:, 0].astype(np.float64)})[0]
    np.testing.assert_allclose(got, want, rtol=3e-7)
    assert settle(compiled.table.graph, exact=True) is compiled.table.graph


@pytest.mark.error_code("graph.operator")
def test_what_cannot_be_compiled_is_refused_with_its_reason() -> None:
    builder = Builder()
    text = builder.input("text", "string", ["N"])
    builder.output(builder.op("StringConcat", text, text), "both", ["N"])
    with pytest.raises(UnsupportedError, match="both") as caught:
        compile_table(builder.build("texts").SerializeToString(), Options())
    assert caught.value.code == "graph.operator"


def test_imputed_values_and_clips_are_right_where_a_float_would_round_or_overflow(tmp_path: Path) -> None:
    centre = 1_600_000_187.3
    builder = Builder()
    x = builder.input("time", "float64", ["N"])
    x = builder.op("Where", builder.op("IsNaN", x, dtype="bool"), builder.constant(np.float64(centre)), x,
                   dtype="float64")  # fmt: skip
    x = builder.op("Sub", x, builder.constant(np.float64(centre)))
    x = builder.op("Mul", x, builder.constant(np.float64(0.01)))
    scaled = builder.op("Div", x, builder.constant(np.float64(3.0)))
    root = builder.op("Sqrt", builder.op("Add", builder.op("Mul", scaled, scaled), builder.constant(np.float64(1.0))))
    builder.output(builder.op("Div", x, root), "y", ["N"])
    data = builder.build("clip").SerializeToString()
    compiled = compile_table(data, Options(name="clip"))
    assert "SmoothClip" in {n.op for n in compiled.graph.nodes}
    numbers = np.array([[np.nan], [1_600_000_256.0], [1_600_000_000.0], [3e38], [-3e38], [0.0]], dtype=np.float32)
    got = [row[0][0] for row in answered(compiled, numbers, np.zeros((6, 0), np.uint8), tmp_path)]
    want = open_session(data).run(["y"], {"time": numbers[:, 0].astype(np.float64)})[0]
    np.testing.assert_allclose(got, want, atol=1e-6)
