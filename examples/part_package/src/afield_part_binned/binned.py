"""Numbers as their rank among the training values, in steps, so that outliers and long tails cannot pull."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afield.data.answer import Answer
from afield.data.table import NumberColumn, Table
from afield.graph.builder import Builder, Value
from afield.parts.protocol import Feature, FitContext, Setting, Settings, State
from afield.parts.settings import settle
from afield.problem.schema import ColumnSpec

MIDDLE = 0.5


@dataclass(frozen=True)
class FittedBinned:
    """The fitted encoder.

    ``edges``: float64 [C, E], rising; unused ones are NaN, which no number reaches. A value's feature is the share of
    its column's edges that are not above it.
    """

    columns: tuple[str, ...]
    edges: NDArray[np.float64]

    @property
    def features(self) -> Sequence[Feature]:
        """One for each column."""
        return [Feature(name=f"{column}.rank", column=column) for column in self.columns]

    def lower(self, builder: Builder, inputs: Mapping[str, Value]) -> Value:
        """Add a handful of nodes, however many columns there are: float64 [N] each to float32 [N, C]."""
        x = builder.transpose(builder.stack_columns([inputs[c] for c in self.columns]), [1, 0])
        last = builder.constant(np.array([2], dtype=np.int64))
        reached = builder.op(
            "GreaterOrEqual", builder.op("Unsqueeze", x, last), builder.constant(self.edges[None]), dtype="bool"
        )
        count = builder.op("ReduceSum", builder.cast(reached, "float32"), last, keepdims=0)
        used = np.maximum(1, (~np.isnan(self.edges)).sum(axis=1))
        rank = builder.op("Div", count, builder.constant(used.astype(np.float32)))
        missing = builder.op("IsNaN", x, dtype="bool")
        return builder.op("Where", missing, builder.constant(np.float32(MIDDLE)), rank, dtype="float32")

    def state(self) -> State:
        """Return columns and edges."""
        return {"json": np.array(json.dumps({"columns": self.columns})), "edges": self.edges}


class Binned:
    """The part."""

    name = "binned"
    kinds = frozenset({"number"})
    uses_target = False
    space: Mapping[str, Setting] = {"bins": Setting(kind="integer", default=16, low=2, high=64, log=True)}

    def fit(
        self, table: Table, specs: Sequence[ColumnSpec], target: Answer, context: FitContext, settings: Settings
    ) -> FittedBinned:
        """Find the edges: quantiles of the values that are there."""
        bins = settle(self.space, settings)["bins"]
        edges = np.full((len(specs), bins - 1), np.nan)
        for row, spec in zip(edges, specs, strict=True):
            column = table[spec.name]
            assert isinstance(column, NumberColumn)  # its kind is "number"
            values = column.values[np.isfinite(column.values)]
            if len(values):
                found = np.unique(np.quantile(values, np.arange(1, bins) / bins, method="nearest"))
                row[: len(found)] = found
        return FittedBinned(tuple(s.name for s in specs), edges)

    def restore(self, state: State) -> FittedBinned:
        """Return the fitted encoder that gave this state."""
        return FittedBinned(tuple(json.loads(str(state["json"]))["columns"]), state["edges"])


part = Binned()
