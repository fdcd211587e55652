"""Operators of ai.onnx.ml and converted scikit-learn models, without metadata: C answers as the runtime does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from afield.api.proving import make_probe
from afield.core.errors import UnsupportedError
from afield.model.session import open_session
from afield.platforms.microcontroller.compiler import Options, compile_network
from afield.platforms.microcontroller.options import MicrocontrollerOptions
from afield.platforms.microcontroller.platform import MicrocontrollerPlatform
from afield.platforms.microcontroller.prove.host import SANITISED, STRICT_C, build

ML = "ai.onnx.ml"
Array = NDArray[Any]
REAL = np.array([[1, -2, 3], [0, 0, 0], [-1, -2, -3], [np.nan, 1, 2], [np.inf, 1, 2], [1e30, 1e30, 1], [0.1, 0.2, 0.3]],
                np.float32)  # fmt: skip
FINITE, WHOLE = np.nan_to_num(REAL, posinf=7), np.array([[1, -2, 3], [0, 0, 0], [-1, -2, -3]])
F, I64 = TensorProto.FLOAT, TensorProto.INT64
_THREE = {"coefficients": [1.0, 2.0, 3.0, -1.0, -2.0, -3.0, 0.1, 0.2, 0.3], "intercepts": [0.5, -0.5, 0.0]}
_TWO = {"coefficients": [1.0, 2.0, 3.0, -1.0, -2.0, -3.0], "intercepts": [0.5, -0.5]}
_ONE = {"coefficients": [0.1, 0.2, 0.3], "intercepts": [0.05]}

#: operator, inputs, types of the outputs, attributes
CASES: list[tuple[str, list[Array], tuple[int, ...], dict[str, Any]]] = [
    *(("Scaler", [x], (F,), {"offset": [1.0, 0.1, 3e-9], "scale": [1.0, 0.3, 7.0]})
      for x in (REAL, REAL.astype(np.float64), WHOLE, WHOLE.astype(np.int32))),
    ("Scaler", [REAL], (F,), {"offset": [16_777_217.0], "scale": [0.5]}),
    *(("Normalizer", [x], (F,), {"norm": norm}) for norm in ("L1", "L2", "MAX") for x in (REAL, REAL[:, :1], REAL[0])),
    ("Normalizer", [REAL.astype(np.float64)], (F,), {}),
    ("Imputer", [REAL], (F,), {"imputed_value_floats": [9.0, 8.0, 7.0], "replaced_value_float": float("nan")}),
    ("Imputer", [REAL], (F,), {"imputed_value_floats": [9.0], "replaced_value_float": 0.0}),
    ("Imputer", [WHOLE], (I64,), {"imputed_value_int64s": [9], "replaced_value_int64": 0}),
    ("OneHotEncoder", [FINITE], (F,), {"cats_int64s": [1, 2, -1]}),
    ("OneHotEncoder", [WHOLE[:, 0]], (F,), {"cats_int64s": [1, 2, -1]}),
    ("ArrayFeatureExtractor", [REAL, np.array([0, 2])], (F,), {}),
    ("ArrayFeatureExtractor", [REAL[0], np.array([2, 0])], (F,), {}),
    ("LabelEncoder", [REAL], (F,), {"keys_floats": [1.0, float("nan"), -2.0], "values_floats": [7.0, 8.0, 0.1]}),
    ("LabelEncoder", [REAL], (F,), {"keys_floats": [1.0, float("nan")], "values_floats": [7.0, 8.0], "ml": 4}),
    ("LabelEncoder", [REAL], (F,), {"keys_floats": [1.0, -2.0], "values_floats": [7.0, 0.1], "default_float": 4.5}),
    ("LabelEncoder", [WHOLE], (I64,), {"keys_int64s": [1, -3], "values_int64s": [5, 6]}),
    ("LabelEncoder", [WHOLE], (F,), {"keys_int64s": [1, -3], "values_floats": [5.0, 6.0], "default_float": 0.5}),
    *(("LinearRegressor", [REAL], (F,), {**_TWO, "targets": 2, "post_transform": t})
      for t in ("NONE", "LOGISTIC", "SOFTMAX")),
    ("LinearRegressor", [REAL], (F,), _ONE),
    *(("LinearClassifier", [REAL], (I64, F), {**_THREE, "classlabels_ints": [4, 1, 2], "post_transform": t})
      for t in ("NONE", "LOGISTIC", "SOFTMAX")),
    *(("LinearClassifier", [REAL], (I64, F), {**_TWO, "classlabels_ints": [0, 1], "post_transform": t})
      for t in ("NONE", "LOGISTIC", "SOFTMAX")),
    *(("LinearClassifier", [FINITE], (I64, F), {**_ONE, "classlabels_ints": [5, 7], "post_transform": t})
      for t in ("NONE", "LOGISTIC")),
]  # fmt: skip


def model(
    nodes: list[onnx.NodeProto], inputs: list[Any], outputs: list[Any], constants: list[Any] | None = None, ml: int = 3
) -> bytes:
    graph = helper.make_graph(
        nodes, "classical", [helper.make_tensor_value_info(*i) for i in inputs],
        [helper.make_tensor_value_info(*o) for o in outputs], constants or [],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(ML, ml)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def single(op: str, inputs: list[Array], types: tuple[int, ...], attributes: dict[str, Any]) -> bytes:
    """Return a network of one operator; ``ml`` among its attributes is the version of ai.onnx.ml."""
    stated = {k: v for k, v in attributes.items() if k != "ml"}
    names, results = [f"x{i}" for i in range(len(inputs))], [f"y{i}" for i in range(len(types))]
    return model(
        [helper.make_node(op, names, results, domain=ML, **stated)],
        [(n, helper.np_dtype_to_tensor_dtype(x.dtype), list(x.shape)) for n, x in zip(names, inputs, strict=True)],
        [(n, t, None) for n, t in zip(results, types, strict=True)],
        ml=attributes.get("ml", 3),
    )


def test_each_operator_answers_as_the_runtime(tmp_path: Path) -> None:
    models = [single(*case) for case in CASES]
    networks = [compile_network(data, Options(name=f"case{i}")).network for i, data in enumerate(models)]
    program = build(networks, tmp_path, (*STRICT_C, *SANITISED), "-O0", together=True)
    for index, (op, inputs, _, attributes) in enumerate(CASES):
        feed = {f"x{i}": x for i, x in enumerate(inputs)}
        (found,) = program.run(index, [[feed[p.name] for p in networks[index].inputs]])
        for got, want in zip(found, open_session(models[index]).run(None, feed), strict=True):
            told = f"{op} {attributes}"
            assert (got.shape, got.dtype) == (want.shape, want.dtype), told
            np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-6, err_msg=told)


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (("LinearRegressor", [REAL], (F,), {**_ONE, "post_transform": "LOGISTIC"}), "single target"),
        (("LinearClassifier", [REAL], (I64, F), {**_ONE, "classlabels_ints": [1, 2], "post_transform": "SOFTMAX"}),
         "SOFTMAX of one number"),
        (("LinearClassifier", [REAL], (I64, F), {**_TWO, "classlabels_ints": [1, 2], "post_transform": "PROBIT"}),
         "PROBIT"),
        (("Normalizer", [REAL], (F,), {"norm": "L3"}), "L3"),
    ],
)  # fmt: skip
def test_what_runtimes_disagree_on_is_refused(case: Any, reason: str) -> None:
    with pytest.raises(UnsupportedError, match="cannot be compiled") as caught:
        compile_network(single(*case), Options())
    assert reason in caught.value.text()


def trees(stem: str, outputs: int, features: int, count: int = 12) -> dict[str, Any]:
    """Return attributes of trees of three levels, as a converter of forests writes them."""
    rng = np.random.default_rng(outputs)
    keys = ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids")
    found: dict[str, list[Any]] = {f"nodes_{k}": [] for k in keys}
    found |= {f"{stem}_{k}": [] for k in ("treeids", "nodeids", "ids", "weights")}
    for tree in range(count):
        for place in range(15):
            leaf = place >= 7
            links = (0, 0) if leaf else (2 * place + 1, 2 * place + 2)
            split = float(np.float32(rng.normal()))
            row = (tree, place, int(rng.integers(features)), split, "LEAF" if leaf else "BRANCH_LEQ", *links)
            for key, value in zip(keys, row, strict=True):
                found[f"nodes_{key}"].append(value)
            shares = rng.dirichlet(np.ones(outputs)) / count if outputs > 1 else rng.normal(size=1)
            for target, weight in enumerate(shares if leaf else ()):
                for key, value in zip(("treeids", "nodeids", "ids", "weights"), (tree, place, target, float(weight)),
                                      strict=True):  # fmt: skip
                    found[f"{stem}_{key}"].append(value)
    return found


_SCALED = {"offset": [0.1, -0.5, 1.0, 2.0], "scale": [1.0, 0.3, 2.0, 0.25]}


def forest(kind: int = F, rows: int | None = None) -> bytes:
    """StandardScaler and RandomForestClassifier, ZipMap off."""
    nodes = [
        helper.make_node("Scaler", ["X"], ["scaled"], domain=ML, **_SCALED),
        helper.make_node("TreeEnsembleClassifier", ["scaled"], ["label", "probabilities"], domain=ML,
                         classlabels_int64s=[0, 1, 2], **trees("class", 3, 4)),
    ]  # fmt: skip
    return model(nodes, [("X", kind, [rows, 4])], [("label", I64, [rows]), ("probabilities", F, [rows, 3])])


def logistic() -> bytes:
    """StandardScaler and LogisticRegression of two named classes."""
    weights = [-0.3, 0.5, 1.2, -0.7]
    nodes = [
        helper.make_node("Scaler", ["X"], ["scaled"], domain=ML, **_SCALED),
        helper.make_node("LinearClassifier", ["scaled"], ["label", "raw"], domain=ML, classlabels_strings=["no", "yes"],
                         coefficients=[*(-w for w in weights), *weights], intercepts=[-0.2, 0.2],
                         post_transform="LOGISTIC"),
        helper.make_node("Normalizer", ["raw"], ["probabilities"], domain=ML, norm="L1"),
    ]  # fmt: skip
    outputs = [("label", TensorProto.STRING, [None]), ("probabilities", F, [None, 2])]
    return model(nodes, [("X", F, [None, 4])], outputs)


def columns() -> bytes:
    """A pipeline over columns: imputed and scaled numbers beside one-hot texts, then trees."""
    nodes = [
        helper.make_node("Concat", ["age", "weight"], ["numbers"], axis=1),
        helper.make_node("Imputer", ["numbers"], ["filled"], domain=ML, imputed_value_floats=[30.0, 70.0],
                         replaced_value_float=float("nan")),
        helper.make_node("Scaler", ["filled"], ["scaled"], domain=ML, offset=[30.0, 70.0], scale=[0.1, 0.05]),
        helper.make_node("OneHotEncoder", ["sex"], ["hot"], domain=ML, cats_strings=["f", "m"], zeros=1),
        helper.make_node("Reshape", ["hot", "shape"], ["flat"]),
        helper.make_node("Concat", ["scaled", "flat"], ["all"], axis=1),
        helper.make_node("TreeEnsembleRegressor", ["all"], ["variable"], domain=ML, n_targets=1,
                         **trees("target", 1, 4)),
    ]  # fmt: skip
    inputs = [("age", F, [None, 1]), ("weight", F, [None, 1]), ("sex", TensorProto.STRING, [None, 1])]
    return model(nodes, inputs, [("variable", F, [None, 1])], [helper.make_tensor("shape", I64, [2], [-1, 2])])


@pytest.mark.parametrize("data", [forest(), forest(TensorProto.DOUBLE), logistic(), columns()],
                         ids=["forest", "doubles", "logistic", "columns"])  # fmt: skip
def test_converted_models_are_proven(data: bytes, tmp_path: Path) -> None:
    platform = MicrocontrollerPlatform()
    bundle = platform.export(data, tmp_path / "c", MicrocontrollerOptions(device="cortex-m4f"))
    proof = platform.prove(bundle, make_probe(data))
    assert proof.passed, proof.details
    assert proof.rows >= 64
    assert "double " not in (tmp_path / "c" / "src" / "model.h").read_text(encoding="utf-8")


def test_trees_take_several_rows(tmp_path: Path) -> None:
    data = forest(rows=5)
    network = compile_network(data, Options(name="rows")).network
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    (found,) = build([network], tmp_path, (*STRICT_C, *SANITISED), "-O0").run(0, [[x]])
    for got, want in zip(found, open_session(data).run(None, {"X": x}), strict=True):
        np.testing.assert_allclose(got, want, atol=1e-6)
