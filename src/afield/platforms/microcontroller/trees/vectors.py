"""Trees whose leaves are rows of a table: the ensemble numbers the leaves, Gather fetches them, and a sum ends it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from afield.platforms.microcontroller.ir import Graph, Node
from afield.platforms.microcontroller.trees.forest import Forest


def fetched(graph: Graph, node: Node, forest: Forest, readers: dict[str, list[Node]]) -> tuple[Forest, Node] | None:
    """Return the trees with the rows as their leaves, and the node that sums them; None for other ensembles."""
    chain = [node]
    for op in ("Cast", "Gather", "Cast", "ReduceSum"):
        following = readers[chain[-1].outputs[0]]
        if len(following) == 1 and following[0].op == op and chain[-1].outputs[0] not in graph.outputs:
            chain.append(following[0])
        elif len(chain) != 3 or op != "Cast":  # the table may have the type of the sum already
            return None
    gather, total = chain[2], chain[-1]
    table = graph.constant(gather.inputs[0])
    own = np.array_equal(np.sort(forest.target), np.arange(forest.outputs)) and forest.width == 1
    if table is None or table.ndim != 2 or gather.attributes["axis"] != 0 or not own:
        return None
    if total.attributes.get("axes") != (1,) or graph.tensors[total.outputs[0]].size != table.shape[1]:
        return None
    number = forest.leaves[:, 0].astype(np.int64)
    if not np.array_equal(number, forest.leaves[:, 0]) or ((number < 0) | (number >= len(table))).any():
        return None
    rows = table[number].astype(np.float64)
    return replace(forest, leaves=rows, target=np.zeros(forest.count, np.int64), outputs=table.shape[1]), total
