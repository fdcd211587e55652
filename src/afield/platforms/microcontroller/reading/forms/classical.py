"""Operators of ai.onnx.ml that are plain arithmetic: scalers, imputers, one-hot columns, linear models."""

from __future__ import annotations

import numpy as np

from afield.platforms.microcontroller.ir import Array, DType, Node
from afield.platforms.microcontroller.plan import VIEW
from afield.platforms.microcontroller.reading.canonical import form
from afield.platforms.microcontroller.reading.stating import NotStatic, Stated

DOMAIN = "ai.onnx.ml"
_NAN_IS_KEY = 4


@form(f"{DOMAIN}.ArrayFeatureExtractor")
def array_feature_extractor(stated: Stated) -> list[Node]:
    """Gather along the last axis."""
    x, index = stated.tensor(), stated.tensor(1)
    shape = (*x.shape[:-1], index.size)
    taken = stated.add("taken", x.dtype, shape)
    flat = stated.add("places", index.dtype, (index.size,), None if index.value is None else index.value.ravel())
    nodes = [stated.node("Gather", (stated.inputs[0], flat), (taken,), axis=x.rank - 1),
             stated.node(VIEW, (taken,), stated.outputs)]  # fmt: skip
    return nodes if index.value is not None else [stated.node(VIEW, (stated.inputs[1],), (flat,)), *nodes]


@form(f"{DOMAIN}.LabelEncoder")
def label_encoder(stated: Stated) -> list[Node]:
    """Say whether NaN can be a key, as it can from version 4 on."""
    return [stated.node(nan_is_key=int(stated.version >= _NAN_IS_KEY))]


@form(f"{DOMAIN}.Scaler")
def scaler(stated: Stated) -> list[Node]:
    """(x - offset) * scale; doubles stay such until the end, whole numbers become floats first."""
    x = stated.tensor()
    made = _Steps(stated, DType.FLOAT64 if x.dtype is DType.FLOAT64 else DType.FLOAT32)
    last = made.cast(stated.inputs[0])
    for op, name in (("Sub", "offset"), ("Mul", "scale")):
        last = made.step(op, last, made.constant(name, _numbers(stated, name)))
    return made.ended(last)


@form(f"{DOMAIN}.Imputer")
def imputer(stated: Stated) -> list[Node]:
    """Where a value is the replaced one, another."""
    x = stated.tensor()
    whole = x.dtype in (DType.INT64, DType.INT32)
    imputed = _numbers(stated, "imputed_value_int64s" if whole else "imputed_value_floats")
    replaced = stated.attributes.get("replaced_value_int64" if whole else "replaced_value_float", 0)
    if not imputed.size or not isinstance(replaced, int | float):
        raise NotStatic("it has no values to impute.")
    made = _Steps(stated, x.dtype)
    missing = stated.add("missing", DType.BOOL, x.shape)
    if not whole and np.isnan(replaced):
        made.nodes.append(stated.node("IsNaN", (stated.inputs[0],), (missing,)))
    else:
        value = made.constant("replaced", np.array(replaced if whole else np.float32(replaced)))
        made.nodes.append(stated.node("Equal", (stated.inputs[0], value), (missing,)))
    made.nodes.append(stated.node("Where", (missing, made.constant("imputed", imputed), stated.inputs[0]),
                                  stated.outputs))  # fmt: skip
    return made.nodes


@form(f"{DOMAIN}.OneHotEncoder")
def one_hot(stated: Stated) -> list[Node]:
    """Compare with every category; a value that is none of them is 0 everywhere."""
    x = stated.tensor()
    texts = stated.attributes.get("cats_strings")
    made = _Steps(stated, x.dtype if x.dtype is DType.STRING else DType.INT64)
    if x.dtype is DType.STRING:
        categories = np.array(texts if isinstance(texts, tuple) else (), dtype=object)
    else:
        categories = _numbers(stated, "cats_int64s").astype(np.int64)
    if not categories.size:
        raise NotStatic("it has no categories of its input's type.")
    column = stated.add("column", made.kind, (*x.shape, 1))
    made.nodes.append(stated.node(VIEW, (made.cast(stated.inputs[0]),), (column,)))
    hit = stated.add("hit", DType.BOOL, (*x.shape, categories.size))
    made.nodes.append(stated.node("Equal", (column, made.constant("categories", categories)), (hit,)))
    made.nodes.append(stated.node("Cast", (hit,), stated.outputs))
    return made.nodes


@form(f"{DOMAIN}.Normalizer")
def normalizer(stated: Stated) -> list[Node]:
    """One operator over the rows of floats."""
    made = _Steps(stated, DType.FLOAT32)
    last = made.cast(stated.inputs[0])
    return [*made.nodes, stated.node("Normalizer", (last,), norm=str(stated.attributes.get("norm", "MAX")))]


@form(f"{DOMAIN}.LinearRegressor")
def linear_regressor(stated: Stated) -> list[Node]:
    """Make a dense layer, and Softmax or Sigmoid."""
    made = _Steps(stated, DType.FLOAT32)
    targets = stated.output().shape[-1]
    scores = _scores(stated, made, targets)
    transform = _transform(stated)
    if transform and targets == 1:
        raise NotStatic("it transforms a single target, for which runtimes disagree; write the transform as a node.")
    return made.ended(_transformed(made, scores, transform))


@form(f"{DOMAIN}.LinearClassifier")
def linear_classifier(stated: Stated) -> list[Node]:
    """Make a dense layer, Softmax or Sigmoid, and the label of the largest score."""
    made = _Steps(stated, DType.FLOAT32)
    attributes = stated.attributes
    texts, whole = attributes.get("classlabels_strings"), attributes.get("classlabels_ints")
    given = texts if isinstance(texts, tuple) and texts else whole
    labels = np.array(given if isinstance(given, tuple) else (), dtype=object if given is texts else np.int64)
    features = stated.tensor().shape[-1]
    targets = _numbers(stated, "coefficients").size // max(1, features)
    transform = _transform(stated)
    scores = _scores(stated, made, targets)
    rows = made.shape(scores)[0]
    judged = scores
    if targets == 1 and labels.size == 2:
        if transform == "Softmax":
            raise NotStatic("SOFTMAX of one number is not supported.")
        zero = made.constant("zero", np.zeros((1, 1), np.float32))
        judged = made.joined(zero, scores, rows)  # the second label where the score is above 0
        other = (
            made.step("Neg", scores) if transform else made.step("Sub", made.constant("one", np.ones((1, 1))), scores)
        )
        scores = made.joined(other, scores, rows)
    elif labels.size != targets:
        raise NotStatic("it has not a label for each score.")
    if len(stated.outputs) > 1 and stated.outputs[1]:
        last = _transformed(made, scores, transform)
        made.nodes.append(stated.node(VIEW, (last,), stated.outputs[1:2]))
    if stated.outputs[0]:
        best = stated.add("best", DType.INT64, (rows,))
        table = stated.add("labels", DType.of(labels), labels.shape, labels)
        made.nodes.append(stated.node("ArgMax", (judged,), (best,), axis=1, keepdims=0, select_last_index=0))
        made.nodes.append(stated.node("Gather", (table, best), stated.outputs[:1], axis=0))
    return made.nodes


class _Steps:
    """Nodes in the making: values of one type, each made from the one before."""

    def __init__(self, stated: Stated, kind: DType) -> None:
        self.stated, self.kind = stated, kind
        self.nodes: list[Node] = []

    def shape(self, name: str) -> tuple[int, ...]:
        known = {t.name: t for t in self.stated.added}
        return (known.get(name) or self.stated.tensors[name]).shape

    def cast(self, name: str) -> str:
        known = self.stated.tensors[name]
        if known.dtype is self.kind:
            return name
        made = self.stated.add("cast", self.kind, known.shape)
        self.nodes.append(self.stated.node("Cast", (name,), (made,)))
        return made

    def constant(self, stem: str, value: Array) -> str:
        held = value if value.dtype == object else value.astype(self.kind.numpy)
        return self.stated.add(stem, self.kind, held.shape, held)

    def step(self, op: str, *inputs: str, **attributes: int) -> str:
        shape = np.broadcast_shapes(*(self.shape(n) for n in inputs))
        made = self.stated.add(op.lower(), self.kind, tuple(shape))
        self.nodes.append(self.stated.node(op, inputs, (made,), **attributes))
        return made

    def joined(self, one: str, other: str, rows: int) -> str:
        if self.shape(one)[0] != rows:
            spread = self.stated.add("spread", self.kind, (rows, 1), np.zeros((rows, 1), self.kind.numpy))
            one = self.step("Add", one, spread)
        made = self.stated.add("both", self.kind, (rows, 2))
        self.nodes.append(self.stated.node("Concat", (one, other), (made,), axis=1))
        return made

    def ended(self, last: str) -> list[Node]:
        op = VIEW if self.kind is self.stated.output().dtype else "Cast"
        return [*self.nodes, self.stated.node(op, (last,), self.stated.outputs[:1])]


def _scores(stated: Stated, made: _Steps, targets: int) -> str:
    """Add a dense layer over the rows; returns its result [rows, targets]."""
    features = stated.tensor().shape[-1] if stated.tensor().rank else 1
    weights = _numbers(stated, "coefficients")
    if weights.size != targets * features or not weights.size:
        raise NotStatic(f"it has {weights.size} coefficients for {features} features and {targets} scores.")
    rows = stated.tensor().size // features
    x = stated.add("rows", made.kind, (rows, features))
    made.nodes.append(stated.node(VIEW, (made.cast(stated.inputs[0]),), (x,)))
    table = made.constant("weights", np.ascontiguousarray(weights.reshape(targets, features).T))
    scores = stated.add("scores", made.kind, (rows, targets))
    made.nodes.append(stated.node("MatMul", (x, table), (scores,)))
    bias = _numbers(stated, "intercepts")
    return made.step("Add", scores, made.constant("bias", bias)) if bias.size == targets else scores


def _transform(stated: Stated) -> str:
    given = str(stated.attributes.get("post_transform", "NONE"))
    known = {"NONE": "", "LOGISTIC": "Sigmoid", "SOFTMAX": "Softmax"}
    if given not in known:
        raise NotStatic(f"its post_transform {given} is not supported; only NONE, LOGISTIC and SOFTMAX are.")
    return known[given]


def _transformed(made: _Steps, scores: str, transform: str) -> str:
    attributes = {"axis": 1} if transform == "Softmax" else {}
    return made.step(transform, scores, **attributes) if transform else scores


def _numbers(stated: Stated, name: str) -> Array:
    value = stated.attributes.get(name)
    kind = np.int64 if name.endswith("int64s") else np.float32
    return np.array(value if isinstance(value, tuple) else (), dtype=kind)
