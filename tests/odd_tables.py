"""Models for tests of compiled code: random trees, and a table whose names are anything but C."""

from __future__ import annotations

import numpy as np

from afield.graph.builder import Builder, Value
from afield.graph.trees import Trees
from afield.model.container import write_properties
from afield.model.metadata import Provenance, SelfTest, to_metadata
from afield.model.model import Model
from afield.model.samples import synthesise
from afield.model.selftest import record
from afield.problem.schema import ColumnSpec, Schema, TargetSpec
from small_models import card_of

NAMES = ["int", "Int", "2nd", "長さ", "Größe", "a*/b", "linux", "input", "x" * 80, "x" * 81]
LEVELS = ("Missing", "unknown", "?", '"quoted" ??/', "two\nlines", "1")


def odd_table(*, regression: bool) -> bytes:
    """A linear rule over numbers and a category whose names are anything but C."""
    columns = [ColumnSpec(name=n, kind="number", low=-1.0, high=2.0, unit="m/s²") for n in NAMES]
    columns.append(ColumnSpec(name="output", kind="category", levels=LEVELS))
    classes = ("yes", "Yes", "no/maybe")
    spec = ColumnSpec(name="answer", kind="number" if regression else "category")
    target = TargetSpec(name="answer", spec=spec, task="regression" if regression else "multiclass",
                        classes=() if regression else classes)  # fmt: skip
    schema = Schema(columns=tuple(columns), target=target)
    b = Builder()
    inputs = {c.name: b.input(c.input_name, "float64" if c.kind == "number" else "string", ["N"]) for c in columns}
    x = b.transpose(b.stack_columns([inputs[n] for n in NAMES]), [1, 0])
    x = b.op("Where", b.op("IsNaN", x, dtype="bool"), b.constant(np.float64(0.25)), x, dtype="float64")
    code = b.op("LabelEncoder", b.reshape(inputs["output"], [-1, 1]), dtype="float32", keys_strings=list(LEVELS),
                values_floats=np.linspace(0.5, 2.0, len(LEVELS)).tolist(), default_float=-3.0)  # fmt: skip
    full = b.concat([x, b.cast(code, "float64")], axis=1)
    width = 1 if regression else len(classes)
    weights = np.random.default_rng(0).normal(size=(len(columns), width))
    scores = b.op("MatMul", full, b.constant(weights))
    if regression:
        b.output(b.reshape(scores, [-1]), "prediction", ["N"])
    else:
        probabilities = b.cast(b.op("Softmax", scores, axis=1), "float32")
        best = b.op("ArgMax", probabilities, dtype="int64", axis=1, keepdims=0)
        b.output(b.gather(b.constant(list(classes)), best, axis=0), "label", ["N"])
        b.output(probabilities, "probabilities", ["N", len(classes)])
    graph = b.build("odd names").SerializeToString(deterministic=True)
    blank = to_metadata(schema, card_of(schema), SelfTest(inputs={}), Provenance(afield="0.1.0"))
    feed = synthesise(schema, 24, seed=1)
    answers = Model(write_properties(graph, blank)).run(feed)
    scale = float(np.nanstd(answers["prediction"])) if regression else 0.0
    selftest = record(schema, feed, answers, tolerance=1e-6, scale=scale)
    return write_properties(graph, to_metadata(schema, card_of(schema), selftest, Provenance(afield="0.1.0")))


def grown(rng: np.random.Generator, nodes: int, features: int, width: int, outputs: int, *, members: bool) -> Trees:
    """One random tree: each new node takes the place of a leaf."""
    yes, no = np.full(nodes, -1), np.full(nodes, -1)
    open_places = [(0, 0)]
    for node in range(nodes):
        parent, side = open_places.pop(int(rng.integers(len(open_places))))
        if node:
            (yes, no)[side][parent] = node
        open_places += [(node, 0), (node, 1)]
    for leaf, (parent, side) in enumerate(open_places if nodes else []):
        (yes, no)[side][parent] = ~leaf
    asks = (rng.random(nodes) < 0.3) & members
    feature = np.where(asks, features, rng.integers(0, features, nodes))
    counts = np.where(asks, rng.integers(1, 3, nodes), -1)
    sets = [np.sort(rng.choice(4, c, replace=False)) for c in counts if c > 0]
    return Trees(
        sizes=np.array([nodes]),
        feature=feature,
        split=rng.choice(np.array([0.1, 1.5, -2.25, 0.3, 1e-40, 7.000000001, 0.0]), nodes) * rng.integers(1, 4, nodes),
        missing_true=rng.random(nodes) < 0.5,
        true_child=yes,
        false_child=no,
        leaves=rng.normal(size=(nodes + 1, width)),
        leaf_target=np.full(nodes + 1, int(rng.integers(outputs)) if width == 1 else 0),
        member_count=counts,
        members=np.concatenate([np.zeros(0), *sets]),
    )


def columns(builder: Builder, count: int) -> Value:
    x = builder.transpose(
        builder.stack_columns([builder.input(f"x{i}", "float64", ["N"]) for i in range(count)]), [1, 0]
    )
    return builder.cast(x, "float32")
