"""Where every value lives: which ones share memory, from when to when each is needed, and at which byte of the arena.

Values joined by ``View`` or written over one another are one storage. Storages whose lives overlap never overlap in
memory; ``overlaps`` checks a finished plan against that from first principles. A caller's output buffer that is not
written yet serves as working memory for values of its own type.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from afield.platforms.microcontroller.ir import DType, Graph, Tensor
from afield.platforms.microcontroller.operators import Site, registry

VIEW = "View"
ALIGNMENT_BYTES = 4


@dataclass(frozen=True, kw_only=True)
class Life:
    """A block of memory over time.

    Parameters
    ----------
    names : tuple of str
        Tensors that live in it; for the working memory of a node the node's outputs' names in brackets.
    size_bytes, alignment : int
    first, last : int
        Index of the node that writes it first, and of the one that reads it last, both included.
    dtype : DType or None
        The one type of all its tensors, or None where it is bytes or mixed.
    """

    names: tuple[str, ...]
    size_bytes: int
    alignment: int
    first: int
    last: int
    dtype: DType | None = None


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a storage begins: ``region`` is "arena", or the name of a graph input or output."""

    region: str
    offset: int


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The finished plan.

    Parameters
    ----------
    places : dict of str to Place
        For every tensor that is not constant.
    scratch : dict of int to Place
        For every node, by its index, that needs working memory.
    arena_bytes, alignment : int
    lives : tuple of (Life, Place)
        What was placed, for the checker and the report.
    """

    places: dict[str, Place]
    scratch: dict[int, Place]
    arena_bytes: int
    alignment: int
    lives: tuple[tuple[Life, Place], ...]


def plan(graph: Graph) -> Plan:
    """Place every value of a valid graph whose outputs are each written by a node of their own."""
    roots = _roots(graph)
    fixed = {roots[name]: name for name in (*graph.outputs, *graph.inputs) if name in roots}
    lives = _lives(graph, roots)
    scratch = _scratch(graph)
    outputs = {name: lives[roots[name]] for name in graph.outputs}
    free = [life for root, life in lives.items() if root not in fixed]
    placed = pack([*free, *scratch.values()], {n: (graph.tensors[n], life.first) for n, life in outputs.items()})
    of = {id(life): place for life, place in placed}
    places = {}
    for name, root in roots.items():
        places[name] = Place(region=fixed[root], offset=0) if root in fixed else of[id(lives[root])]
    inside = [(life, place) for life, place in placed if place.region == "arena"]
    alignment = max([ALIGNMENT_BYTES, *(life.alignment for life, _ in inside)])
    end = max((place.offset + life.size_bytes for life, place in inside), default=0)
    borrowed = [(life, Place(region=name, offset=0)) for name, life in outputs.items()]
    return Plan(
        places=places,
        scratch={index: of[id(life)] for index, life in scratch.items()},
        arena_bytes=rounded(end, alignment),
        alignment=alignment,
        lives=(*placed, *borrowed),
    )


def rounded(size: int, alignment: int) -> int:
    """Return the next multiple of ``alignment``."""
    return -(-size // alignment) * alignment


def pack(lives: Iterable[Life], outputs: dict[str, tuple[Tensor, int]]) -> list[tuple[Life, Place]]:
    """Place storages, largest first, each at the lowest offset free during its life.

    ``outputs`` are callers' buffers and the node that first writes each: until then they may hold values of their type.
    """
    placed: list[tuple[Life, Place]] = []
    for life in sorted(lives, key=lambda one: (-one.size_bytes, one.first, one.names)):
        place = None
        for name, (tensor, written) in outputs.items():
            if life.dtype is tensor.dtype and life.last < written and place is None:
                offset = _lowest(life, [(o, p) for o, p in placed if p.region == name])
                if offset + life.size_bytes <= tensor.size_bytes:
                    place = Place(region=name, offset=offset)
        if place is None:
            place = Place(region="arena", offset=_lowest(life, [(o, p) for o, p in placed if p.region == "arena"]))
        placed.append((life, place))
    return placed


def _lowest(life: Life, others: list[tuple[Life, Place]]) -> int:
    taken = sorted(
        (place.offset, place.offset + other.size_bytes)
        for other, place in others
        if other.first <= life.last and life.first <= other.last
    )
    offset = 0
    for start, end in taken:
        if offset + life.size_bytes <= start:
            break
        offset = max(offset, rounded(end, life.alignment))
    return offset


def overlaps(finished: Plan) -> list[str]:
    """Return a sentence for each pair of storages that are alive together and share bytes; none for a right plan."""
    found = []
    for index, (one, at) in enumerate(finished.lives):
        if at.region == "arena" and (at.offset % one.alignment or at.offset + one.size_bytes > finished.arena_bytes):
            found.append(f"{one.names} lies at {at.offset} of {finished.arena_bytes} bytes")
        for other, there in finished.lives[index + 1 :]:
            together = one.first <= other.last and other.first <= one.last
            crossing = at.offset < there.offset + other.size_bytes and there.offset < at.offset + one.size_bytes
            if at.region == there.region and together and crossing:
                found.append(f"{one.names} and {other.names} share bytes of {at.region}")
    return found


def _roots(graph: Graph) -> dict[str, str]:
    """Return for each value that is not constant the value in whose storage it lives."""
    last = {name: index for index, node in enumerate(graph.nodes) for name in node.inputs}
    last |= dict.fromkeys(graph.outputs, len(graph.nodes))
    roots = {name: name for name in graph.inputs}
    end = {name: last.get(name, -1) for name in graph.inputs}  # last use of what lives in a storage so far
    for index, node in enumerate(graph.nodes):
        for position, name in enumerate(filter(None, node.outputs)):
            root = ""
            if node.op == VIEW:
                root = roots[node.inputs[0]]
            elif position == 0 and name == node.outputs[0]:
                root = _overwritten(graph, index, roots, end)
            roots[name] = root or name
            end[roots[name]] = max(end.get(roots[name], -1), last.get(name, index))
    return roots


def _overwritten(graph: Graph, index: int, roots: dict[str, str], end: dict[str, int]) -> str:
    """Return the storage over which node ``index`` writes its first output, or ""."""
    site = Site(graph, graph.nodes[index])
    operator = registry().get(site.node.op)
    safe = operator.overwrites(site) if operator else ()
    for position in safe:
        tensor = site.given(position)
        if tensor is None or tensor.value is not None:
            continue
        root, result = roots[tensor.name], site.output(0)
        alike = tensor.dtype is result.dtype and tensor.size == result.size
        shared = [n for i, n in enumerate(site.node.inputs) if i not in safe and roots.get(n) == root]
        if alike and root not in graph.inputs and end[root] == index and not shared:
            return root
    return ""


def _lives(graph: Graph, roots: dict[str, str]) -> dict[str, Life]:
    members: dict[str, list[str]] = {}
    for name, root in roots.items():
        members.setdefault(root, []).append(name)
    first: dict[str, int] = dict.fromkeys(graph.inputs, -1)
    last: dict[str, int] = {}
    for index, node in enumerate(graph.nodes):
        for name in filter(None, node.outputs):
            if name in roots:
                first.setdefault(roots[name], index)
                last[roots[name]] = max(last.get(roots[name], 0), index)
        for name in filter(None, node.inputs):
            if name in roots:
                last[roots[name]] = max(last.get(roots[name], 0), index)
    for name in graph.outputs:
        if name in roots:
            last[roots[name]] = len(graph.nodes)
    found = {}
    for root, names in members.items():
        tensors = [graph.tensors[name] for name in names]
        types = {t.dtype for t in tensors}
        found[root] = Life(
            names=tuple(names),
            size_bytes=max(t.size_bytes for t in tensors),
            alignment=max(t.dtype.size_bytes for t in tensors) or 1,
            first=first[root],
            last=last.get(root, first[root]),
            dtype=next(iter(types)) if len(types) == 1 else None,
        )
    return found


def _scratch(graph: Graph) -> dict[int, Life]:
    known = registry()
    found = {}
    for index, node in enumerate(graph.nodes):
        size = known[node.op].scratch_bytes(Site(graph, node)) if node.op in known else 0
        if size:
            names = (f"[{next(filter(None, node.outputs))}]",)
            found[index] = Life(names=names, size_bytes=size, alignment=ALIGNMENT_BYTES, first=index, last=index)
    return found
