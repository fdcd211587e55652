"""Which doubles of a table must stay doubles for the answers to be the file's.

Only what is computed from columns element by element is looked at: behind a layer or a tree a rounding stays a
rounding. There, a double stays one

- where a tree or a comparison asks about it: a rounding would turn a row into another leaf;
- where two computed doubles meet: their difference may be all rounding, their product beyond float32, and their ratio
  both; so does all that follows, up to the file's own cast to float32;
- where float32 would have an infinity, or lack a constant, and what follows can tell.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from afield.platforms.microcontroller.elements import BINARY, UNARY
from afield.platforms.microcontroller.ir import Array, DType, Graph, Node
from afield.platforms.microcontroller.plan import VIEW
from afield.platforms.microcontroller.tabular.ranges import FLOAT32_MAX, MOVES, Range, between, constant, range_of

_TREES = ("Ranks", "Forest", "Oblivious")
_OWN = {VIEW, "Cast", "Lookup", "SmoothClip", "SignedLog"}
_BY_ELEMENT = {*BINARY, *UNARY, *MOVES, *_OWN}
#: results jump where an input moves by a rounding
_JUMPS = {"Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual", "Floor", "Ceil", "Round", "Mod", "Sign"}
#: of two computed values these give back one, and lose nothing
_CHOICES = {"Min", "Max", "Where"}
#: an infinity does to these what a large number does, as far as ``ranges`` follows it
_BOUND = {"Add", "Sub", "Mul", "Div", "Min", "Max", "Neg", "Abs", "Relu", "Sigmoid", "Tanh", "Erf", "HardSigmoid",
          "Sign", "Exp", "SmoothClip", "IsNaN", VIEW, *MOVES}  # fmt: skip
_LEAST_NORMAL = float(np.finfo(np.float32).tiny)


def kept(graph: Graph) -> set[str]:
    """Return the names of the doubles that stay doubles."""
    return _Walk(graph).run()


class _Walk:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.made = graph.producers()
        self.kept: set[str] = set()
        self.wide: set[str] = set()  # of these, the ones whose followers stay doubles as well
        self.plain = {t.name for t in graph.tensors.values() if t.value is not None} | {*graph.inputs}
        self.exact = {*graph.inputs}  # float32 holds them to the last bit
        self.ranges: dict[str, Range] = {n: between(graph.tensors[n].shape, opened=True) for n in graph.inputs}
        for tensor in graph.tensors.values():
            if tensor.value is not None and tensor.value.dtype.kind in "fiub":
                self.ranges[tensor.name] = constant(tensor.value)
                if np.array_equal(_single(tensor.value), tensor.value, equal_nan=True):
                    self.exact.add(tensor.name)

    def run(self) -> set[str]:
        for node in self.graph.nodes:
            if node.op == "Ranks":
                self.keep(node.inputs)
        for node in self.graph.nodes:
            inputs = [n for n in node.inputs if n]
            if node.op not in _BY_ELEMENT or not self.plain.issuperset(inputs):
                self.ends(inputs)
                continue
            self.plain |= {n for n in node.outputs if n}
            self.follow(node, inputs)
            for name in filter(None, node.outputs):
                result = self.graph.tensors[name]
                found = range_of(self.graph, node, result, {n: self.ranges[n] for n in inputs})
                lossless = name in self.kept
                none = np.full(result.shape, np.inf)
                self.ranges[name] = Range(found.low, found.high, none, none, found.opened) if lossless else found
        self.ends(self.graph.outputs)
        return self.kept

    def follow(self, node: Node, inputs: list[str]) -> None:
        """Decide on a node of which all inputs are plain."""
        computed = [n for n in inputs if self.graph.constant(n) is None and self.graph.tensors[n].dtype.is_float]
        doubles = [n for n in computed if self.is_double(n)]
        if node.op in (VIEW, "Cast", "Neg", "Abs", "Relu", *MOVES, "Min", "Max") and self.exact.issuperset(inputs):
            self.exact |= {*node.outputs}
        whole = node.op == "Cast" and not self.graph.tensors[node.outputs[0]].dtype.is_float
        if (node.op in _JUMPS or whole) and not self.exact.issuperset(inputs):
            self.keep([*computed, *node.outputs])
        if node.op == "Cast":
            self.ends(doubles)
            if self.is_double(node.outputs[0]) or not doubles:
                return
        elif self.is_double(node.outputs[0]) and (
            (len(computed) > 1 and node.op not in _CHOICES | MOVES)
            or self.wide & {*doubles}
            or (node.op in ("Add", "Sub", "Mul", "Div") and not self.held(node))
        ):
            self.widen(node.outputs)
        elif node.op not in _BOUND:
            lost = [n for n in doubles if n not in self.kept and np.isfinite(self.ranges[n].lost).any()]
            self.keep(lost)
            if lost and node.op != "SignedLog" and self.is_double(node.outputs[0]):
                self.widen(node.outputs)

    def is_double(self, name: str) -> bool:
        return self.graph.tensors[name].dtype is DType.FLOAT64

    def held(self, node: Node) -> bool:
        """Return whether float32 can hold the constants of an operator, as far as it needs to."""
        for name in node.inputs:
            value = self.graph.constant(name)
            if value is not None:
                size = np.abs(value[np.isfinite(value)])
                small = (size > 0) & (size < _LEAST_NORMAL) & (node.op in ("Mul", "Div"))
                if (size > FLOAT32_MAX).any() or small.any():
                    return False
        return True

    def ends(self, names: Iterable[str]) -> None:
        """Keep values that leave this region while float32 would lack numbers that it holds."""
        for name in names:
            if name in self.ranges and self.is_double(name) and (self.ranges[name].lost < FLOAT32_MAX).any():
                self.keep([name])

    def widen(self, names: Iterable[str]) -> None:
        self.wide |= {*names}
        self.keep(names)

    def keep(self, names: Iterable[str]) -> None:
        """Keep values and all doubles from which they follow."""
        waiting, seen = [*names], set[str]()
        while waiting:
            name = waiting.pop()
            if not name or name in seen:
                continue
            seen.add(name)
            if self.is_double(name):
                self.kept.add(name)
            node = self.made.get(name)
            if node is not None and node.op not in _TREES:
                waiting += node.inputs


def _single(value: Array) -> Array:
    with np.errstate(over="ignore"):
        return value.astype(np.float32).astype(np.float64) if value.dtype.kind == "f" else value
