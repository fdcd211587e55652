"""Turns tree ensembles of a followed graph into ``Ranks`` and ``Forest`` nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from afield.platforms.microcontroller.following.cells import Cells
from afield.platforms.microcontroller.following.columns import CodeColumn
from afield.platforms.microcontroller.ir import Array, DType, Graph, Node, Tensor
from afield.platforms.microcontroller.trees import reading
from afield.platforms.microcontroller.trees.asking import NotMonotone, ask
from afield.platforms.microcontroller.trees.forest import Forest
from afield.platforms.microcontroller.trees.packing import pack
from afield.platforms.microcontroller.trees.ranks import Ranked


@dataclass(frozen=True)
class Lowered:
    """The graph with trees lowered, and a sentence for each ensemble that cannot be."""

    graph: Graph
    problems: tuple[str, ...] = ()


def lower(graph: Graph, cells: Cells, columns: Mapping[str, Sequence[CodeColumn]]) -> Lowered:
    """Replace tree ensembles; those that read the same features share ranks and one loop.

    The new nodes read the roots of the features; ``columns`` are the text columns of the input that holds them.
    """
    groups: dict[tuple[tuple[str, int, str], ...], list[tuple[Node, Forest]]] = {}
    problems = []
    for node in graph.nodes:
        if node.op != reading.OP:
            continue
        forest = reading.read(node)
        source = cells.get(node.inputs[0])
        if isinstance(forest, str):
            problems.append(f"TreeEnsemble {node.name!r}: {forest}")
        elif source is None or source.shape[:-1] not in ((), (1,)):
            problems.append(f"TreeEnsemble {node.name!r}: it takes several rows at once.")
        else:
            groups.setdefault(_key(source), []).append((node, forest))
    made: dict[str, list[Node]] = {}
    dropped: set[str] = set()
    tensors: list[Tensor] = []
    for members in groups.values():
        features = cells[members[0][0].inputs[0]].ravel()
        try:
            nodes, added = _group(graph, members, features, columns)
        except NotMonotone as reason:
            name = members[0][0].name
            problems.append(f"TreeEnsemble {name!r}: a feature goes through {reason}, which does not keep the order.")
            continue
        except OverflowError as reason:
            problems.append(f"TreeEnsemble {members[0][0].name!r}: {reason}.")
            continue
        made[members[0][0].outputs[0]] = nodes
        dropped |= {node.outputs[0] for node, _ in members}
        tensors += added
    rewritten: list[Node] = []
    for node in graph.nodes:
        first = node.outputs[0]
        rewritten += made.get(first, [] if first in dropped else [node])
    known = {**graph.tensors, **{t.name: t for t in tensors}}
    return Lowered(replace(graph, nodes=tuple(rewritten), tensors=known).edited(), tuple(problems))


def _key(cells: Array) -> tuple[tuple[str, int, str], ...]:
    return tuple((c.root, c.index, " ".join(f"{s.op} {s.constant!r} {s.left}" for s in c.steps)) for c in cells.ravel())


def _group(
    graph: Graph, members: Sequence[tuple[Node, Forest]], features: Array, columns: Mapping[str, Sequence[CodeColumn]]
) -> tuple[list[Node], list[Tensor]]:
    """Return the nodes of ensembles that read the same features, with the values they need."""
    node = members[0][0]
    whole = joined([f for _, f in members])
    ranked, asked = ask(graph, [whole], features, columns)
    packed = pack(whole, asked[0])
    most = max((_most(one) for one in ranked), default=0)
    kind = DType.UINT8 if most < 256 else DType.UINT16
    names = set(graph.tensors)
    ranks = Tensor(name=_free(f"{node.outputs[0]}/ranks", names), dtype=kind, shape=(len(ranked),))
    total = Tensor(name=_free(f"{node.outputs[0]}/sums", names), dtype=DType.FLOAT32, shape=(whole.outputs,))
    roots = list(dict.fromkeys(one.root for one in ranked))
    nodes = [
        Node(op="Ranks", name=node.name, inputs=tuple(roots), outputs=(ranks.name,),
             attributes={"features": tuple(ranked), "of": tuple(roots.index(one.root) for one in ranked)}),
        Node(op="Forest", name=node.name, inputs=(ranks.name,), outputs=(total.name,),
             attributes={"packed": (packed,)}),
    ]  # fmt: skip
    added, start, parts = [ranks, total], 0, []
    for one, forest in members:
        part = Tensor(name=_free(f"{one.outputs[0]}/part", names), dtype=DType.FLOAT32, shape=(forest.outputs,))
        wide = graph.tensors[one.outputs[0]]
        single = Tensor(name=_free(f"{one.outputs[0]}/single", names), dtype=DType.FLOAT32, shape=wide.shape)
        parts.append(part.name)
        added += [part, single]
        start += forest.outputs
        nodes.append(Node(op="View", name=one.name, inputs=(part.name,), outputs=(single.name,)))
        nodes.append(Node(op="View" if wide.dtype is DType.FLOAT32 else "Cast", name=one.name,
                          inputs=(single.name,), outputs=one.outputs))  # fmt: skip
    if len(members) == 1:
        nodes[2] = replace(nodes[2], inputs=(total.name,))
        added.remove(next(t for t in added if t.name == parts[0]))
    else:
        sizes = tuple(f.outputs for _, f in members)
        split = Node(op="Split", name=node.name, inputs=(total.name,), outputs=tuple(parts),
                     attributes={"axis": 0, "sizes": sizes})  # fmt: skip
        nodes.insert(2, split)
    return nodes, added


def _most(one: Ranked) -> int:
    table = 0 if one.table is None else int(one.table.max(initial=0))
    return max(table, 0 if one.thresholds is None else len(one.thresholds))


def _free(stem: str, taken: set[str]) -> str:
    name, count = stem, 1
    while name in taken:
        count += 1
        name = f"{stem}_{count}"
    taken.add(name)
    return name


def joined(forests: Sequence[Forest]) -> Forest:
    """Return several forests as one, their outputs side by side."""
    if len(forests) == 1:
        return forests[0]
    widths = {f.leaves.shape[1] for f in forests}
    if widths != {1}:
        forests = [_widened(f) for f in forests]
        total = sum(f.outputs for f in forests)
        starts = np.cumsum([0, *(f.outputs for f in forests)])
        leaves = np.zeros((sum(len(f.leaves) for f in forests), total))
        at = 0
        for forest, start in zip(forests, starts, strict=False):
            leaves[at : at + len(forest.leaves), start : start + forest.outputs] = forest.leaves
            at += len(forest.leaves)
        targets = np.zeros(sum(f.count for f in forests), np.int64)
    else:
        leaves = np.concatenate([f.leaves for f in forests])
        starts = np.cumsum([0, *(f.outputs for f in forests)])
        targets = np.concatenate([f.target + s for f, s in zip(forests, starts, strict=False)])
    kept = ("sizes", "feature", "split", "missing_yes", "yes", "no", "member_count", "members")
    return Forest(
        leaves=leaves, target=targets, outputs=sum(f.outputs for f in forests),
        **{name: np.concatenate([getattr(f, name) for f in forests]) for name in kept},
    )  # fmt: skip


def _widened(forest: Forest) -> Forest:
    """Return a forest whose leaves hold all outputs."""
    if forest.leaves.shape[1] == forest.outputs:
        return forest
    tree = np.repeat(np.arange(forest.count), forest.sizes + 1)
    leaves = np.zeros((len(forest.leaves), forest.outputs))
    leaves[np.arange(len(leaves)), forest.target[tree]] = forest.leaves[:, 0]
    return replace(forest, leaves=leaves, target=np.zeros(forest.count, np.int64))
