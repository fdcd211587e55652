"""Generated graphs of a table, by the encoders that models are made of, and hostile rows: the compiler's hard cases.

Pairs, levels, centres and clips are drawn at random rather than fitted, so that every operation meets every column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.data.answer import Answer
from afield.data.table import NumberColumn, StringColumn, Table
from afield.graph.builder import Builder, Value
from afield.graph.oblivious import ObliviousTrees, sum_oblivious
from afield.graph.trees import Trees, join, sum_leaves
from afield.model.calibration import Calibration
from afield.model.decision import Decision
from afield.model.session import open_session
from afield.parts.encoders.arithmetic import OPERATIONS, FittedArithmetic
from afield.parts.encoders.group_stats import FittedGroupStats
from afield.parts.encoders.number import part as number
from afield.parts.encoders.onehot import part as onehot
from afield.parts.encoders.scaled_number import part as scaled_number
from afield.parts.encoders.target_mean import part as target_mean
from afield.parts.protocol import FitContext
from afield.problem.schema import ColumnSpec, TargetSpec
from afield.search.finish import Finish, lower_finish
from odd_tables import grown

Random = np.random.Generator
ROWS, ROUNDED = 200, 80
LEVELS = ("a", "b", "ç")
ODD = np.array(
    [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, -1e-45, 1.1e-38, 1e-30, 1e-20, -1e-20, 3.4028235e38, -3.4028235e38,
     1e30, 1e19, -1e19, 1.8446744e19, 0.1, 1.0, -1.0, 2.0**24 + 2, 1.6e9, 1e-8], np.float32
)  # fmt: skip
#: features that are the file's to the last bit, and others
EXACT = ("number", "arithmetic", "group_stats", "onehot", "target_mean")


@dataclass(frozen=True)
class GeneratedTable:
    """A model of a table.

    Parameters
    ----------
    model : bytes
    feed : dict
        Rows for onnxruntime: every number is one that float32 holds.
    features : tuple of str
        What stands in the columns of the output ``features``: an encoder's name for each.
    outputs : tuple of str
    """

    model: bytes
    feed: dict[str, NDArray[Any]]
    features: tuple[str, ...]
    outputs: tuple[str, ...]


def generated(rng: Random) -> GeneratedTable:
    """Return encoders over random columns, trees with thresholds on their values, and an answer with its label."""
    names, kinds = [f"x{i}" for i in range(int(rng.integers(2, 5)))], [f"k{i}" for i in range(int(rng.integers(1, 3)))]
    table = Table(
        {n: NumberColumn(_column(rng)) for n in names}
        | {k: StringColumn.of(rng.choice(np.array(["", *LEVELS, "rare"], object), ROWS)) for k in kinds},
        ROWS,
    )
    builder = Builder()
    inputs = {n: builder.input(n, "float64", ["N"]) for n in names}
    inputs |= {k: builder.input(k, "string", ["N"]) for k in kinds}
    target = Answer(task="regression", values=rng.normal(size=ROWS))
    parts, of = list[Value](), list[str]()
    for name in rng.permutation([*EXACT, "scaled_number"])[: int(rng.integers(3, 7))].tolist():
        fitted: Any = _fitted(str(name), table, names, kinds, target, rng)
        parts.append(fitted.lower(builder, inputs))
        of += [str(name)] * len(fitted.features)
    features = builder.concat(parts, axis=1) if len(parts) > 1 else parts[0]
    builder.output(features, "features", ["N", len(of)])
    feed = _rows(rng, table, names, kinds)
    seen = open_session(builder.build("features").SerializeToString()).run(["features"], feed)[0]
    outputs = ["features", "trees"]
    sums = _trees(builder, features, seen, of, rng)
    builder.output(sums, "trees", ["N", 2])
    outputs += _answer(builder, features, len(of), rng)
    return GeneratedTable(builder.build("table").SerializeToString(), feed, tuple(of), tuple(outputs))


def _column(rng: Random) -> NDArray[np.float64]:
    """Return training values of one of the kinds that tables have."""
    draws = [
        lambda: rng.normal(size=ROWS), lambda: rng.lognormal(0, 4, ROWS), lambda: rng.integers(0, 5, ROWS),
        lambda: 1.6e9 + rng.normal(0, 50, ROWS), lambda: np.full(ROWS, 3.25), lambda: rng.normal(0, 1e-30, ROWS),
        lambda: rng.normal(0, 1e32, ROWS), lambda: rng.normal(5, 1e-3, ROWS),
        lambda: rng.normal(0, 1e-42, ROWS),
    ]  # fmt: skip
    values = np.asarray(draws[int(rng.choice(len(draws), p=[0.2, 0.2, 0.15, 0.15, 0.06, 0.06, 0.06, 0.06, 0.06]))]())
    with np.errstate(under="ignore"):
        values = values.astype(np.float32).astype(np.float64)
    return np.where(rng.random(ROWS) < (0.2 if rng.random() < 0.5 else 0.0), np.nan, values)


def _fitted(name: str, table: Table, names: Sequence[str], kinds: Sequence[str], target: Answer, rng: Random) -> Any:
    context = FitContext()
    numbers = [ColumnSpec(name=n, kind="number") for n in names]
    categories = [ColumnSpec(name=k, kind="category") for k in kinds]
    if name == "number":
        return number.fit(table, numbers, target, context, {})
    if name == "scaled_number":
        settings = {"clip": float(np.exp(rng.uniform(0, np.log(1000)))), "shape": str(rng.choice(["plain", "log"]))}
        return scaled_number.fit(table, numbers, target, context, settings)
    if name == "onehot":
        return onehot.fit(table, categories, target, context, {})
    if name == "target_mean":
        return target_mean.fit(table, categories, target, context, {})
    if name == "group_stats":
        return _groups(table, names, kinds, rng)
    width, rounds = len(names), []
    for _ in range(int(rng.integers(1, 4))):
        pairs = {
            o: tuple(map(tuple, rng.integers(0, width, (int(rng.integers(0, 3)), 2)).tolist())) for o in OPERATIONS
        }
        rounds.append(pairs)
        width += sum(map(len, pairs.values()))
    return FittedArithmetic(tuple(names), tuple(rounds))


def _groups(table: Table, names: Sequence[str], kinds: Sequence[str], rng: Random) -> FittedGroupStats:
    """Return statistics of all pairs: means near the columns' own numbers, spreads of any size."""
    pairs = tuple((c, n) for c in range(len(kinds)) for n in range(len(names)))
    size = (3 + len(LEVELS)) * len(pairs)
    pools = [table[n].values[np.isfinite(table[n].values)] for n in names]
    means = np.concatenate([rng.choice(pools[n], 3 + len(LEVELS)) for _, n in pairs]) * (1 + 1e-9)
    spread = 10.0 ** rng.uniform(-3, 3, size) * (rng.random(size) > 0.1)
    chosen = np.sort(rng.choice(3 * len(pairs), int(rng.integers(1, 3 * len(pairs) + 1)), replace=False))
    levels = tuple(LEVELS for _ in kinds)
    return FittedGroupStats(tuple(kinds), levels, tuple(names), pairs, chosen, np.stack([means, spread]))


def _rows(rng: Random, table: Table, names: Sequence[str], kinds: Sequence[str]) -> dict[str, NDArray[Any]]:
    feed: dict[str, NDArray[Any]] = {}
    odd = rng.choice([0.1, 0.4, 1.0], ROUNDED)
    for n in names:
        own = rng.choice(table[n].values, ROUNDED)
        held = np.where(rng.random(ROUNDED) < odd, rng.choice(ODD, ROUNDED), own)
        feed[n] = held.astype(np.float32).astype(np.float64)
    for k in kinds:
        feed[k] = rng.choice(np.array(["", "elsewhere", *LEVELS], object), ROUNDED)
    return feed


def _trees(builder: Builder, features: Value, seen: NDArray[np.float32], of: Sequence[str], rng: Random) -> Value:
    """Return trees of both kinds that ask whether features are at most the very values that they have."""
    asked = {name for name in EXACT if rng.random() < 0.5}  # nothing else says that the others must be exact
    places = [f for f, name in enumerate(of) if name in asked]
    if not places:
        return builder.op("Mul", builder.gather(features, builder.constant(np.array([0, 0])), 1),
                          builder.constant(np.float32(0)))  # fmt: skip
    trees = join([_asking(grown(rng, 12, 1, 1, 1, members=False), seen, places, rng) for _ in range(6)])
    one = sum_leaves(builder, features, trees, 1)
    depth = rng.integers(1, 5, 5)
    feature = rng.choice(places, int(depth.sum()))
    border = np.array([_value(seen[:, f], rng) for f in feature], np.float32)
    flat = ObliviousTrees(depth=depth, feature=feature, border=border, leaves=rng.normal(size=((2**depth).sum(), 1)))
    two = sum_oblivious(builder, features, [flat], 1, 1e-6)
    return builder.concat([builder.cast(one, "float32"), builder.cast(two, "float32")], axis=1)


def _asking(trees: Trees, seen: NDArray[np.float32], places: Sequence[int], rng: Random) -> Trees:
    import dataclasses

    feature = rng.choice(places, len(trees.feature))
    split = np.array([float(_value(seen[:, f], rng)) for f in feature])
    return dataclasses.replace(trees, feature=feature, split=split)


def _value(values: NDArray[np.float32], rng: Random) -> np.float32:
    """Return a value that is there, or the float before it."""
    values = values[np.isfinite(values)]
    if not len(values):
        return np.float32(0)
    value = rng.choice(values)
    with np.errstate(all="ignore"):
        below = np.nextafter(value, np.float32(-np.inf))
    return np.float32(below if rng.random() < 0.5 and np.isfinite(below) else value)


def _answer(builder: Builder, features: Value, width: int, rng: Random) -> list[str]:
    """Add a linear model of bounded features behind a calibration and a rule; return its outputs."""
    kept = builder.op("Where", builder.op("IsNaN", features, dtype="bool"), builder.constant(np.float32(0)), features,
                      dtype="float32")  # fmt: skip
    small = builder.op(
        "Max", builder.op("Min", kept, builder.constant(np.float32(4))), builder.constant(np.float32(-4))
    )
    wide = builder.cast(small, "float64")
    task = str(rng.choice(["regression", "binary", "multiclass"]))
    classes = {"regression": (), "binary": ("no", "yes"), "multiclass": ("a", "b", "c", "d")}[task]
    weights = builder.constant(rng.normal(0, 1 / np.sqrt(width), (width, max(1, len(classes)))))
    scores = builder.op("MatMul", wide, weights)
    spec = ColumnSpec(name="y", kind="category" if classes else "number")
    target = TargetSpec(name="y", spec=spec, task=task, classes=classes)  # type: ignore[arg-type]
    if not classes:
        line = Calibration(kind="line", slope=float(rng.uniform(0.5, 2)), offset=float(rng.normal()))
        lower_finish(builder, scores, Finish(line), target)
        return ["prediction"]
    slope, other, offset = (float(v) for v in (*rng.uniform(0.5, 2, 2), rng.normal()))
    kind = str(rng.choice(["none", "temperature", "beta"] if len(classes) == 2 else ["none", "temperature"]))
    calibration = Calibration(kind=kind, slope=slope, other=other, offset=offset)  # type: ignore[arg-type]
    decision = Decision(rule="weights", weights=tuple(rng.uniform(0.5, 1, len(classes))))
    rule = decision if rng.random() < 0.5 else Decision()
    lower_finish(builder, builder.op("Softmax", scores, axis=1), Finish(calibration, rule), target)
    return ["label", "probabilities"]
