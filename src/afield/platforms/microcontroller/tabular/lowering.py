"""The pass that makes a table's graph fit for C: columns gathered, trees lowered, texts looked up by their codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from afield.platforms.microcontroller.following import cells as following
from afield.platforms.microcontroller.following.columns import CodeColumn, code_columns
from afield.platforms.microcontroller.ir import Array, DType, Graph, Node, Tensor
from afield.platforms.microcontroller.passes.dead import remove
from afield.platforms.microcontroller.plan import VIEW
from afield.platforms.microcontroller.tabular.gathering import Gathered, gather
from afield.platforms.microcontroller.tabular.precision import settle
from afield.platforms.microcontroller.tabular.rewrites import impute_last, signed_log, smooth_clip
from afield.platforms.microcontroller.trees import lowering as trees
from afield.platforms.microcontroller.trees.expanding import expand
from afield.platforms.microcontroller.trees.rowwise import apart
from afield.platforms.microcontroller.trees.style import TreeStyle


@dataclass(frozen=True, kw_only=True)
class Tabular:
    """A graph without strings, and what its inputs and outputs mean.

    Parameters
    ----------
    graph : Graph
    numbers : tuple of str
        Columns in the order of the input ``number_input``.
    codes : tuple of CodeColumn
        Columns in the order of the input ``code_input``.
    number_input, code_input : str
        Names of the inputs; "" where there is none.
    labels : mapping of str to tuple of str
        For each output that was a text: what its numbers, from 0, stand for.
    problems : tuple of str
    """

    graph: Graph
    numbers: tuple[str, ...]
    codes: tuple[CodeColumn, ...]
    number_input: str
    code_input: str
    labels: Mapping[str, tuple[str, ...]]
    problems: tuple[str, ...] = ()


def lower(
    graph: Graph,
    levels: Mapping[str, Sequence[str]] | None = None,
    *,
    exact: bool = False,
    style: TreeStyle | None = None,
) -> Tabular:
    """Return the graph of a table, or of any network, without strings and with trees as tables.

    Parameters
    ----------
    levels : mapping
        Values of text columns in the schema's order.
    exact : bool
        Keep all doubles.
    style : TreeStyle or None
    """
    expanded, refused = expand(graph)
    gathered = gather(apart(expanded), exact=exact)
    cells = following.follow(gathered.graph)
    columns = code_columns(gathered.graph, cells, gathered.code_input, gathered.codes, levels or {})
    forest = trees.lower(gathered.graph, cells, {gathered.code_input: columns}, style)
    labelled, labels, problems = _labelled(forest.graph)
    coded = _coded(labelled, gathered, cells, columns)
    return Tabular(
        graph=settle(remove(signed_log(smooth_clip(impute_last(coded)))), exact=exact),
        numbers=gathered.numbers,
        codes=columns,
        number_input=gathered.number_input,
        code_input=gathered.code_input,
        labels=labels,
        problems=(*refused, *forest.problems, *problems),
    )


def _labelled(graph: Graph) -> tuple[Graph, dict[str, tuple[str, ...]], list[str]]:
    """Let outputs of text be numbers of texts in a table."""
    made = graph.producers()
    nodes, tensors = list(graph.nodes), dict(graph.tensors)
    labels: dict[str, tuple[str, ...]] = {}
    problems = []
    for name in graph.outputs:
        if tensors[name].dtype is not DType.STRING:
            continue
        node = made.get(name)
        while node is not None and node.op == VIEW:
            node = made.get(node.inputs[0])
        table = graph.constant(node.inputs[0]) if node is not None and node.op == "Gather" else None
        if node is None or table is None or table.ndim != 1:
            problems.append(f"The output {name!r} is a text that is not taken from a table.")
            continue
        index = tensors[node.inputs[1]]
        labels[name] = tuple(str(t) for t in table)
        tensors[name] = replace(tensors[name], dtype=index.dtype)
        old = made[name]
        nodes[nodes.index(old)] = Node(op=VIEW, name=old.name, inputs=(index.name,), outputs=(name,))
    return replace(graph, nodes=tuple(nodes), tensors=tensors).edited(), labels, problems


def _coded(graph: Graph, gathered: Gathered, cells: following.Cells, columns: Sequence[CodeColumn]) -> Graph:
    """Keep what the outputs need, where values that follow from codes alone are looked up."""
    needed = set(graph.outputs)
    kept: list[Node] = []
    tensors = dict(graph.tensors)
    for node in reversed(graph.nodes):
        if not needed & {*node.outputs}:
            continue
        name = node.outputs[0]
        known = cells.get(name)
        instead: list[Node] = []
        if len(node.outputs) == 1 and known is not None and known.size:
            instead = _lookup(node, known, gathered, columns) or _taken(node, known, gathered, tensors)
        for one in reversed(instead or [node]):
            kept.append(one)
            needed |= {*one.inputs}
    if gathered.code_input:
        kind = DType.UINT8 if max(c.count for c in columns) <= 256 else DType.UINT16
        tensors[gathered.code_input] = replace(tensors[gathered.code_input], dtype=kind)
    return replace(graph, nodes=tuple(reversed(kept)), tensors=tensors).edited()


def _lookup(node: Node, cells: Array, gathered: Gathered, columns: Sequence[CodeColumn]) -> list[Node]:
    """Return the lookup of a value that follows from codes alone; nothing for others, and for texts."""
    flat = cells.ravel()
    if any(c.root != gathered.code_input for c in flat):
        return []
    outcomes = [columns[c.index].outcomes(c) for c in flat]
    if any(o.dtype == object for o in outcomes):
        return []
    return [Node(op="Lookup", name=node.name, inputs=(gathered.code_input,), outputs=node.outputs,
                 attributes={"columns": tuple(c.index for c in flat), "tables": tuple(outcomes)})]  # fmt: skip


def _taken(node: Node, cells: Array, gathered: Gathered, tensors: dict[str, Tensor]) -> list[Node]:
    """Return the nodes that fetch numbers as they came, as float or double; nothing for other values."""
    flat = cells.ravel()
    result = tensors[node.outputs[0]]
    plain = all(c.root == gathered.number_input and not any(s.op != "Cast" for s in c.steps) for c in flat)
    if not plain or not result.dtype.is_float or node.inputs[0] == gathered.number_input:
        return []
    taken = Tensor(name=f"{result.name}/taken", dtype=DType.FLOAT32, shape=result.shape)
    places = np.array([c.index for c in flat]).reshape(cells.shape)
    tensors[taken.name] = taken
    source = Node(op=VIEW, name=node.name, inputs=(gathered.number_input,), outputs=(taken.name,))
    if places.ravel().tolist() != list(range(len(gathered.numbers))):
        index = Tensor(name=f"{result.name}/places", dtype=DType.INT64, shape=places.shape, value=places)
        tensors[index.name] = index
        source = Node(op="Gather", name=node.name, inputs=(gathered.number_input, index.name), outputs=(taken.name,),
                      attributes={"axis": 0})  # fmt: skip
    op = VIEW if result.dtype is DType.FLOAT32 else "Cast"
    return [source, Node(op=op, name=node.name, inputs=(taken.name,), outputs=node.outputs)]
