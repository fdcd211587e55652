"""A file of a table to C: what ``compiler`` does, with the lowering of columns before its passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from afield.core.errors import UnsupportedError
from afield.platforms.microcontroller.compiler import Options, unsupported
from afield.platforms.microcontroller.emission.names import identifier
from afield.platforms.microcontroller.emission.network import Network, emit
from afield.platforms.microcontroller.ir import Graph
from afield.platforms.microcontroller.passes.pipeline import rewritten
from afield.platforms.microcontroller.plan import Plan, plan
from afield.platforms.microcontroller.reading.read import read
from afield.platforms.microcontroller.tabular.lowering import Tabular, lower
from afield.platforms.microcontroller.trees.style import TreeStyle


@dataclass(frozen=True, kw_only=True)
class CompiledTable:
    """A table's model ready to be bundled: its meaning, its graph after all passes, its plan, and its C."""

    table: Tabular
    graph: Graph
    plan: Plan
    network: Network


def prepare(
    data: bytes, options: Options, levels: Mapping[str, Sequence[str]] | None = None, style: TreeStyle | None = None
) -> tuple[Tabular, Graph, list[str]]:
    """Return the lowered table, its graph after all passes, and every reason why it cannot become C.

    Raises
    ------
    ModelFileError
        ``model.damaged``.
    """
    reading = read(data, options.name, options.dimensions)
    table = lower(reading.graph, levels, exact=options.exact, style=style)
    if reading.problems or table.problems:
        return table, table.graph, [*reading.problems, *table.problems]
    graph = rewritten(table.graph)
    return table, graph, unsupported(graph, exact=options.exact)


def compile_table(
    data: bytes, options: Options, levels: Mapping[str, Sequence[str]] | None = None, style: TreeStyle | None = None
) -> CompiledTable:
    """Compile a file whose inputs are columns, or any other file without strings, to C.

    Raises
    ------
    ModelFileError
        ``model.damaged``.
    UnsupportedError
        ``graph.operator``, with all reasons at once.
    """
    table, graph, found = prepare(data, options, levels, style)
    if found:
        raise UnsupportedError(
            "graph.operator",
            f"The model cannot be compiled for a microcontroller: {len(found)} reason{'s' if len(found) > 1 else ''}.",
            got=" ".join(found),
            fix="Export the model without these, or run it on another platform.",
        )
    finished = plan(graph)
    return CompiledTable(
        table=table, graph=graph, plan=finished, network=emit(graph, finished, identifier(options.name))
    )
