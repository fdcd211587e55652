"""One small graph or more for each operator of the profile, with inputs that lie at its edges.

Everything an operator computes with comes in as a graph input where it can, so that no optimiser folds it away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from afield.graph.builder import Builder, Value

Build = Callable[[Builder, dict[str, Value]], Value | tuple[Value, ...]]


@dataclass(frozen=True)
class Case:
    """Feeds and the nodes made on them; ``rank`` of the outputs, in order."""

    feeds: dict[str, np.ndarray[Any, Any]]
    build: Build
    ranks: tuple[int, ...]


CASES: dict[str, list[Case]] = {}


def case(kind: str, build: Build, *ranks: int, **feeds: Any) -> None:
    arrays = {name: np.asarray(value) for name, value in feeds.items()}
    arrays = {n: a.astype(object) if a.dtype.kind == "U" else a for n, a in arrays.items()}
    CASES.setdefault(kind, []).append(Case(arrays, build, ranks or (1,)))


def of(array: Any, dtype: str) -> np.ndarray[Any, Any]:
    return np.asarray(array, dtype=dtype)


NAN, INF = float("nan"), float("inf")
EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1e-30, 3.4e38, -3.4e38, INF, -INF, NAN]
SMALL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 20.0, -30.0]
FLOATS = ("float32", "float64")
WHOLE = [0, 1, -1, 7, -7, 2**31 - 1]
TEXTS = ["", "a", "Grün", "日本 👍🏽", "two words", " padded  ", "x" * 300]


def unary(kind: str, values: Any, *dtypes: str, result: str | None = None, **attributes: Any) -> None:
    for dtype in dtypes:
        case(kind, lambda b, v: b.op(kind, v["x"], dtype=result, **attributes), x=of(values, dtype))


def binary(kind: str, left: Any, right: Any, *dtypes: str, result: str | None = None, **attributes: Any) -> None:
    for dtype in dtypes:
        case(
            kind,
            lambda b, v: b.op(kind, v["x"], v["y"], dtype=result, **attributes),
            x=of(left, dtype),
            y=of(right, dtype),
        )


for name in ("Abs", "Ceil", "Floor", "Neg", "Relu", "Sign"):
    unary(name, EDGES, *FLOATS)
for name in ("Exp", "Tanh", "Sigmoid", "Sin", "Cos"):
    unary(name, SMALL, *FLOATS)
for name in ("Abs", "Neg", "Sign"):
    unary(name, WHOLE, "int64")
for name in ("Log", "Sqrt"):
    unary(name, [0.0, 1e-12, 0.5, 1.0, 2.0, 1e30, INF, NAN], *FLOATS)
for name in ("IsNaN", "IsInf"):
    unary(name, EDGES, *FLOATS, result="bool")
unary("Not", [True, False], "bool")
for dtype in (*FLOATS, "int64", "bool"):
    unary("Identity", WHOLE, dtype)
unary("Identity", TEXTS, "object")

for name in ("Add", "Sub", "Mul", "Div", "Min", "Max"):
    binary(name, EDGES, EDGES[::-1], *FLOATS)
    binary(name, [5, -5, 2**40, 0], [3, 3, -(2**20), 7], "int64")
binary("Pow", [0.0, 1.5, -2.0, 9.0], [2.0, 0.5, 3.0, -1.0], *FLOATS)
binary("Mod", [5, -5, 2**40, 0, 7], [3, 3, 16_381, 7, -4], "int64")
binary("Mod", [5.5, -5.5, 1e9, 0.0], [3.0, 3.0, 7.0, 1.0], *FLOATS, fmod=1)
for name in ("Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal"):
    binary(name, EDGES, [1.0, 0.0, 1.0, NAN, *EDGES[4:]], *FLOATS, result="bool")
    binary(name, [1, 2, 3], [3, 2, 1], "int64", result="bool")
binary("Equal", TEXTS, ["", "b", "Grün", "日本", "two words", "padded", "x" * 300], "object", result="bool")
for name in ("And", "Or"):
    binary(name, [True, True, False, False], [True, False, True, False], "bool")

for source, values in {
    "float64": [0.0, -1.9, 2.5, 1e20, 1e-50, NAN, INF],
    "float32": [0.0, -1.9, 2.5, NAN],
    "int64": [0, -1, 2**40],
    "int32": [0, -1, 2**30],
    "int8": [0, -128, 127],
    "uint8": [0, 1, 255],
    "bool": [True, False],
}.items():
    for goal in [g for g in ("float32", "float64", "int64", "bool") if g != source]:
        whole = goal == "int64" and source in FLOATS  # NaN and what lies outside the range is undefined there
        case("Cast", lambda b, v, g=goal: b.cast(v["x"], g), x=of(values[:3] if whole else values, source))
case("Cast", lambda b, v: b.cast(v["x"], "float64"), x=["0.1", "-7", "1e300", "NaN", "12345678901234567"])
case("Cast", lambda b, v: b.cast(v["x"], "int64"), x=["0", "-7", "2026", "0012"])
case("Cast", lambda b, v: b.cast(v["x"], "string"), x=of([0, -7, 2**40], "int64"))

for dtype in FLOATS:
    matrix = of(np.arange(12).reshape(3, 4) / 7 - 0.6, dtype)
    ties = of([[1, 3, 3, 0], [NAN, 1, 2, 3], [0, 0, 0, 0]], dtype)
    case("ArgMax", lambda b, v: b.op("ArgMax", v["x"], dtype="int64", axis=1, keepdims=0), x=ties[[0, 2]])
    case("Clip", lambda b, v: b.op("Clip", v["x"], v["low"], v["high"]), x=of(EDGES, dtype),
         low=of(-1, dtype), high=of(1, dtype))  # fmt: skip
    case("Gemm", lambda b, v: b.op("Gemm", v["x"], v["w"], v["c"], transB=1), 2, x=matrix, w=matrix[:2] * 3,
         c=of([0.5, -0.5], dtype))  # fmt: skip
    case("MatMul", lambda b, v: b.op("MatMul", v["x"], v["w"]), 2, x=matrix, w=matrix.T * 2)
    several = np.stack([matrix, matrix * 2, -matrix])
    case("MatMul", lambda b, v: b.op("MatMul", v["x"], v["w"]), 3, x=several, w=several.transpose(0, 2, 1) * 2)
    case("MatMul", lambda b, v: b.op("MatMul", v["x"], v["w"]), 4, x=several[None], w=several[:, None].swapaxes(2, 3))
    case("Softmax", lambda b, v: b.op("Softmax", v["x"], axis=1), 2, x=matrix * 30)
    case("CumSum", lambda b, v: b.op("CumSum", v["x"], v["axis"]), 2, x=matrix, axis=of(1, "int64"))
    for name in ("ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum"):
        for axis in (0, 1):
            case(name, lambda b, v, n=name: b.op(n, v["x"], v["axis"], keepdims=0), x=matrix, axis=of([axis], "int64"))
    case("ReduceSum", lambda b, v: b.op("ReduceSum", v["x"], v["axis"], keepdims=0), 2, axis=of([1], "int64"),
         x=of(np.arange(60).reshape(3, 4, 5) / 9, dtype))  # fmt: skip
for name in ("ReduceMax", "ReduceMin", "ReduceSum"):
    case(name, lambda b, v, n=name: b.op(n, v["x"], v["axis"], keepdims=1), 2, x=of([[2**40, 3], [-1, 5]], "int64"),
         axis=of([1], "int64"))  # fmt: skip
case("CumSum", lambda b, v: b.op("CumSum", v["x"], v["axis"]), 3, x=of(np.arange(24).reshape(2, 3, 4), "int64"),
     axis=of(2, "int64"))  # fmt: skip

CUBES = {
    "float32": of(np.arange(24).reshape(2, 3, 4) / 3, "float32"),
    "float64": of(np.arange(24).reshape(2, 3, 4) / 3, "float64"),
    "int64": of(np.arange(24).reshape(2, 3, 4) << 33, "int64"),
    "bool": of(np.arange(24).reshape(2, 3, 4) % 3 == 0, "bool"),
    "string": np.asarray([f"{TEXTS[i % 5]}{i}" for i in range(24)], dtype=object).reshape(2, 3, 4),
}
I64 = "int64"
for dtype, cube in CUBES.items():
    case("Concat", lambda b, v: b.op("Concat", v["x"], v["y"], axis=1), 3, x=cube, y=cube[:, :1])
    case("Reshape", lambda b, v: b.op("Reshape", v["x"], v["s"]), 2, x=cube, s=of([0, -1], I64))
    case("Transpose", lambda b, v: b.transpose(v["x"], [1, 0, 2]), 3, x=cube)
    case("Slice", lambda b, v: b.op("Slice", v["x"], v["s"], v["e"], v["a"]), 3, x=cube, s=of([1], I64),
         e=of([-1], I64), a=of([2], I64))  # fmt: skip
    case("Squeeze", lambda b, v: b.op("Squeeze", v["x"], v["a"]), 2, x=cube[:, :1], a=of([1], I64))
    case("Unsqueeze", lambda b, v: b.op("Unsqueeze", v["x"], v["a"]), 4, x=cube, a=of([1], I64))
    case("Gather", lambda b, v: b.gather(v["x"], v["i"], axis=1), 4, x=cube, i=of([[2, 0], [-1, 1]], I64))
    case("GatherElements", lambda b, v: b.op("GatherElements", v["x"], v["i"], axis=2), 3, x=cube,
         i=of(np.arange(6).reshape(2, 3, 1) % 4, I64))  # fmt: skip
    if dtype != "bool":  # onnxruntime has no kernel
        case("Where", lambda b, v: b.op("Where", v["c"], v["x"], v["y"], dtype=v["x"].dtype), 3, x=cube, y=cube[:1, :1],
             c=of(np.arange(12).reshape(1, 3, 4) % 2, "bool"))  # fmt: skip
    case("Shape", lambda b, v: b.op("Shape", v["x"], dtype=I64), x=cube)
    case("Flatten", lambda b, v: b.op("Flatten", v["x"], axis=1), 2, x=cube)
    case("Split", lambda b, v: b.op_many("Split", v["x"], v["s"], dtypes=[v["x"].dtype] * 2, axis=2), 3, 3, x=cube,
         s=of([1, 3], I64))  # fmt: skip
    if dtype != "string":  # never used on strings
        case("Expand", lambda b, v: b.op("Expand", v["x"], v["s"]), 3, x=cube[:, :1], s=of([2, 5, 4], I64))
        case("Tile", lambda b, v: b.op("Tile", v["x"], v["r"]), 3, x=cube, r=of([1, 2, 1], I64))
for dtype in (*FLOATS, I64):
    case("Pad", lambda b, v: b.op("Pad", v["x"], v["p"]), 3, x=CUBES[dtype], p=of([0, 0, 1, 0, 0, -1], I64))
    case("ScatterElements", lambda b, v: b.op("ScatterElements", v["x"], v["i"], v["u"], axis=2, reduction="add"), 3,
         x=CUBES[dtype], i=of(np.arange(24).reshape(2, 3, 4) % 2, I64), u=CUBES[dtype])  # fmt: skip
    case("Range", lambda b, v: b.op("Range", v["a"], v["e"], v["s"]), a=of(1, dtype), e=of(9, dtype), s=of(3, dtype))
for dtype in FLOATS:  # places of four bytes, as oblivious trees have them
    case("Gather", lambda b, v: b.gather(v["x"], v["i"], axis=0), 2, x=of([[1, 2], [3, 4], [NAN, 6]], dtype),
         i=of([2, 0, 2, 1], "int32"))  # fmt: skip
for dtype in ("int8", "uint8"):
    case("Gather", lambda b, v: b.gather(v["x"], v["i"], axis=0), 3, x=of(np.arange(100, 112).reshape(6, 2), dtype),
         i=of([[5, 0], [3, 3]], I64))  # fmt: skip

binary("StringConcat", TEXTS, TEXTS[::-1], "object")
for shape in ((7,), (7, 1)):
    words = np.asarray(["", "  ", "a", " a  b ", "ä,b", "2026-11-22T10:58:58", "x y z"], dtype=object).reshape(shape)
    for mark in ("", "-", ",", "T"):
        for most in (None, 1):
            extra = {} if most is None else {"maxsplit": most}
            case("StringSplit", lambda b, v, m=mark, k=extra: b.op_many("StringSplit", v["x"], delimiter=m,
                 dtypes=["string", I64], **k), len(shape) + 1, len(shape), x=words)  # fmt: skip
    case("RegexFullMatch", lambda b, v: b.op("RegexFullMatch", v["x"], dtype="bool",
         pattern=r"\d{4}-\d{2}-\d{2}T.*|[a-zä,]+"), len(shape), x=words)  # fmt: skip
for shape in ((7,), (7, 1), (1, 7, 1)):
    case("LabelEncoder", lambda b, v: b.op("LabelEncoder", v["x"], dtype=I64, keys_strings=["", "a", "日本 👍🏽"],
         values_int64s=[0, 5, 2**40], default_int64=-1), len(shape),
         x=np.asarray(TEXTS, dtype=object).reshape(shape))  # fmt: skip
    case("LabelEncoder", lambda b, v: b.op("LabelEncoder", v["x"], dtype="float32", keys_strings=["a", "Grün"],
         values_floats=[0.1, 2.5], default_float=NAN), len(shape),
         x=np.asarray(TEXTS, dtype=object).reshape(shape))  # fmt: skip
    case("LabelEncoder", lambda b, v: b.op("LabelEncoder", v["x"], dtype="string", keys_int64s=[0, 7, 2**40],
         values_strings=["no", "sieben", "日本"], default_string="?"), len(shape),
         x=of([0, 7, 2**40, 1, -1, 2, 3], I64).reshape(shape))  # fmt: skip
for attributes in ({"separators": [""]}, {"tokenexp": r"\A[^\x{0}]{1,3}"}, {"tokenexp": r"[^\x{300}-\x{36F}]"}):
    for shape in ((7,), (7, 1)):
        case("Tokenizer", lambda b, v, a=attributes: b.op("Tokenizer", v["x"], mark=0, mincharnum=1, pad_value="", **a),
             len(shape) + 1, x=np.asarray(["e\u0301", *TEXTS[:6]], dtype=object).reshape(shape))  # fmt: skip


def _trees(b: Builder, x: Value) -> Value:
    """Two trees on three features: less-or-equal with a missing direction, less, and membership."""
    real = np.float64 if x.dtype == "float64" else np.float32
    return b.op(
        "TreeEnsemble",
        x,
        aggregate_function=1,
        n_targets=2,
        post_transform=0,
        tree_roots=[0, 2],
        nodes_modes=np.asarray([0, 1, 6], dtype=np.uint8),
        nodes_featureids=[0, 1, 2],
        nodes_splits=np.asarray([0.1, -2.0, 0.0], dtype=real),
        nodes_truenodeids=[0, 1, 3],
        nodes_trueleafs=[1, 1, 1],
        nodes_falsenodeids=[1, 2, 4],
        nodes_falseleafs=[0, 1, 1],
        nodes_missing_value_tracks_true=[1, 0, 0],
        membership_values=np.asarray([3.0, 7.0, NAN], dtype=real),
        leaf_targetids=[0, 1, 0, 0, 1],
        leaf_weights=np.asarray([0.1, 0.2, 0.3, 1e-9, 7.0], dtype=real),
    )


for dtype in FLOATS:
    grid = [
        [p, q, r] for p in (0.1, np.nextafter(0.1, 1), -5.0, NAN, INF) for q in (-2.0, -3.0, NAN) for r in (3, 4, NAN)
    ]
    case("TreeEnsemble", lambda b, v: _trees(b, v["x"]), 2, x=of(grid, dtype))


# Pictures and sounds --------------------------------------------------------------------------------------------------

_RNG = np.random.default_rng(7)
for strides, group, pads in (([1, 1], 1, [1, 1, 1, 1]), ([2, 2], 1, [0, 0, 1, 1]), ([2, 1], 4, [1, 1, 0, 0])):
    case(
        "Conv",
        lambda b, v, s=strides, g=group, p=pads: b.op(
            "Conv", v["x"], v["w"], v["y"], strides=s, group=g, pads=p, kernel_shape=[3, 3]
        ),
        4,
        x=_RNG.normal(size=(2, 4, 9, 8)).astype("float32"),
        w=_RNG.normal(size=(8, 4 // group, 3, 3)).astype("float32"),
        y=_RNG.normal(size=8).astype("float32"),
    )
case(
    "GlobalAveragePool",
    lambda b, v: b.op("GlobalAveragePool", v["x"]),
    4,
    x=_RNG.normal(size=(2, 3, 7, 5)).astype("float32"),
)
for height, width in ((24, 96), (3, 5), (10, 12)):  # smaller, larger, the same
    case(
        "Resize",
        lambda b, v, size=(1, 3, height, width): b.op(
            "Resize", v["x"], None, None, b.constant(of(size, "int64")), mode="linear", antialias=1, exclude_outside=1,
            coordinate_transformation_mode="half_pixel",
        ),
        4,
        x=_RNG.uniform(0, 255, (1, 3, 10, 12)).astype("float32"),
    )  # fmt: skip
for length, step in ((512, 320), (64, 7)):
    case(
        "STFT",
        lambda b, v: b.op("STFT", v["x"], v["step"], v["window"], onesided=1),
        4,
        x=_RNG.normal(size=(2, 1_600, 1), scale=0.05).astype("float32"),  # a bin is off by the rounding of the largest
        step=np.int64(step),
        window=np.hanning(length).astype("float32"),
    )
