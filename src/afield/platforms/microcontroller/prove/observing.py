"""Holds integer operators inside a network of floats to the reference: their own bytes in, their own bytes out.

The network is compiled once more with every value beside an integer operator as an output, and run on this machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from afield.platforms.microcontroller.emission.network import emit
from afield.platforms.microcontroller.following.columns import FIRST, MISSING, UNKNOWN, CodeColumn
from afield.platforms.microcontroller.integer import oracle
from afield.platforms.microcontroller.ir import Array
from afield.platforms.microcontroller.operators import Site
from afield.platforms.microcontroller.passes.ends import separate
from afield.platforms.microcontroller.plan import plan
from afield.platforms.microcontroller.prove import host
from afield.platforms.microcontroller.tabular.compile import CompiledTable

#: rows that are looked at inside
ROWS = 64


@dataclass(frozen=True, kw_only=True)
class Observed:
    """How many integer operators were looked at on how many rows, and how many of their elements were wrong."""

    operators: int
    rows: int
    wrong: int

    def text(self) -> str:
        """Return one sentence."""
        told = f"{self.wrong} elements are not those of" if self.wrong else "equal to the bit to"
        return f"{self.operators} integer operators inside on {self.rows} rows: {told} the integer reference"


def observed(compiled: CompiledTable, feed: Mapping[str, Array], folder: Path) -> Observed:
    """Return how the integer operators of a compiled network did on rows of its file's inputs.

    Raises
    ------
    MissingDependencyError
        ``dependency.missing``: no gcc.
    RuntimeError
        The compiler refused the code, or the program ended badly.
    """
    graph = compiled.graph
    nodes = [node for node in graph.nodes if node.op in oracle.INTEGER]
    seen = [n for node in nodes for n in (*node.inputs, *node.outputs) if n and graph.constant(n) is None]
    names = [n for n in dict.fromkeys(seen) if n not in graph.outputs and n not in graph.inputs]
    whole = separate(graph.edited(outputs=(*graph.outputs, *names)))
    network = emit(whole, plan(whole), "observed")
    count = min(ROWS, len(next(iter(feed.values()))))
    given = ports(compiled, {n: v[:count] for n, v in feed.items()})
    program = host.build([network], folder, (*host.STRICT_C, *host.SANITISED), "-O0")
    rows = [[given[p.name][i].reshape(p.tensor.shape) for p in network.inputs] for i in range(count)]
    wrong = 0
    for row, answers in zip(rows, program.run(0, rows), strict=True):
        values = {n: t.value for n, t in graph.tensors.items() if t.value is not None}
        values |= {p.name: a for p, a in zip(network.inputs, row, strict=True)}
        values |= {n: a.reshape(graph.tensors[n].shape) for n, a in zip((*graph.outputs, *names), answers, strict=True)}
        for node in nodes:
            want = oracle.computed(Site(graph, node), [values[n] for n in node.inputs if n])
            wrong += int((want != values[node.outputs[0]]).sum())
    return Observed(operators=len(nodes), rows=count, wrong=wrong)


def ports(compiled: CompiledTable, feed: Mapping[str, Array]) -> dict[str, Array]:
    """Return rows [N, ...] of the network function's inputs for rows of the file's."""
    table = compiled.table
    found = {n: v for n, v in feed.items() if n in compiled.graph.inputs}
    if table.number_input:
        found[table.number_input] = np.stack([np.ravel(feed[n]) for n in table.numbers], axis=1).astype(np.float32)
    if table.code_input:
        kind = compiled.graph.tensors[table.code_input].dtype.numpy
        codes = [[_code(column, str(v)) for v in feed[column.name]] for column in table.codes]
        found[table.code_input] = np.array(codes, dtype=kind).T
    return found


def _code(column: CodeColumn, text: str) -> int:
    if not text:
        return MISSING
    return FIRST + column.values.index(text) if text in column.values else UNKNOWN
