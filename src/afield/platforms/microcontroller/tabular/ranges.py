"""Which doubles of a table float32 would turn into infinities, and how large these doubles are at least.

Interval arithmetic, element by element, from columns that may hold any float32. A number bounded to 1e150 is finite in
double and may be infinite in float32: no harm where it is bounded to 10 soon after, but its logarithm would be wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from afield.platforms.microcontroller.ir import Array, DType, Graph, Node, Tensor

FLOAT32_MAX = float(np.finfo(np.float32).max)
#: what rounds to the largest float32, and not to infinity
_ROUNDED_MAX = FLOAT32_MAX + 2.0**102
_WHOLE = 2.0**64
#: operators that never turn two numbers round and whose results float32 can hold, or both can not
_RISING: Mapping[str, Callable[[Array], Array]] = {
    "Exp": np.exp, "Sqrt": lambda x: np.sqrt(np.maximum(x, 0.0)), "Log": lambda x: np.log(np.maximum(x, 0.0)),
    "Tanh": np.tanh, "Sign": np.sign, "Floor": np.floor, "Ceil": np.ceil, "Round": np.rint,
    "Sigmoid": lambda x: 1.0 / (1.0 + np.exp(-x)), "SignedLog": lambda x: np.sign(x) * np.log1p(np.abs(x)),
}  # fmt: skip
#: operators whose results stay within this; 0: within their attribute ``limit``
_BOUNDED = {"Sin": 1.0, "Cos": 1.0, "Erf": 1.0, "HardSigmoid": 1.0, "Softsign": 1.0, "SmoothClip": 0.0}
#: operators whose results are elements of their inputs
MOVES = frozenset({"Gather", "Transpose", "Concat", "Split", "Where", "Slice", "Expand"})


@dataclass(frozen=True)
class Range:
    """What the elements of a value can be; float64 arrays of its shape.

    Parameters
    ----------
    low, high : float64 array
        Between which the numbers lie that float32 holds.
    under, over : float64 array
        Least magnitudes of negative and of positive doubles in whose place float32 has an infinity; inf: none are.
    opened : bool
        Whether elements may be infinite in double, and then in float32.
    """

    low: Array
    high: Array
    under: Array
    over: Array
    opened: bool = False

    @property
    def lost(self) -> Array:
        """The least magnitude that float32 lacks."""
        return np.minimum(self.under, self.over)

    @property
    def most(self) -> Array:
        """The largest magnitude that float32 holds."""
        return np.maximum(np.abs(self.low), np.abs(self.high))

    def turned(self) -> Range:
        """Return the range of the negative."""
        return Range(-self.high, -self.low, self.over, self.under, self.opened)

    def settled(self) -> Range:
        """Return the range with numbers beyond float32 among those that it lacks."""
        under = np.where(self.low < -_ROUNDED_MAX, np.minimum(self.under, FLOAT32_MAX), self.under)
        over = np.where(self.high > _ROUNDED_MAX, np.minimum(self.over, FLOAT32_MAX), self.over)
        low, high = (np.clip(end, -FLOAT32_MAX, FLOAT32_MAX) for end in (self.low, self.high))
        return Range(low, high, under, over, self.opened)


def between(
    shape: Sequence[int], low: float = -FLOAT32_MAX, high: float = FLOAT32_MAX, *, opened: bool = False
) -> Range:
    """Return the range of a value that float32 holds."""
    return Range(np.full(shape, low), np.full(shape, high), _nowhere(shape), _nowhere(shape), opened)


def _nowhere(shape: Sequence[int]) -> Array:
    return np.full(shape, np.inf)


def constant(value: Array) -> Range:
    """Return the range of a constant; those beyond float32 are infinities there."""
    numbers = np.nan_to_num(np.asarray(value, dtype=np.float64), nan=0.0, posinf=np.inf, neginf=-np.inf)
    large = np.isfinite(numbers) & (np.abs(numbers) > _ROUNDED_MAX)
    held = np.clip(numbers, -FLOAT32_MAX, FLOAT32_MAX)
    under, over = (np.where(large & (sign * numbers > 0), np.abs(numbers), np.inf) for sign in (-1, 1))
    return Range(held, held, under, over, bool(np.isinf(numbers).any()))


def widest(parts: Sequence[Range], shape: Sequence[int]) -> Range:
    """Return one range around all elements, of any shape."""
    parts = [p for p in parts if p.low.size]
    if not parts:
        return between(shape)
    return Range(
        np.full(shape, min(p.low.min() for p in parts)),
        np.full(shape, max(p.high.max() for p in parts)),
        np.full(shape, min(p.under.min() for p in parts)),
        np.full(shape, min(p.over.min() for p in parts)),
        any(p.opened for p in parts),
    )


def range_of(  # noqa: PLR0911 - one for each kind of operator
    graph: Graph, node: Node, result: Tensor, known: Mapping[str, Range]
) -> Range:
    """Return the range of a node's output, from those of its inputs."""
    inputs = [known[n] for n in node.inputs if n]
    kinds = [graph.tensors[n].dtype for n in node.inputs if n]
    with np.errstate(all="ignore"):
        if result.dtype is DType.BOOL or (node.op == "Cast" and kinds[0] is DType.BOOL):
            return between(result.shape, 0.0, 1.0)
        if node.op == "Lookup":
            tables = node.attributes["tables"]
            values = np.concatenate([np.ravel(t) for t in tables]) if isinstance(tables, tuple) else np.zeros(1)
            return widest([constant(values)], result.shape)
        if node.op == "Cast" and not kinds[0].is_float:
            return between(result.shape, -_WHOLE, _WHOLE)
        if node.op == "Cast" and result.dtype is DType.FLOAT32:
            return between(result.shape, opened=True)
        if node.op in _BINARY and len(inputs) == 2:
            return _spread(_BINARY[node.op](*inputs), result.shape)
        if node.op in _ONE and inputs:
            return _spread(_ONE[node.op](inputs[0]), result.shape)
        if node.op in _RISING:
            ends = [np.asarray(_RISING[node.op](end)) for end in (inputs[0].low, inputs[0].high)]
            return _spread(replace(between(ends[0].shape), low=ends[0], high=ends[1]), result.shape)
        if node.op in _BOUNDED:
            reach = _BOUNDED[node.op] or abs(float(str(node.attributes.get("limit", 1.0))))
            return between(result.shape, -reach, reach)
        if node.op in MOVES:
            return widest(inputs[node.op == "Where" :], result.shape)
    return between(result.shape, opened=True)


def _spread(found: Range, shape: Sequence[int]) -> Range:
    def fit(array: Array) -> Array:
        return array.reshape(shape) if array.size == int(np.prod(shape)) else np.broadcast_to(array, shape)

    return Range(fit(found.low), fit(found.high), fit(found.under), fit(found.over), found.opened).settled()


def _sum(a: Range, b: Range) -> Range:
    under, over = (np.maximum(np.minimum(x - b.most, y - a.most), 0.0) for x, y in
                   ((a.under, b.under), (a.over, b.over)))  # fmt: skip
    return Range(a.low + b.low, a.high + b.high, under, over, a.opened or b.opened)


def _product(a: Range, b: Range) -> Range:
    ends = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
    least = [np.where((r.low <= 0) & (r.high >= 0), 0.0, np.minimum(np.abs(r.low), np.abs(r.high))) for r in (a, b)]
    lost = [np.where(np.isinf(x), np.inf, x * y) for x, y in ((a.lost, least[1]), (b.lost, least[0]))]
    either = np.minimum(*lost)
    sides = []
    for same, other in ((a.under, a.over), (a.over, a.under)):  # a factor that keeps its sign keeps the sides apart
        kept = np.where(b.low > 0, same, np.where(b.high < 0, other, a.lost)) * least[1]
        sides.append(np.where(np.isinf(a.lost) | ~np.isinf(b.lost), either, np.where(np.isnan(kept), np.inf, kept)))
    return Range(np.minimum.reduce(ends), np.maximum.reduce(ends), sides[0], sides[1], a.opened or b.opened)


def _quotient(a: Range, b: Range) -> Range:
    crossed = (b.low <= 0) & (b.high >= 0)
    low, high = np.where(crossed, -np.inf, 1 / b.high), np.where(crossed, np.inf, 1 / b.low)
    turned = Range(low, high, _nowhere(b.low.shape), _nowhere(b.low.shape))
    found = _product(a, turned)
    ends = [np.nan_to_num(end, nan=sign * np.inf, posinf=np.inf, neginf=-np.inf) for end, sign in
            ((found.low, -1), (found.high, 1))]  # fmt: skip
    return replace(found, low=ends[0], high=ends[1])


def _least(a: Range, b: Range) -> Range:
    # what float32 lacks is replaced by a bound that it holds
    bounded = [(y.high < x.over) & np.isinf(y.over) & (not y.opened) for x, y in ((a, b), (b, a))]
    over = np.minimum(*(np.where(held, np.inf, r.over) for held, r in zip(bounded, (a, b), strict=True)))
    return Range(np.minimum(a.low, b.low), np.minimum(a.high, b.high), np.minimum(a.under, b.under), over,
                 a.opened or b.opened)  # fmt: skip


_BINARY: Mapping[str, Callable[[Range, Range], Range]] = {
    "Add": _sum, "Sub": lambda a, b: _sum(a, b.turned()), "Mul": _product, "Div": _quotient, "Min": _least,
    "Max": lambda a, b: _least(a.turned(), b.turned()).turned(),
}  # fmt: skip
_ONE: Mapping[str, Callable[[Range], Range]] = {
    "View": lambda a: a, "Cast": lambda a: a, "Neg": Range.turned,
    "Relu": lambda a: replace(a, low=np.maximum(a.low, 0), high=np.maximum(a.high, 0), under=_nowhere(a.low.shape)),
    "Abs": lambda a: Range(np.zeros(a.low.shape), a.most, _nowhere(a.low.shape), a.lost, a.opened),
}  # fmt: skip
