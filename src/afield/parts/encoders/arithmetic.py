"""Pairs of numbers as one: differences, sums, products and ratios, which trees can draw only in steps.

The pairs are chosen at fit, on a sample, by what they tell of the target beyond their two columns. The choice alone
looks at the target, on all rows, so that every fold has the same features; honest scores come from rows that the whole
fit never saw. A ratio with 0 below counts as 0. A feature is missing where one of its columns is, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afield.data.answer import Answer
from afield.data.table import Table
from afield.graph.builder import Builder, Value
from afield.parts.encoders.number import FLOAT32_MAX, numbers
from afield.parts.encoders.screening import BINS, Candidate, choose, cut, make_screen
from afield.parts.encoders.state import header_of, pack
from afield.parts.protocol import Feature, FitContext, Setting, Settings, State
from afield.parts.settings import settle
from afield.problem.schema import ColumnSpec

REACH = 1e150  # magnitudes beyond count as this, so that products stay finite

#: operation -> (its sign in names, ONNX operator)
OPERATIONS = {"difference": ("-", "Sub"), "sum": ("+", "Add"), "product": ("*", "Mul"), "ratio": ("/", "Div")}
Key = tuple[str, int, int]
_COLUMNS = 12  # those that tell most are paired: 66 pairs, five features each


Pairs = Mapping[str, tuple[tuple[int, int], ...]]


@dataclass(frozen=True)
class FittedArithmetic:
    """``columns``: all that are read; ``rounds``: for each operation the pairs that it joins.

    A pair counts positions in ``columns``, then in the features of earlier rounds. Without any pair the one feature
    says where the first column is missing.
    """

    columns: tuple[str, ...]
    rounds: tuple[Pairs, ...]

    @property
    def features(self) -> Sequence[Feature]:
        """``a/b``, ``(a+b)/c`` and the like, grouped by round and operation."""
        names = list(self.columns)
        for pairs in self.rounds:
            told = [n if i < len(self.columns) else f"({n})" for i, n in enumerate(names)]
            names += [f"{told[a]}{sign}{told[b]}" for o, (sign, _) in OPERATIONS.items() for a, b in pairs.get(o, ())]
        made = [Feature(name=name, column="") for name in names[len(self.columns) :]]
        return made or [Feature(name=f"{self.columns[0]}.missing", column=self.columns[0])]

    def lower(self, builder: Builder, inputs: Mapping[str, Value]) -> Value:
        """Add at most 22 nodes, and 20 for each further round: float64 [N] each to float32 [N, W]."""
        x = builder.transpose(builder.stack_columns([inputs[n] for n in self.columns]), [1, 0])
        if not any(any(pairs.values()) for pairs in self.rounds):
            return builder.cast(builder.op("IsNaN", x, dtype="bool"), "float32")
        x, made = bound(builder, x, REACH), list[Value]()
        for pairs in self.rounds:
            results = [
                _join(builder, operation, x, pairs[operation]) for operation in OPERATIONS if pairs.get(operation)
            ]
            if results:
                made.append(bound(builder, builder.concat(results, axis=1), REACH))
                x = builder.concat([x, made[-1]], axis=1)
        return builder.cast(bound(builder, builder.concat(made, axis=1), FLOAT32_MAX), "float32")

    def state(self) -> State:
        """Return columns and pairs."""
        rounds = [{operation: pairs.get(operation, ()) for operation in OPERATIONS} for pairs in self.rounds]
        return pack({"columns": self.columns, "rounds": rounds})


def _join(builder: Builder, operation: str, x: Value, pairs: Sequence[tuple[int, int]]) -> Value:
    a, b = (builder.gather(x, builder.constant(np.array(side, np.int64)), 1) for side in zip(*pairs, strict=True))
    return divide(builder, a, b) if operation == "ratio" else builder.op(OPERATIONS[operation][1], a, b)


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
    """Differences, sums, products and ratios of numbers, and of these."""

    name = "arithmetic"
    kinds = frozenset({"number", "category+number"})
    uses_target = False
    space: Mapping[str, Setting] = {
        "max_features": Setting(kind="integer", default=6, low=1, high=64, log=True),
        "rounds": Setting(kind="integer", default=1, low=1, high=3),
    }

    def fit(
        self, table: Table, specs: Sequence[ColumnSpec], target: Answer, context: FitContext, settings: Settings
    ) -> FittedArithmetic:
        """Choose ``max_features`` pairs a round; categories only say what need not be explained again."""
        settled = settle(self.space, settings)
        names = [s.name for s in specs]
        places = [c for c, s in enumerate(specs) if s.kind == "number"]
        screen = make_screen(table, names, target, context)
        chosen: list[list[Key]] = []
        if screen is not None and len(places) > 1:
            some = screen.strongest(places, _COLUMNS)
            values = {c: np.clip(numbers(table, names[c])[screen.rows], -REACH, REACH) for c in some}
            new = set(values)
            for _ in range(settled["rounds"]):
                keys = sorted(choose(screen, _candidates(values, new), settled["max_features"]), key=_order)
                if not keys:
                    break
                made = [np.clip(apply(o, values[a], values[b]), -REACH, REACH) for o, a, b in keys]
                new = set(range(len(screen.bins), len(screen.bins) + len(keys)))
                values |= dict(zip(sorted(new), made, strict=True))
                screen = screen.with_numbers(made)
                chosen.append(keys)
        used = sorted({c for keys in chosen for _, *pair in keys for c in pair if c < len(names)} or {places[0]})
        shift = len(used) - len(names)  # made features follow the columns that are read
        at = {c: i for i, c in enumerate(used)} | {
            c: c + shift for c in range(len(names), len(names) + sum(map(len, chosen)))
        }
        rounds = tuple(
            {operation: tuple((at[a], at[b]) for o, a, b in keys if o == operation) for operation in OPERATIONS}
            for keys in chosen
        )
        return FittedArithmetic(tuple(names[c] for c in used), rounds)

    def restore(self, state: State) -> FittedArithmetic:
        """Return the fitted encoder that gave this state."""
        header = header_of(state)
        rounds = tuple(
            {operation: tuple((int(a), int(b)) for a, b in found) for operation, found in pairs.items()}
            for pairs in header["rounds"]
        )
        return FittedArithmetic(tuple(header["columns"]), rounds)


def _order(key: Key) -> tuple[int, int, int]:
    """Return by what features of a round are in order: that of ``FittedArithmetic.features``."""
    return (list(OPERATIONS).index(key[0]), *key[1:])


def _candidates(values: Mapping[int, NDArray[np.float64]], new: Collection[int]) -> Iterator[Candidate[Key]]:
    """Yield all pairs with at least one that is new in this round."""
    for a, left in values.items():
        for b, right in values.items():
            for operation in OPERATIONS:
                if (a < b or (a > b and operation == "ratio")) and (a in new or b in new):
                    yield Candidate((operation, a, b), cut(apply(operation, left, right)), BINS, (a, b))


part = Arithmetic()
