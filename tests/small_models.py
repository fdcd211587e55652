"""Small models for tests: a linear rule over two numbers, a category, a date and a text, with metadata inside."""

from __future__ import annotations

from typing import Any

import numpy as np

from afield.graph.builder import Builder, Value
from afield.model.card import Baseline, Card, ColumnNote, Decision, Licensed, Member, Parity, Score
from afield.model.container import write_properties
from afield.model.metadata import Provenance, SelfTest, to_metadata
from afield.model.model import Model
from afield.model.samples import synthesise
from afield.model.selftest import record
from afield.problem.schema import ColumnSpec, Schema, TargetSpec

CLASSES = {
    "string": ("low", "high", "ærlig"),
    "integer": ("3", "-1", "12"),
    "number": ("0.5", "1.5", "2"),
    "boolean": ("false", "true"),
}


def schema_of(label_type: str = "string", *, regression: bool = False) -> Schema:
    columns = (
        ColumnSpec(name="length (mm)", kind="number", unit="mm", low=1.0, high=9.0),
        ColumnSpec(name="weight", kind="number", decimal=",", thousands=".", suffix="g", low=-2.0, high=2.0,
                   missing=("", "na", "-999")),
        ColumnSpec(name="sex", kind="category", levels=("M", "F", "I")),
        ColumnSpec(name="site", kind="category", canonical="number", levels=("1", "2.5")),
        ColumnSpec(name="caught", kind="datetime", formats=("iso", "%d.%m.%Y"), low=18_000.0, high=19_000.0),
        ColumnSpec(name="label", kind="text", input="label_"),  # collides with the output's name
    )  # fmt: skip
    if regression:
        target = TargetSpec(name="rings", spec=ColumnSpec(name="rings", kind="number"), task="regression", unit="years")
    else:
        classes = CLASSES[label_type]
        spec = ColumnSpec(name="rings", kind="category")
        task: Any = "binary" if len(classes) == 2 else "multiclass"
        target = TargetSpec(name="rings", spec=spec, task=task, classes=classes, label_type=label_type)  # type: ignore[arg-type]
    return Schema(columns=columns, target=target)


def graph_of(schema: Schema) -> bytes:
    b = Builder()
    inputs = {
        c.name: b.input(c.input_name, "float64" if c.kind == "number" else "string", ["N"]) for c in schema.columns
    }

    def number(value: Value, mean: float) -> Value:
        return b.op("Where", b.op("IsNaN", value, dtype="bool"), b.constant(np.float64(mean)), value, dtype="float64")

    def level(value: Value, **values: float) -> Value:
        codes = b.op(
            "LabelEncoder", value, dtype="float32", keys_strings=list(values), values_floats=list(values.values()),
            default_float=0.0,
        )  # fmt: skip
        return b.cast(codes, "float64")

    total = b.op(
        "Add",
        number(inputs["length (mm)"], 5.0),
        b.op("Mul", number(inputs["weight"], 0.0), b.constant(np.float64(2.0))),
    )
    total = b.op("Add", total, level(inputs["sex"], M=1.0, F=-1.0))
    total = b.op("Add", total, level(inputs["site"], **{"1": 10.0, "2.5": 20.0}))
    total = b.op("Add", total, level(inputs["caught"], **{"2020-05-17T00:00:00": 100.0}))
    total = b.op("Add", total, level(inputs["label"], **{"good": 0.5}))
    if schema.target.task == "regression":
        b.output(total, "prediction", ["N"])
        return b.build("small").SerializeToString(deterministic=True)
    classes = schema.target.classes
    slopes = b.constant(np.linspace(-0.3, 0.3, len(classes)).reshape(1, -1))
    logits = b.op("Mul", b.reshape(total, [-1, 1]), slopes)
    probabilities = b.op("Softmax", logits, axis=1)
    best = b.op("ArgMax", probabilities, dtype="int64", axis=1, keepdims=0)
    b.output(b.gather(b.constant(list(classes)), best, axis=0), "label", ["N"])
    b.output(b.cast(probabilities, "float32"), "probabilities", ["N", len(classes)])
    return b.build("small").SerializeToString(deterministic=True)


def card_of(schema: Schema, **changes: Any) -> Card:
    values: dict[str, Any] = {
        "title": "rings <of> shells",
        "task": schema.target.task,
        "target": "rings",
        "unit": schema.target.unit,
        "metric": "log_loss",
        "rows_used": 4177,
        "rows_without_target": 3,
        "score": Score(metric="log_loss", value=0.41, low=0.39, high=0.43, rows=900, how="outer_splits", splits=3,
                       others={"accuracy": 0.8, "auc": None}),
        "baselines": (Baseline(name="most frequent class", value=1.1),),
        "decision": Decision(rule="argmax"),
        "members": (Member(recipe="linear", learner="linear", weight=1.0),),
        "columns": tuple(ColumnNote(name=c.name, kind=c.kind, unit=c.unit) for c in schema.columns),
        "parity": Parity(rows=100, hostile_rows=200, largest=1e-9, tolerance=1e-6),
        "parts": (Licensed(name="linear", licence="Apache-2.0"),),
        "notes": ("made for tests",),
    }  # fmt: skip
    return Card(**(values | changes))


def small_model(label_type: str = "string", *, regression: bool = False, wrong_by: float = 0.0, **card: Any) -> bytes:
    """Return a model file; ``wrong_by`` is added to the reference answers of its self-test."""
    schema = schema_of(label_type, regression=regression)
    graph = graph_of(schema)
    provenance = Provenance(
        afield="0.1.0", data="00ff", data_name="shells.csv", effort="quick", libraries={"numpy": "2"}
    )
    blank = to_metadata(schema, card_of(schema, **card), SelfTest(inputs={}), provenance)
    feed = synthesise(schema, 24, seed=1)
    answers = Model(write_properties(graph, blank)).run(feed)
    scale = float(np.nanstd(answers["prediction"])) if regression else 0.0
    for name in ("prediction", "probabilities"):
        if name in answers:
            answers[name] = answers[name].astype(np.float64) + wrong_by
    selftest = record(schema, feed, answers, tolerance=1e-6, scale=scale)
    return write_properties(graph, to_metadata(schema, card_of(schema, **card), selftest, provenance))


def one_row(**changes: Any) -> dict[str, Any]:
    row = {
        "length (mm)": 4.5, "weight": 0.25, "sex": "M", "site": "1", "caught": "2020-05-17T00:00:00", "label": "good",
    }  # fmt: skip
    return row | changes
