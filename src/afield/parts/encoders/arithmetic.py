"""Pairs of numbers as one: differences, sums, products and ratios, which trees can draw only in steps.

The pairs are chosen at fit, on a sample, by what they tell of the target beyond their two columns. The choice alone
looks at the target, on all rows, so that every fold has the same features; honest scores come from rows that the whole
fit never saw. A ratio with 0 below counts as 0. A feature is missing where one of its columns is, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afield.data.answer import Answer
from afield.data.table import Table
from afield.graph.builder import Builder, Value
from afield.parts.encoders.number import FLOAT32_MAX, numbers
from afield.parts.encoders.screening import BINS, Candidate, Screen, choose, cut, make_screen
from afield.parts.encoders.state import header_of, pack
from afield.parts.protocol import Feature, FitContext, Setting, Settings, State
from afield.parts.settings import settle
from afield.problem.schema import ColumnSpec

REACH = 1e150  # magnitudes beyond count as this, so that products stay finite

#: operation -> (its sign in names, ONNX operator)
OPERATIONS = {"difference": ("-", "Sub"), "sum": ("+", "Add"), "product": ("*", "Mul"), "ratio": ("/", "Div")}
_COLUMNS = 12  # those that tell most are paired: 66 pairs, five features each


@dataclass(frozen=True)
class FittedArithmetic:
    """``columns``: all that are read; ``left`` and ``right``: positions in ``columns`` for each operation.

    Without any pair the one feature says where the first column is missing.
    """

    columns: tuple[str, ...]
    pairs: Mapping[str, tuple[tuple[int, int], ...]]

    @property
    def features(self) -> Sequence[Feature]:
        """``a/b`` and the like, grouped by operation."""
        named = [
            Feature(name=f"{self.columns[a]}{sign}{self.columns[b]}", column="")
            for operation, (sign, _) in OPERATIONS.items()
            for a, b in self.pairs.get(operation, ())
        ]
        return named or [Feature(name=f"{self.columns[0]}.missing", column=self.columns[0])]

    def lower(self, builder: Builder, inputs: Mapping[str, Value]) -> Value:
        """Add at most 22 nodes: float64 [N] each to float32 [N, W]."""
        x = builder.transpose(builder.stack_columns([inputs[n] for n in self.columns]), [1, 0])
        if not any(self.pairs.values()):
            return builder.cast(builder.op("IsNaN", x, dtype="bool"), "float32")
        x = bound(builder, x, REACH)
        results = []
        for operation, (_, node) in OPERATIONS.items():
            if not (pairs := self.pairs.get(operation, ())):
                continue
            a, b = (
                builder.gather(x, builder.constant(np.array(side, np.int64)), 1) for side in zip(*pairs, strict=True)
            )
            if operation == "ratio":
                results.append(divide(builder, a, b))
            else:
                results.append(builder.op(node, a, b))
        return builder.cast(bound(builder, builder.concat(results, axis=1), FLOAT32_MAX), "float32")

    def state(self) -> State:
        """Return columns and pairs."""
        return pack({"columns": self.columns, "pairs": {k: self.pairs.get(k, ()) for k in OPERATIONS}})


def bound(builder: Builder, x: Value, reach: float) -> Value:
    """Add two nodes that hold float64 values within ``reach``; NaN stays."""
    x = builder.op("Min", x, builder.constant(np.float64(reach)))
    return builder.op("Max", x, builder.constant(np.float64(-reach)))


def divide(builder: Builder, a: Value, b: Value) -> Value:
    """Add five nodes for a / b of finite values or NaN: 0 where b is 0, NaN where either is."""
    zero = builder.op("Equal", b, builder.constant(np.float64(0)), dtype="bool")
    below = builder.op("Where", zero, builder.constant(np.float64(1)), b, dtype="float64")
    above = builder.op("Mul", a, builder.cast(builder.op("Not", zero), "float64"))  # NaN stays
    return builder.op("Div", above, below)


def apply(operation: str, a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the values by which a pair is judged; those of a model come from the graph."""
    with np.errstate(all="ignore"):
        if operation == "ratio":
            return np.where(b == 0, np.where(np.isnan(a), np.nan, 0.0), a / b)
        return {"difference": np.subtract, "sum": np.add, "product": np.multiply}[operation](a, b)


class Arithmetic:
    """Differences, sums, products and ratios of numbers."""

    name = "arithmetic"
    kinds = frozenset({"number", "category+number"})
    uses_target = False
    space: Mapping[str, Setting] = {"max_features": Setting(kind="integer", default=12, low=1, high=64, log=True)}

    def fit(
        self, table: Table, specs: Sequence[ColumnSpec], target: Answer, context: FitContext, settings: Settings
    ) -> FittedArithmetic:
        """Choose the pairs; categories, where there are, only say what need not be explained again."""
        most = settle(self.space, settings)["max_features"]
        names = [s.name for s in specs]
        places = [c for c, s in enumerate(specs) if s.kind == "number"]
        screen = make_screen(table, names, target, context)
        keys = []
        if screen is not None and len(places) > 1:
            some = screen.strongest(places, _COLUMNS)
            values = {c: np.clip(numbers(table, names[c])[screen.rows], -REACH, REACH) for c in some}
            keys = choose(screen, _candidates(values, screen), most)
        used = sorted({c for _, a, b in keys for c in (a, b)} or {places[0]})
        pairs = {
            operation: tuple(sorted((used.index(a), used.index(b)) for o, a, b in keys if o == operation))
            for operation in OPERATIONS
        }
        return FittedArithmetic(tuple(names[c] for c in used), pairs)

    def restore(self, state: State) -> FittedArithmetic:
        """Return the fitted encoder that gave this state."""
        header = header_of(state)
        pairs = {k: tuple((int(a), int(b)) for a, b in found) for k, found in header["pairs"].items()}
        return FittedArithmetic(tuple(header["columns"]), pairs)


def _candidates(values: Mapping[int, NDArray[np.float64]], screen: Screen) -> Iterator[Candidate[tuple[str, int, int]]]:
    for a, left in values.items():
        for b, right in values.items():
            for operation in OPERATIONS:
                if a < b or (a > b and operation == "ratio"):
                    yield Candidate((operation, a, b), cut(apply(operation, left, right)), BINS, (a, b))


part = Arithmetic()
