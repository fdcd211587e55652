"""Operators of ai.onnx.ml in 200 generated cases each: shapes, types, attributes, odd numbers, against onnxruntime."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from afield.model.session import open_session
from afield.platforms.microcontroller.compiler import Options, compile_network
from afield.platforms.microcontroller.plan import overlaps
from afield.platforms.microcontroller.prove.host import SANITISED, STRICT_C, build

CASES = 200
ML = "ai.onnx.ml"
F, I64 = TensorProto.FLOAT, TensorProto.INT64
Array = NDArray[Any]
Random = np.random.Generator
#: inputs, types of the outputs, attributes
Case = tuple[list[Array], tuple[int, ...], dict[str, Any]]
ODD = np.array([0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 1e-40, 1e30, -1e30], np.float32)


def rows(rng: Random, *, odd: bool = True, kinds: tuple[str, ...] = ("float32",)) -> Array:
    shape = tuple(int(n) for n in rng.integers(1, 6, 2))
    values = rng.normal(size=shape) * 10.0 ** rng.integers(-2, 3)
    values = np.where(rng.random(shape) < (0.3 if odd else 0), rng.choice(ODD, shape), values)
    kind = str(rng.choice(kinds))
    return (rng.integers(-3, 4, shape) if kind.startswith("int") else values.astype(np.float32)).astype(kind)


def numbers(rng: Random, count: int) -> list[float]:
    return [float(np.float32(v)) for v in rng.normal(size=count)]


def scaler(rng: Random) -> Case:
    x = rows(rng, kinds=("float32", "float64", "int32", "int64"))
    count = int(rng.choice([1, x.shape[1]]))
    return [x], (F,), {"offset": numbers(rng, count), "scale": numbers(rng, count)}


def imputer(rng: Random) -> Case:
    x = rows(rng, kinds=("float32", "int64"))
    count = int(rng.choice([1, x.shape[1]]))
    if x.dtype == np.int64:
        imputed = rng.integers(-9, 9, count).tolist()
        return [x], (I64,), {"imputed_value_int64s": imputed, "replaced_value_int64": int(rng.integers(-1, 2))}
    x[rng.random(x.shape) < 0.3] = np.nan
    replaced = float(rng.choice([np.nan, 0.0, 1.0]))
    return [x], (F,), {"imputed_value_floats": numbers(rng, count), "replaced_value_float": replaced}


def one_hot(rng: Random) -> Case:
    x = rows(rng, odd=False, kinds=("float32", "float64", "int64"))
    categories = rng.permutation(np.arange(-4, 5))[: int(rng.integers(1, 7))].tolist()
    return [x], (F,), {"cats_int64s": categories, "zeros": 1}


def normalizer(rng: Random) -> Case:
    return [rows(rng, kinds=("float32", "float64", "int64"))], (F,), {"norm": str(rng.choice(["MAX", "L1", "L2"]))}


def linear_regressor(rng: Random) -> Case:
    x, targets = rows(rng, odd=False), int(rng.integers(1, 5))
    found: dict[str, Any] = {"coefficients": numbers(rng, targets * x.shape[1]), "targets": targets}
    if rng.random() < 0.7:
        found["intercepts"] = numbers(rng, targets)
    if targets > 1:
        found["post_transform"] = str(rng.choice(["NONE", "LOGISTIC", "SOFTMAX"]))
    return [x], (F,), found


def linear_classifier(rng: Random) -> Case:
    x, targets = rows(rng, odd=False, kinds=("float32", "float64", "int64")), int(rng.integers(1, 5))
    labels = rng.permutation(9)[: max(2, targets)].tolist()
    transforms = ["NONE", "LOGISTIC"] if targets == 1 else ["NONE", "LOGISTIC", "SOFTMAX"]
    return [x], (I64, F), {
        "coefficients": numbers(rng, targets * x.shape[1]), "intercepts": numbers(rng, targets),
        "classlabels_ints": labels, "post_transform": str(rng.choice(transforms)), "multi_class": int(rng.integers(2)),
    }  # fmt: skip


def label_encoder(rng: Random) -> Case:
    x = rows(rng, kinds=("float32", "int64"))
    count = int(rng.integers(1, 6))
    keys = np.unique(x)[:count]
    real = x.dtype == np.float32
    if real:  # -0.0 beside 0.0 would be one key twice
        keys = np.unique(np.abs(keys))
    values = numbers(rng, len(keys))
    found: dict[str, Any] = {"keys_floats" if real else "keys_int64s": keys.tolist()}
    if rng.random() < 0.5 and not real:
        return [x], (I64,), {**found, "values_int64s": rng.integers(-9, 9, len(keys)).tolist(), "default_int64": 7}
    return [x], (F,), {**found, "values_floats": values, "default_float": 0.25}


def extractor(rng: Random) -> Case:
    x = rows(rng, kinds=("float32", "int64"))
    index = rng.integers(0, x.shape[1], int(rng.integers(1, 5)))
    return [x, index], (F if x.dtype == np.float32 else I64,), {}


def _trees(rng: Random, stem: str, outputs: int, features: int) -> dict[str, Any]:
    keys = ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids")
    found: dict[str, list[Any]] = {f"nodes_{k}": [] for k in keys}
    found |= {f"{stem}_{k}": [] for k in ("treeids", "nodeids", "ids", "weights")}
    modes = ["BRANCH_LEQ"] if rng.random() < 0.5 else ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT"]
    for tree in range(int(rng.integers(1, 5))):
        inner = 2 ** int(rng.integers(1, 4)) - 1
        for place in range(2 * inner + 1):
            leaf = place >= inner
            links = (0, 0) if leaf else (2 * place + 1, 2 * place + 2)
            split = float(rng.choice([*numbers(rng, 1), 0.5, 0.0, -1.0]))
            row = (tree, place, int(rng.integers(features)), split, "LEAF" if leaf else str(rng.choice(modes)), *links)
            for key, value in zip(keys, row, strict=True):
                found[f"nodes_{key}"].append(value)
            for target in range(outputs if leaf else 0):
                for key, value in zip(("treeids", "nodeids", "ids", "weights"), (tree, place, target, *numbers(rng, 1)),
                                      strict=True):  # fmt: skip
                    found[f"{stem}_{key}"].append(value)
    return found


def tree_regressor(rng: Random) -> Case:
    x, targets = rows(rng, kinds=("float32", "float64")), int(rng.integers(1, 4))
    found = _trees(rng, "target", targets, x.shape[1]) | {"n_targets": targets}
    if rng.random() < 0.5:
        found["base_values"] = numbers(rng, targets)
    return [x], (F,), found | {"aggregate_function": str(rng.choice(["SUM", "AVERAGE"]))}


def tree_classifier(rng: Random) -> Case:
    x, targets = rows(rng, kinds=("float32", "float64", "int64")), int(rng.integers(3, 5))
    found = _trees(rng, "class", targets, x.shape[1]) | {"classlabels_int64s": rng.permutation(9)[:targets].tolist()}
    return [x], (I64, F), found | {"post_transform": str(rng.choice(["NONE", "LOGISTIC", "SOFTMAX"]))}


GENERATORS: dict[str, Callable[[Random], Case]] = {
    "Scaler": scaler, "Imputer": imputer, "OneHotEncoder": one_hot, "Normalizer": normalizer,
    "LinearRegressor": linear_regressor, "LinearClassifier": linear_classifier, "LabelEncoder": label_encoder,
    "ArrayFeatureExtractor": extractor, "TreeEnsembleRegressor": tree_regressor,
    "TreeEnsembleClassifier": tree_classifier,
}  # fmt: skip


def network(op: str, case: Case) -> bytes:
    inputs, types, attributes = case
    names, results = [f"x{i}" for i in range(len(inputs))], [f"y{i}" for i in range(len(types))]
    graph = helper.make_graph(
        [helper.make_node(op, names, results, domain=ML, **attributes)], "generated",
        [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(x.dtype), list(x.shape))
         for n, x in zip(names, inputs, strict=True)],
        [helper.make_tensor_value_info(n, t, None) for n, t in zip(results, types, strict=True)],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(ML, 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


@pytest.mark.slow
@pytest.mark.parametrize("op", GENERATORS)
def test_generated_cases(op: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(zlib.crc32(op.encode()))
    cases = [GENERATORS[op](rng) for _ in range(CASES)]
    models = [network(op, case) for case in cases]
    networks = []
    for index, data in enumerate(models):
        compiled = compile_network(data, Options(name=f"case{index}"))
        assert overlaps(compiled.plan) == []
        networks.append(compiled.network)
    program = build(networks, tmp_path, (*STRICT_C, *SANITISED), "-O0", together=True)
    for index, (inputs, _, attributes) in enumerate(cases):
        feed = {f"x{i}": x for i, x in enumerate(inputs)}
        (found,) = program.run(index, [[feed[p.name] for p in networks[index].inputs]])
        wanted = open_session(models[index]).run(None, feed)
        told = f"{op} case {index}: {attributes} {inputs}"
        if len(wanted) > 1:  # a label counts where its score is not within a rounding of another's
            best = np.sort(wanted[1], axis=1)
            clear = best[:, -1] - best[:, -2] > 1e-5
            found, wanted = [found[0][clear], found[1]], [wanted[0][clear], wanted[1]]
        for got, want in zip(found, wanted, strict=True):
            assert (got.shape, got.dtype) == (want.shape, want.dtype), told
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=2e-6, err_msg=told)
    with capsys.disabled():
        print(f"[{op}: {dict(Counter(str(inputs[0].dtype) for inputs, _, _ in cases))}]")
