"""A model for tests that is part network, part trees: numbers that need care, a category, and a blend behind."""

from __future__ import annotations

import numpy as np

from afield.graph.builder import Builder, Value
from afield.model.card import Card, ColumnNote, Licensed
from afield.model.container import write_properties
from afield.model.metadata import Provenance, SelfTest, to_metadata
from afield.model.model import Model
from afield.model.samples import synthesise
from afield.model.selftest import record
from afield.problem.schema import ColumnSpec, Schema, TargetSpec

NUMBERS = ("length", "width", "weight")
HIDDEN = 8
REACH = float(np.finfo(np.float32).max)


def mixed_model(*, delicate: bool = False) -> bytes:
    """Return a regression on three numbers and a category; a ``delicate`` one needs float64 all along."""
    columns = (
        *(ColumnSpec(name=n, kind="number", low=-3.0, high=5.0) for n in NUMBERS),
        ColumnSpec(name="site", kind="category", levels=("north", "south")),
    )
    target = TargetSpec(name="yield", spec=ColumnSpec(name="yield", kind="number"), task="regression")
    schema = Schema(columns=columns, target=target)
    graph = _graph(schema, delicate=delicate)
    card = Card(
        title="yield", task="regression", target="yield", parts=(Licensed(name="network", licence="Apache-2.0"),),
        columns=tuple(ColumnNote(name=c.name, kind=c.kind) for c in columns),
    )  # fmt: skip
    origin = Provenance(afield="0.1.0", data_name="made up")
    feed = synthesise(schema, 16, seed=3)
    answers = Model(write_properties(graph, to_metadata(schema, card, SelfTest(inputs={}), origin))).run(feed)
    selftest = record(schema, feed, answers, tolerance=1e-6, scale=float(np.std(answers["prediction"])))
    return write_properties(graph, to_metadata(schema, card, selftest, origin))


def _graph(schema: Schema, *, delicate: bool) -> bytes:
    b, rng = Builder(), np.random.default_rng(7)
    numbers = [b.input(n, "float64", ["N"]) for n in NUMBERS]
    site = b.op("LabelEncoder", b.input("site", "string", ["N"]), dtype="float32", keys_strings=["north", "south"],
                values_floats=[1.0, -1.0], default_float=0.0)  # fmt: skip
    x = b.concat([b.reshape(v, [-1, 1]) for v in (*numbers, b.cast(site, "float64"))], axis=1)
    known = b.op("Where", b.op("IsNaN", x, dtype="bool"), b.constant(np.float64(0.5)), x, dtype="float64")
    network = _network(b, known, rng, delicate=delicate)
    trees = b.op("TreeEnsemble", b.cast(known, "float32"), nodes_splits=_floats([0.25]), nodes_featureids=[1],
                 nodes_modes=_bytes([0]), nodes_truenodeids=[0], nodes_falsenodeids=[1], nodes_trueleafs=[1],
                 nodes_falseleafs=[1], leaf_targetids=[0, 0], leaf_weights=_floats([-1.0, 1.0]), tree_roots=[0],
                 n_targets=1, dtype="float32")  # fmt: skip
    b.output(b.reshape(b.op("Add", network, b.cast(trees, "float64")), [-1]), "prediction", ["N"])
    del schema
    return b.build("mixed").SerializeToString(deterministic=True)


def _network(b: Builder, x: Value, rng: np.random.Generator, *, delicate: bool) -> Value:
    """Return float64 [N, 1]: clipped, made smaller than 1 by a square root, two layers."""
    x = b.op("Max", b.op("Min", x, b.constant(np.float64(REACH))), b.constant(np.float64(-REACH)))
    size = b.op("Sqrt", b.op("Add", b.op("Mul", x, x), b.constant(np.float64(1.0))))
    hidden = b.op("MatMul", b.op("Div", x, size), b.constant(rng.normal(size=(4, HIDDEN))))
    found = b.op("MatMul", b.op("Relu", hidden), b.constant(rng.normal(size=(HIDDEN, 1))))
    if delicate:  # digits that only float64 has
        far = b.constant(np.float64(1e9))
        found = b.op("Sub", b.op("Add", found, far), far)
    return found


def _floats(values: list[float]) -> object:
    from onnx import numpy_helper

    return numpy_helper.from_array(np.array(values, dtype=np.float32))


def _bytes(values: list[int]) -> object:
    from onnx import numpy_helper

    return numpy_helper.from_array(np.array(values, dtype=np.uint8))
