"""Dates and times to features: calendar parts and elapsed days.

``form = "tree"`` gives plain numbers, NaN where missing. ``form = "linear"`` gives cyclic month, weekday and hour
(sine and cosine, 0 where missing), the elapsed days standardised and clipped, and a mark for missing values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.data.answer import Answer
from afield.data.table import StringColumn, Table
from afield.graph.builder import Builder, Value
from afield.parts.encoders.calendar import Moments, read_moments
from afield.parts.encoders.levels import string_column
from afield.parts.encoders.state import header_of, pack
from afield.parts.protocol import Feature, FitContext, Setting, Settings, State
from afield.parts.settings import settle
from afield.problem.schema import ColumnSpec

_TREE = ("year", "month", "day", "weekday", "day_of_year", "hour", "elapsed")
_CYCLES = (("month", 12), ("weekday", 7), ("hour", 24))
_LINEAR = (*(f"{name}.{wave}" for wave in ("sin", "cos") for name, _ in _CYCLES), "elapsed", "missing")
_CLIP = 10.0
_MOMENTS = [field.name for field in fields(Moments)]
_CHUNK = 16_384  # texts that are read at once: bounds memory


@dataclass(frozen=True)
class FittedDatetime:
    """``origin`` and ``scale``: float64 [C], the elapsed feature is ``(days - origin) * scale``.

    ``cells``: int64 [W, 2], column index and place among the form's features of each feature that is kept.
    """

    columns: tuple[str, ...]
    form: str
    origin: NDArray[np.float64]
    scale: NDArray[np.float64]
    cells: NDArray[np.int64]

    @property
    def features(self) -> Sequence[Feature]:
        """``when.weekday`` and the like; those that are constant in training are left out."""
        names = _TREE if self.form == "tree" else _LINEAR
        return [Feature(name=f"{self.columns[c]}.{names[f]}", column=self.columns[c]) for c, f in self.cells.tolist()]

    def lower(self, builder: Builder, inputs: Mapping[str, Value]) -> Value:
        """Add about 80 nodes: string [N] each to float32 [N, W]."""
        moments = read_moments(builder, [inputs[name] for name in self.columns])
        lower = _tree if self.form == "tree" else _linear
        full = lower(builder, moments, self.origin[:, None], self.scale[:, None])  # [F, C, N]
        width = len(_TREE if self.form == "tree" else _LINEAR)
        flat = builder.reshape(builder.transpose(full, [2, 1, 0]), [0, len(self.columns) * width])
        places = self.cells[:, 0] * width + self.cells[:, 1]
        return builder.gather(flat, builder.constant(places), axis=1)

    def state(self) -> State:
        """Return columns, form, origins, scales and cells."""
        header = {"columns": self.columns, "form": self.form}
        return pack(header, origin=self.origin, scale=self.scale, cells=self.cells)


class Datetime:
    """Calendar parts and elapsed days."""

    name = "datetime"
    kinds = frozenset({"datetime"})
    uses_target = False
    space: Mapping[str, Setting] = {"form": Setting(kind="choice", default="tree", choices=("tree", "linear"))}

    def fit(
        self, table: Table, specs: Sequence[ColumnSpec], target: Answer, context: FitContext, settings: Settings
    ) -> FittedDatetime:
        """Find the first moment, the spread, and the features that vary, by running the graph on the distinct texts."""
        form = settle(self.space, settings)["form"]
        columns = tuple(s.name for s in specs)
        names = _TREE if form == "tree" else _LINEAR
        origin, scale, cells = np.zeros(len(columns)), np.ones(len(columns)), []
        for c, name in enumerate(columns):
            read, rows = _read(string_column(table, name))
            valid = read.pop("valid") > 0
            sources = {"elapsed": "days", "hour": "day_part" if form == "tree" else "hour"}
            if valid.any():
                days = read["days"][valid]
                origin[c], scale[c] = (days.min(), 1.0) if form == "tree" else _standard(days, rows[valid])
            varies = {key: bool(np.unique(values[valid]).size > 1) for key, values in read.items()}
            for f, feature in enumerate(names):
                source = feature.partition(".")[0]
                if (source == "missing" and not valid.all()) or varies.get(sources.get(source, source)):
                    cells.append((c, f))
        cells = cells or [(0, names.index("elapsed"))]  # an encoder never comes out without width
        return FittedDatetime(columns, form, origin, scale, np.array(cells, np.int64).reshape(-1, 2))

    def restore(self, state: State) -> FittedDatetime:
        """Return the fitted encoder that gave this state."""
        header = header_of(state)
        arrays = (state[key] for key in ("origin", "scale", "cells"))
        return FittedDatetime(tuple(header["columns"]), header["form"], *arrays)


def _tree(builder: Builder, moments: Moments, origin: NDArray[np.float64], scale: NDArray[np.float64]) -> Value:
    """Return float32 [7, C, N]."""
    hour = builder.op("Mul", moments.day_part, builder.constant(np.float64(24)))
    elapsed = builder.op("Sub", moments.days, builder.constant(origin))
    whole = [moments.year, moments.month, moments.day, moments.weekday, moments.day_of_year]
    full = builder.concat(
        [builder.cast(_stack(builder, whole), "float32"), builder.cast(_stack(builder, [hour, elapsed]), "float32")],
        axis=0,
    )
    return builder.op("Where", moments.valid, full, builder.constant(np.float32(np.nan)), dtype="float32")


def _linear(builder: Builder, moments: Moments, origin: NDArray[np.float64], scale: NDArray[np.float64]) -> Value:
    """Return float32 [8, C, N]."""
    # All cycles share one table of sines and cosines: bit-equal everywhere, unlike a Sin node. Row 0 is for missing.
    table, starts = [np.zeros((1, 2))], []
    for name, length in _CYCLES:
        starts.append(sum(len(rows) for rows in table) - (name == "month"))
        angle = 2 * np.pi * np.arange(length)[:, None] / length
        table.append(np.concatenate([np.sin(angle), np.cos(angle)], axis=1))
    rows = _stack(builder, [moments.month, moments.weekday, moments.hour])
    rows = builder.op("Add", rows, builder.constant(np.array(starts, np.int64)[:, None, None]))
    rows = builder.op("Where", moments.valid, rows, builder.constant(np.int64(0)), dtype="int64")
    waves = builder.constant(np.concatenate(table).T.astype(np.float32))
    cycles = builder.gather(waves, rows, axis=1)  # [2, 3, C, N]
    elapsed = builder.op("Mul", builder.op("Sub", moments.days, builder.constant(origin)), builder.constant(scale))
    elapsed = builder.op(
        "Max", builder.op("Min", elapsed, builder.constant(np.float64(_CLIP))), builder.constant(np.float64(-_CLIP))
    )
    elapsed = builder.op("Where", moments.valid, elapsed, builder.constant(np.float64(0)), dtype="float64")
    missing = builder.cast(builder.op("Not", moments.valid), "float32")
    rest = _stack(builder, [builder.cast(elapsed, "float32"), missing])
    shape = [2 * len(_CYCLES), len(origin), -1]
    return builder.concat([builder.reshape(cycles, shape), rest], axis=0)


def _stack(builder: Builder, values: Sequence[Value]) -> Value:
    """Return [F, C, N] from F values of shape [C, N]."""
    axis = builder.constant(np.array([0], np.int64))
    return builder.concat([builder.op("Unsqueeze", v, axis) for v in values], axis=0)


def _read(column: StringColumn) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.int64]]:
    """Return the moments of the distinct texts that occur, float64 [L] each, and int64 [L] rows of each text."""
    rows = np.bincount(column.codes, minlength=len(column.levels))
    used = np.flatnonzero(rows)
    texts = np.asarray(column.levels[used], dtype=object)
    chunks = [texts[start : start + _CHUNK] for start in range(0, max(1, len(texts)), _CHUNK)]
    answers = zip(*(_reader().run(_MOMENTS, {"text": chunk}) for chunk in chunks), strict=True)
    read = (np.concatenate(pieces, axis=1)[0].astype(np.float64) for pieces in answers)
    return dict(zip(_MOMENTS, read, strict=True)), rows[used]


@cache
def _reader() -> Any:
    """Return an onnxruntime session that reads one column, one for the process."""
    import onnxruntime

    builder = Builder()
    moments = read_moments(builder, [builder.input("text", "string", ["N"])])
    for name in _MOMENTS:
        builder.output(getattr(moments, name), name, [1, "N"])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    model = builder.build("moments").SerializeToString()
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _standard(days: NDArray[np.float64], rows: NDArray[np.int64]) -> tuple[float, float]:
    """Return mean and inverse standard deviation over rows; 0 where there is no spread."""
    mean = float(np.average(days, weights=rows))
    spread = float(np.sqrt(np.average((days - mean) ** 2, weights=rows)))
    return mean, (1 / spread if np.ptp(days) > 0 else 0.0)


part = Datetime()
