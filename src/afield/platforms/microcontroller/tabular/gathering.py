"""Scalar columns as two inputs: ``numbers`` float32 [C] and ``codes`` [S] of the texts; others stay as they are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from afield.platforms.microcontroller.ir import DType, Graph, Node, Tensor

FLOATS = (DType.FLOAT64, DType.FLOAT32)


@dataclass(frozen=True)
class Gathered:
    """The graph, and the names of the two inputs; "" for one that no column needs.

    ``numbers`` and ``codes`` list the columns in their order.
    """

    graph: Graph
    number_input: str
    code_input: str
    numbers: tuple[str, ...]
    codes: tuple[str, ...]


def is_scalar(tensor: Tensor) -> bool:
    """Return whether an input is one cell of a row."""
    return tensor.size == 1 and tensor.rank in (1, 2) and tensor.dtype in (*FLOATS, DType.STRING)


def gather(graph: Graph, *, exact: bool = False) -> Gathered:
    """Put scalar inputs side by side. Texts stay texts here: ``codes`` is a string tensor until they are looked up.

    Other inputs of doubles become floats, unless doubles are asked for.
    """
    if not exact:
        graph = _single(graph)
    scalars = [graph.tensors[n] for n in graph.inputs if is_scalar(graph.tensors[n])]
    numbers = tuple(t.name for t in scalars if t.dtype in FLOATS)
    codes = tuple(t.name for t in scalars if t.dtype is DType.STRING)
    tensors, nodes = dict(graph.tensors), list[Node]()
    inputs = [n for n in graph.inputs if n not in {*numbers, *codes}]
    made = {}
    for stem, names, dtype in (("numbers", numbers, DType.FLOAT32), ("codes", codes, DType.STRING)):
        if not names:
            made[stem] = ""
            continue
        whole = made[stem] = graph.fresh(stem, tensors)
        tensors[whole] = Tensor(name=whole, dtype=dtype, shape=(len(names),))
        inputs.append(whole)
        for place, name in enumerate(names):
            nodes += _cell(tensors, whole, place, tensors[name])
    rewritten = replace(graph, nodes=(*nodes, *graph.nodes), tensors=tensors, inputs=tuple(inputs))
    return Gathered(rewritten.edited(), made["numbers"], made["codes"], numbers, codes)


def _single(graph: Graph) -> Graph:
    """Return the graph with a cast behind each input of doubles that is no column, under the input's own name."""
    casts, names, tensors = list[Node](), dict[str, str](), list[Tensor]()
    for name in graph.inputs:
        tensor = graph.tensors[name]
        if tensor.dtype is DType.FLOAT64 and not is_scalar(tensor):
            wide = replace(tensor, name=graph.fresh(f"{name}/double", [t.name for t in tensors]))
            tensors += [wide, replace(tensor, dtype=DType.FLOAT32)]
            names[name] = wide.name
            casts.append(Node(op="Cast", name=name, inputs=(name,), outputs=(wide.name,)))
    nodes = [replace(n, inputs=tuple(names.get(i, i) for i in n.inputs)) for n in graph.nodes]
    return graph.edited([*casts, *nodes], tensors) if casts else graph


def _cell(tensors: dict[str, Tensor], whole: str, place: int, cell: Tensor) -> list[Node]:
    """Return the nodes that take one cell out of the whole, under the name and type of the old input."""
    index = Tensor(name=_free(tensors, f"{cell.name}/place"), dtype=DType.INT64, shape=(1,), value=np.array([place]))
    tensors[index.name] = index
    taken = Tensor(name=_free(tensors, f"{cell.name}/taken"), dtype=tensors[whole].dtype, shape=(1,))
    tensors[taken.name] = taken
    source = Node(
        op="Gather", name=cell.name, inputs=(whole, index.name), outputs=(taken.name,), attributes={"axis": 0}
    )
    if cell.rank == 2:
        shaped = Tensor(name=_free(tensors, f"{cell.name}/shaped"), dtype=taken.dtype, shape=cell.shape)
        tensors[shaped.name] = shaped
        view = Node(op="View", name=cell.name, inputs=(taken.name,), outputs=(shaped.name,))
        return [source, view, _typed(shaped, cell)]
    return [source, _typed(taken, cell)]


def _typed(source: Tensor, cell: Tensor) -> Node:
    op = "View" if source.dtype is cell.dtype else "Cast"
    return Node(op=op, name=cell.name, inputs=(source.name,), outputs=(cell.name,))


def _free(tensors: dict[str, Tensor], stem: str) -> str:
    name, count = stem, 1
    while name in tensors:
        count += 1
        name = f"{stem}_{count}"
    return name
