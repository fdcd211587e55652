"""The rows that every export must answer: the file's own samples, and hostile rows from its schema and its graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from afield.core.errors import ModelFileError
from afield.graph.thresholds import TreeSplits, tree_splits
from afield.model.container import operators
from afield.model.model import Model
from afield.model.samples import hostile, synthesise
from afield.model.selftest import stored_answers, stored_feed
from afield.model.session import open_session
from afield.platforms.protocol import Probe
from afield.problem.schema import Schema

HOSTILE_ROWS = 400
FOREIGN_ROWS = 8
#: of files with operators for columns, whose rows are small
CLASSICAL_ROWS = 64
_MATCH_ROWS = 12

_DTYPES = {
    "tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(int64)": np.int64, "tensor(int32)": np.int32,
    "tensor(uint8)": np.uint8, "tensor(int8)": np.int8, "tensor(bool)": np.bool_,
}  # fmt: skip


def make_probe(
    content: bytes,
    *,
    hostile_rows: int = HOSTILE_ROWS,
    seed: int = 0,
    rows: Mapping[str, NDArray[Any]] | None = None,
) -> Probe:
    """Return the rows and onnxruntime's answers to them.

    A file without afield's metadata gets some of the ``rows``, or seeded random inputs of its declared shapes.

    Raises
    ------
    ModelFileError
        ``model.damaged``: onnxruntime does not open it. ``model.foreign``: its inputs cannot be made up.
    """
    try:
        model = Model.load(content)
    except ModelFileError as error:
        if error.code != "model.foreign":
            raise
        return _foreign_probe(content, seed, rows or {})
    samples, reference = stored_feed(model.selftest, model.schema), stored_answers(model.selftest)
    if any(c.kind not in ("number", "category", "text", "datetime") for c in model.schema.columns):
        return Probe(feed=samples, answers=reference, samples=model.selftest.rows)
    odd = hostile(model.schema, column_thresholds(content, model.schema), hostile_rows, seed)
    answers = model.run(odd)
    return Probe(
        feed={n: np.concatenate([samples[n], odd[n]]) for n in samples},
        answers={n: np.concatenate([v, _like(v, answers[n])]) for n, v in reference.items()},
        samples=model.selftest.rows,
    )


def column_thresholds(content: bytes, schema: Schema) -> dict[str, NDArray[np.float64]]:
    """Return where trees split number columns that reach them unchanged: column name to sorted float64 [T].

    What reaches a tree is asked of the graph itself: a feature that equals the column on all of a few made-up rows
    is the column.
    """
    proto = onnx.load_from_string(content)
    splits = tree_splits(proto)
    if not splits:
        return {}
    sources = sorted({s.source for s in splits})
    known = {o.name for o in proto.graph.output}
    proto.graph.output.extend(onnx.helper.make_empty_tensor_value_info(n) for n in sources if n not in known)
    feed = synthesise(schema, _MATCH_ROWS, seed=1)
    values = dict(zip(sources, open_session(proto.SerializeToString()).run(sources, feed), strict=True))
    found: dict[str, list[NDArray[np.float64]]] = {}
    for column in (c for c in schema.columns if c.kind == "number"):
        wanted = feed[column.input_name].astype(np.float32)
        if len(np.unique(wanted)) > 2:  # else another column may look the same
            for split in splits:
                found.setdefault(column.name, []).extend(_thresholds_of(split, values[split.source], wanted))
    return {name: np.unique(np.concatenate(parts)) for name, parts in found.items() if parts}


def _thresholds_of(split: TreeSplits, values: NDArray[Any], column: NDArray[np.float32]) -> list[NDArray[np.float64]]:
    same = [f for f in split.thresholds if np.array_equal(values[:, f].astype(np.float32), column, equal_nan=True)]
    return [split.thresholds[f] for f in same]


def _like(reference: NDArray[Any], answers: NDArray[Any]) -> NDArray[Any]:
    return answers.astype(object) if reference.dtype == object else answers.astype(np.float64)


def _foreign_probe(content: bytes, seed: int, rows: Mapping[str, NDArray[Any]]) -> Probe:
    session = open_session(content, plain=any(o.name == "QuantizeLinear" for o in operators(content)))
    draw = np.random.default_rng(seed)
    feeds = [{n: v[i : i + 1] for n, v in rows.items()} for i in range(FOREIGN_ROWS) if rows]
    count = CLASSICAL_ROWS if any(o.domain == "ai.onnx.ml" for o in operators(content)) else FOREIGN_ROWS
    known = _constants(content)
    feeds += [{i.name: _random(i, draw, *known) for i in session.get_inputs()} for _ in range(count)]
    feeds = [feed for feed in feeds if all(len(v) for v in feed.values())]
    names = [o.name for o in session.get_outputs()]
    found = [dict(zip(names, session.run(names, feed), strict=True)) for feed in feeds]
    return Probe(feed=_stacked(feeds), answers=_stacked(found), samples=0)


def _stacked(rows: list[dict[str, NDArray[Any]]]) -> Mapping[str, NDArray[Any]]:
    return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}


def _constants(content: bytes) -> tuple[list[float], list[str]]:
    """Return thresholds of trees and texts that a file knows, besides a text that it does not."""
    numbers, texts = list[float](), {"": None, "never seen": None}
    proto = onnx.load_from_string(content)
    for node in proto.graph.node:
        for attribute in node.attribute:
            if attribute.name == "nodes_values":
                numbers += attribute.floats
            elif attribute.name in ("nodes_splits", "nodes_values_as_tensor"):
                numbers += onnx.numpy_helper.to_array(attribute.t).ravel().tolist()
            elif attribute.name != "nodes_modes":
                texts |= dict.fromkeys(s.decode(errors="replace") for s in attribute.strings)
    for tensor in proto.graph.initializer:
        if tensor.data_type == onnx.TensorProto.STRING:
            texts |= dict.fromkeys(s.decode(errors="replace") for s in tensor.string_data)
    return sorted({n for n in numbers if np.isfinite(n)}), list(texts)


def _random(
    declared: Any, draw: np.random.Generator, thresholds: Sequence[float] = (), texts: Sequence[str] = ()
) -> NDArray[Any]:
    """Return one row for a graph input: normal numbers and some thresholds, whole numbers, or known and other texts.

    Numbers are ones that float32 holds.
    """
    shape = [1 if not isinstance(d, int) or at == 0 else d for at, d in enumerate(declared.shape)]
    if declared.type == "tensor(string)" and texts:
        return draw.choice(np.array(texts, dtype=object), shape)
    if declared.type not in _DTYPES:
        raise ModelFileError(
            "model.foreign",
            f"The input {declared.name!r} cannot be made up for a proof.",
            where=declared.name,
            got=declared.type,
            expected="a number type, or a model that afield wrote",
        )
    dtype = np.dtype(_DTYPES[declared.type])
    if dtype.kind == "f":
        values = draw.normal(size=shape) * 10.0 ** (draw.integers(-1, 2, shape) if thresholds else 0)
        if thresholds:
            values = np.where(draw.random(shape) < 0.5, draw.choice(np.array(thresholds), shape), values)
        return values.astype(np.float32).astype(dtype)
    if dtype.kind == "b":
        return draw.random(shape) < 0.5
    low, high = (0, 256) if dtype == np.uint8 else (-128, 128)
    return draw.integers(low, high, shape).astype(dtype)
