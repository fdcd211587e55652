"""The network as graph: all folds side by side, so that a row costs few nodes however many folds there are.

Parameters are kept as float32 and computed with in float64, which the runtime widens once, when it loads the file.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from afield.graph.builder import Builder, Value
from afield.parts.learners.folds import both_classes
from afield.parts.learners.network.inputs import REACH, SOFT, Inputs
from afield.parts.learners.network.nets import TWO_PI, WAVE_OUTPUTS, Shape
from afield.parts.learners.standardise import Scale

Parameters = dict[str, NDArray[np.float32]]


class Lowering:
    """Lowers networks of one shape; values are float64 [folds, N, ...]."""

    def __init__(self, builder: Builder, shape: Shape, inputs: Sequence[Inputs], parameters: Sequence[Parameters]):
        self.b, self.shape, self.inputs, self.parameters = builder, shape, inputs, parameters
        self.folds = len(inputs)
        self.marked = np.unique(np.concatenate([i.marked for i in inputs]))  # missing in the training of some fold

    def answers(self, features: Value) -> Value:
        """Return the heads' answers float64 [folds, members, N, outputs] for float32 [N, F]."""
        b, shape = self.b, self.shape
        first = b.op("MatMul", b.concat(self._first_inputs(features), axis=2), self._wide(self._first_weights()))
        units = b.reshape(first, [self.folds, 1, -1, shape.width])
        units = b.op("Mul", units, self._stack("flip", [self.folds, shape.members, 1, shape.width]))
        units = b.op("Add", units, self._stack("shift", [self.folds, shape.members, 1, shape.width]))
        units = b.reshape(self._activate(units), [self.folds, -1, shape.width])
        for i in range(1, shape.depth):
            units = b.op("MatMul", units, self._stack(f"hidden{i}"))
            units = self._activate(b.op("Add", units, self._stack(f"hidden{i}_bias", [self.folds, 1, shape.width])))
        units = b.reshape(units, [self.folds, shape.members, -1, shape.width])
        heads = b.op("MatMul", units, self._stack("head"))
        return b.op("Add", heads, self._stack("head_bias", [self.folds, shape.members, 1, shape.outputs]))

    def mean(self, answers: Value, scales: Sequence[Scale], classes: int) -> Value:
        """Return float64 [N, classes] or [N, 1]: the mean over folds and members."""
        b = self.b
        if classes == 2:
            return both_classes(b, self._over_all(b.op("Sigmoid", answers)))
        if classes > 2:
            return self._over_all(b.op("Softmax", answers, axis=3))
        spread, centre = (np.array(v).reshape(-1, 1, 1, 1) for v in zip(*[(s.spread, s.centre) for s in scales],
                                                                        strict=True))  # fmt: skip
        return self._over_all(b.op("Add", b.op("Mul", answers, b.constant(spread)), b.constant(centre)))

    def _over_all(self, value: Value) -> Value:
        return self.b.op("ReduceMean", value, self.b.constant(np.array([0, 1], dtype=np.int64)), keepdims=0)

    def _wide(self, array: NDArray[np.float32]) -> Value:
        return self.b.cast(self.b.constant(array), "float64")

    def _stack(self, name: str, sizes: Sequence[int] | None = None) -> Value:
        stacked = np.stack([p[name] for p in self.parameters])
        return self._wide(stacked if sizes is None else stacked.reshape(sizes))

    def _activate(self, value: Value) -> Value:
        b = self.b
        if self.shape.activation == "relu":
            return b.op("Relu", value)
        # not value * Sigmoid(value): runtimes fuse that into a QuickGelu, for which the wasm build has no float64
        return b.op("Div", value, b.op("Add", b.op("Exp", b.op("Neg", value)), b.constant(np.float64(1.0))))

    def _each(self, name: str) -> NDArray[np.float64]:
        """Return an array of the inputs for all folds, with the folds first."""
        return np.stack([getattr(i, name) for i in self.inputs])

    def _first_inputs(self, features: Value) -> list[Value]:
        parts = self._dense(features) if len(self.inputs[0].dense) else []
        return [*parts, self._levels(features)] if len(self.inputs[0].codes) else parts

    def _dense(self, features: Value) -> list[Value]:
        """Return numbers, marks, and waves or bins, each float64 [folds, N, ...]."""
        b, dense = self.b, self.inputs[0].dense
        x = b.cast(b.gather(features, b.constant(dense), axis=1), "float64")
        missing = b.op("IsNaN", x, dtype="bool")
        x = b.op("Max", b.op("Min", x, b.constant(np.float64(REACH))), b.constant(np.float64(-REACH)))
        x = b.op("Where", missing, b.constant(self._each("centre")[:, None, :]), x, dtype="float64")
        bins = None
        if self.shape.embedding == "piecewise" or self.inputs[0].ranked:
            away = b.op("Sub", b.reshape(x, [self.folds, -1, len(dense), 1]), b.constant(self._each("low")[:, None]))
            bins = b.op("Mul", away, b.constant(self._each("inverse")[:, None]))
            bins = b.op("Max", b.op("Min", bins, b.constant(np.float64(1.0))), b.constant(np.float64(0.0)))
        parts = [self._numbers(x, bins)]
        if len(self.marked):
            marks = b.cast(b.gather(missing, b.constant(self.marked), axis=1), "float64")
            parts.append(b.op("Mul", marks, b.constant(np.ones((self.folds, 1, 1)))))
        if self.shape.embedding == "periodic":
            parts.append(self._waves(parts[0]))
        if self.shape.embedding == "piecewise" and bins is not None:
            middle = b.op("Sub", bins, b.constant(np.float64(0.5)))
            parts.append(b.reshape(middle, [self.folds, -1, len(dense) * self.shape.bins]))
        return parts

    def _numbers(self, x: Value, bins: Value | None) -> Value:
        b = self.b
        if self.inputs[0].ranked and bins is not None:
            risen = b.op("Mul", bins, b.constant(self._each("rise")[:, None]))
            total = b.op("ReduceSum", risen, b.constant(np.array([3], dtype=np.int64)), keepdims=0)
            return b.op("Add", total, b.constant(self._each("start")[:, None, :]))
        away = b.op("Sub", x, b.constant(self._each("centre")[:, None, :]))
        away = b.op("Mul", away, b.constant(self._each("scale")[:, None, :]))
        part = b.op("Div", away, b.constant(np.float64(SOFT)))
        size = b.op("Sqrt", b.op("Add", b.op("Mul", part, part), b.constant(np.float64(1.0))))
        return b.op("Div", away, size)

    def _waves(self, numbers: Value) -> Value:
        b, dense = self.b, len(self.inputs[0].dense)
        by_column = b.reshape(b.transpose(numbers, [0, 2, 1]), [self.folds, dense, -1, 1])
        turns = b.op("Mul", by_column, self._stack("wave", [self.folds, dense, 1, -1]))
        turns = b.op("Mul", turns, b.constant(np.float64(TWO_PI)))
        waves = b.op("Cos", b.op("Add", turns, self._stack("phase", [self.folds, dense, 1, -1])))
        mixed = b.transpose(b.op("MatMul", waves, self._stack("mix")), [0, 2, 1, 3])
        return b.reshape(mixed, [self.folds, -1, dense * WAVE_OUTPUTS])

    def _levels(self, features: Value) -> Value:
        """Return the levels' rows of the table, side by side."""
        b, inputs = self.b, self.inputs[0]
        x = b.gather(features, b.constant(inputs.codes), axis=1)
        other = b.constant(inputs.levels.astype(np.float32))
        known = b.op("GreaterOrEqual", x, b.constant(np.float32(0.0)), dtype="bool")
        known = b.op("And", known, b.op("Less", x, other, dtype="bool"))
        codes = b.cast(b.op("Where", known, x, other, dtype="float32"), "int64")
        codes = b.op("Add", codes, b.constant(inputs.offsets))
        rows = b.gather(self._stack("levels"), codes, axis=1)
        return b.reshape(rows, [self.folds, -1, len(inputs.codes) * self.shape.level_width])

    def _first_weights(self) -> NDArray[np.float32]:
        """Return the first layer [folds, inputs, width], with rows of zeros for marks that a fold lacks."""
        made = []
        for inputs, parameters in zip(self.inputs, self.parameters, strict=True):
            first, dense = parameters["first"], len(inputs.dense)
            marks = np.zeros((len(self.marked), self.shape.width), dtype=np.float32)
            after = dense + len(inputs.marked)
            marks[np.searchsorted(self.marked, inputs.marked)] = first[dense:after]
            made.append(np.concatenate([first[:dense], marks, first[after:]]))
        return np.stack(made)
