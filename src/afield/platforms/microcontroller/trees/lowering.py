"""Turns tree ensembles and oblivious trees of a followed graph into ``Ranks``, ``Forest`` and ``Oblivious`` nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from afield.platforms.microcontroller.following.cells import Cells, follow
from afield.platforms.microcontroller.following.columns import CodeColumn
from afield.platforms.microcontroller.ir import Array, DType, Graph, Node, Tensor
from afield.platforms.microcontroller.plan import VIEW
from afield.platforms.microcontroller.trees import oblivious, reading, vectors
from afield.platforms.microcontroller.trees.asking import NotMonotone, ask
from afield.platforms.microcontroller.trees.expanding import TREES, expand
from afield.platforms.microcontroller.trees.forest import Forest, joined
from afield.platforms.microcontroller.trees.packing import Packed, PackedOblivious, pack, pack_oblivious
from afield.platforms.microcontroller.trees.ranks import Ranked
from afield.platforms.microcontroller.trees.rowwise import apart
from afield.platforms.microcontroller.trees.style import TreeStyle

Columns = Mapping[str, Sequence[CodeColumn]]


@dataclass(frozen=True)
class Lowered:
    """The graph with trees lowered, and a sentence for each ensemble that cannot be."""

    graph: Graph
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Member:
    """Trees to be lowered: where they stand, what they read, and the values that they give with their sizes."""

    node: Node
    source: str
    trees: Forest | oblivious.Oblivious
    results: tuple[tuple[str, int], ...]


def lower_plain(graph: Graph) -> Lowered:
    """Replace the trees of a graph that is no table's: none of its features is a text."""
    expanded, refused = expand(graph)
    whole = apart(expanded)
    lowered = lower(whole, follow(whole), {})
    return Lowered(lowered.graph, (*refused, *lowered.problems))


def lower(graph: Graph, cells: Cells, columns: Columns, style: TreeStyle | None = None) -> Lowered:
    """Replace trees; those that read the same features share ranks and one loop.

    The new nodes read the roots of the features; ``columns`` are the text columns of the input that holds them.
    """
    members, problems = _members(graph)
    groups: dict[tuple[str, int, tuple[tuple[str, int, str], ...]], list[_Member]] = {}
    for member in members:
        source = cells.get(member.source)
        if source is None or source.size != max(source.shape, default=1):
            problems.append(f"{member.node.op} {member.node.name!r}: it takes several rows at once.")
        else:
            kind = type(member.trees).__name__
            groups.setdefault((kind, member.trees.width, _key(source)), []).append(member)
    made: dict[str, list[Node]] = {}
    replaced: set[str] = set()
    tensors: list[Tensor] = []
    names = _Names(graph)
    for group in groups.values():
        first = group[0]
        try:
            nodes, added = _group(graph, group, cells[first.source].ravel(), columns, names, style or TreeStyle())
        except (NotMonotone, OverflowError) as reason:
            problems.append(f"{first.node.name!r}: {reason}.")
            continue
        made[first.node.outputs[0]] = nodes
        replaced |= {name for member in group for name, _ in member.results}
        tensors += added
    rewritten: list[Node] = []
    for node in graph.nodes:
        rewritten += made.get(node.outputs[0], [])
        if node.outputs[0] not in replaced:
            rewritten.append(node)
    known = {**graph.tensors, **{t.name: t for t in tensors}}
    return Lowered(_alive(replace(graph, nodes=tuple(rewritten), tensors=known)), tuple(problems))


def _alive(graph: Graph) -> Graph:
    """Return the graph without nodes that nothing needs: those that only led to the old sums."""
    needed, kept = set(graph.outputs), []
    for node in reversed(graph.nodes):
        if needed & {*node.outputs}:
            kept.append(node)
            needed |= {*node.inputs}
    return graph.edited(reversed(kept))


def _members(graph: Graph) -> tuple[list[_Member], list[str]]:
    readers, problems, found = graph.readers(), [], list[_Member]()
    for node in graph.nodes:
        if node.op not in (reading.OP, TREES):
            continue
        held = node.attributes.get("forest")
        forest = held[0] if isinstance(held, tuple) else reading.read(node)
        if isinstance(forest, str):
            problems.append(f"TreeEnsemble {node.name!r}: {forest}")
            continue
        rows = vectors.fetched(graph, node, forest, readers)
        forest, total = rows or (forest, node)
        found.append(_Member(node, node.inputs[0], forest, ((total.outputs[0], forest.outputs),)))
    for one in oblivious.find(graph):
        results = tuple((name, one.trees.width) for name in one.sums)
        found.append(_Member(one.nodes[0], one.source, one.trees, results))
    return found, problems


def _key(cells: Array) -> tuple[tuple[str, int, str], ...]:
    return tuple((c.root, c.index, " ".join(f"{s.op} {s.constant!r} {s.left}" for s in c.steps)) for c in cells.ravel())


class _Names:
    def __init__(self, graph: Graph) -> None:
        self._taken = set(graph.tensors)

    def free(self, stem: str) -> str:
        name, count = stem, 1
        while name in self._taken:
            count += 1
            name = f"{stem}_{count}"
        self._taken.add(name)
        return name


def _group(
    graph: Graph, members: Sequence[_Member], features: Array, columns: Columns, names: _Names, style: TreeStyle
) -> tuple[list[Node], list[Tensor]]:
    """Return the nodes of trees that read the same features, with the values they need."""
    node = members[0].node
    forests = [m.trees for m in members if isinstance(m.trees, Forest)]
    flat = [m.trees for m in members if isinstance(m.trees, oblivious.Oblivious)]
    packed: Packed | PackedOblivious
    if forests:
        forest = joined(forests)
        ranked, asked = ask(graph, forest, features, columns)
        packed = pack(forest, asked)
    else:
        trees = oblivious.joined(flat)
        ranked, asked = ask(graph, trees, features, columns)
        packed = pack_oblivious(trees, asked)
    sizes = [size for m in members for _, size in m.results]
    stem = node.outputs[0]
    kind = DType.UINT8 if max((_most(one) for one in ranked), default=0) < 256 else DType.UINT16
    ranks = Tensor(name=names.free(f"{stem}/ranks"), dtype=kind, shape=(len(ranked),))
    total = Tensor(name=names.free(f"{stem}/sums"), dtype=DType.FLOAT32, shape=(sum(sizes),))
    roots = list(dict.fromkeys(one.root for one in ranked))
    op = "Forest" if forests else "Oblivious"
    nodes = [
        Node(op="Ranks", name=node.name, inputs=tuple(roots), outputs=(ranks.name,),
             attributes={"features": tuple(ranked), "of": tuple(roots.index(one.root) for one in ranked)}),
        Node(op=op, name=node.name, inputs=(ranks.name,), outputs=(total.name,),
             attributes={"packed": (packed,), "style": (style,)}),
    ]  # fmt: skip
    added = [ranks, total]
    parts = [total]
    if len(sizes) > 1:
        parts = [Tensor(name=names.free(f"{stem}/part"), dtype=DType.FLOAT32, shape=(size,)) for size in sizes]
        nodes.append(Node(op="Split", name=node.name, inputs=(total.name,), outputs=tuple(p.name for p in parts),
                          attributes={"axis": 0, "sizes": tuple(sizes)}))  # fmt: skip
        added += parts
    results = [name for m in members for name, _ in m.results]
    for part, name in zip(parts, results, strict=True):
        wide = graph.tensors[name]
        shaped = Tensor(name=names.free(f"{name}/float"), dtype=DType.FLOAT32, shape=wide.shape)
        added.append(shaped)
        nodes.append(Node(op=VIEW, name=node.name, inputs=(part.name,), outputs=(shaped.name,)))
        cast = VIEW if wide.dtype is DType.FLOAT32 else "Cast"
        nodes.append(Node(op=cast, name=node.name, inputs=(shaped.name,), outputs=(name,)))
    return nodes, added


def _most(one: Ranked) -> int:
    table = 0 if one.table is None else int(one.table.max(initial=0))
    return max(table, 0 if one.thresholds is None else len(one.thresholds))
