"""Holds each integer operator to onnxruntime, which computes the same file operator by operator in real numbers.

Every operator gets onnxruntime's own integers, so that a rounding does not grow on its way through the network and one
step of an operator's output is all that it may be off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from afield.model.session import open_session
from afield.platforms.microcontroller.integer import oracle
from afield.platforms.microcontroller.ir import Array, Graph
from afield.platforms.microcontroller.operators import Site
from afield.platforms.microcontroller.passes.pipeline import rewritten
from afield.platforms.microcontroller.reading.parse import parse

#: what an operator may be off, in steps of its output
STEPS = 1
#: rows that are held so
ROWS = 16
#: the pass after which values still have the names and the shapes that the file gave them
_NAMED = "layout.channels_last"


@dataclass(frozen=True, kw_only=True)
class Stepwise:
    """How many operators were held to onnxruntime on how many rows, and how far off they were, in steps."""

    operators: int
    rows: int
    off: int

    @property
    def passed(self) -> bool:
        """Whether all are within ``STEPS``, and there were any."""
        return self.operators > 0 and self.off <= STEPS

    def text(self) -> str:
        """Return one sentence."""
        plural = "" if self.off == 1 else "s"
        return (
            f"each of {self.operators} integer operators on {self.rows} rows: at most {self.off} step{plural} of its "
            "output off onnxruntime"
        )


def stepwise(content: bytes, graph: Graph, feed: Mapping[str, Array]) -> Stepwise:
    """Return how far the integer operators of a file are off onnxruntime's.

    Parameters
    ----------
    content : bytes
        The ONNX file.
    graph : Graph
        What was read of it, before the passes.
    feed : mapping of str to ndarray [N, ...]
        Inputs of the file.
    """
    named = _named(graph)
    rows = min(ROWS, len(next(iter(feed.values()))))
    wanted = _integers(content, {n for node in named.nodes for n in node.outputs}, feed, rows)
    off, seen = 0, set()
    for row in range(rows):
        values = {n: t.value for n, t in named.tensors.items() if t.value is not None}
        values |= {n: v[row].reshape(named.tensors[n].shape) for n, v in wanted.items()}
        for node in named.nodes:
            if node.op not in oracle.MOVING | oracle.INTEGER or any(n and n not in values for n in node.inputs):
                continue
            got, name = oracle.computed(Site(named, node), [values[n] for n in node.inputs if n]), node.outputs[0]
            if name in wanted:
                seen.add(name)
                off = max(off, int(np.abs(got.astype(np.int64) - values[name]).max(initial=0)))
            else:
                values[name] = got
    return Stepwise(operators=len(seen), rows=rows, off=off)


def _named(graph: Graph) -> Graph:
    found: list[Graph] = []
    rewritten(graph, lambda name, now: found.append(now) if name == _NAMED else None)
    return found[0]


def _integers(content: bytes, known: set[str], feed: Mapping[str, Array], rows: int) -> dict[str, Array]:
    """Return onnxruntime's quantised values [rows, ...] by name."""
    import onnx

    model = parse(content)
    names = [n for node in model.graph.node if _quantises(node.op_type) for n in node.output if n in known]
    there = {o.name for o in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=n) for n in names if n not in there)
    session = open_session(model.SerializeToString(), plain=True)
    found = [session.run(names, {n: v[i : i + 1] for n, v in feed.items()}) for i in range(rows)]
    return {name: np.stack([row[k] for row in found]) for k, name in enumerate(names)}


def _quantises(op: str) -> bool:
    return op == "QuantizeLinear" or op.startswith("QLinear")
