"""Where every value lives: which ones share memory, from when to when each is needed, and at which byte of the arena.

Values joined by ``View`` or written over one another are one storage. Storages whose lives overlap never overlap in
memory, but where a node's output trails behind the reading of its input (``placing``); ``overlaps`` checks a finished
plan against that from first principles. A caller's output buffer that is not written yet serves as working memory for
values of its own type.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from afield.platforms.microcontroller.ir import Graph
from afield.platforms.microcontroller.operators import Site, registry
from afield.platforms.microcontroller.placing import ARENA, Leads, Life, Place, extent, pack, rounded, together

VIEW = "View"
ALIGNMENT_BYTES = 4


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
    leads : mapping
        Storages that may share bytes while one node reads the one and writes the other.
    """

    places: dict[str, Place]
    scratch: dict[int, Place]
    arena_bytes: int
    alignment: int
    lives: tuple[tuple[Life, Place], ...]
    leads: Leads = field(default_factory=dict)


def plan(graph: Graph) -> Plan:
    """Place every value of a valid graph whose outputs are each written by a node of their own."""
    roots = _roots(graph)
    fixed = {roots[name]: name for name in (*graph.outputs, *graph.inputs) if name in roots}
    lives = _lives(graph, roots)
    scratch = _scratch(graph)
    outputs = {name: lives[roots[name]] for name in graph.outputs}
    free = [life for root, life in lives.items() if root not in fixed]
    leads = _leads(graph, {name: lives[root] for name, root in roots.items() if root not in fixed})
    placed = pack([*free, *scratch.values()], {n: (graph.tensors[n], life.first) for n, life in outputs.items()}, leads)
    of = {id(life): place for life, place in placed}
    places = {}
    for name, root in roots.items():
        places[name] = Place(region=fixed[root], offset=0) if root in fixed else of[id(lives[root])]
    inside = [life for life, place in placed if place.region == ARENA]
    alignment = max([ALIGNMENT_BYTES, *(life.alignment for life in inside)])
    borrowed = [(life, Place(region=name, offset=0)) for name, life in outputs.items()]
    return Plan(
        places=places,
        scratch={index: of[id(life)] for index, life in scratch.items()},
        arena_bytes=rounded(extent(placed), alignment),
        alignment=alignment,
        lives=(*placed, *borrowed),
        leads=leads,
    )


def overlaps(finished: Plan) -> list[str]:
    """Return a sentence for each pair of storages that are alive together and share bytes; none for a right plan."""
    found = []
    for index, (one, at) in enumerate(finished.lives):
        if at.region == ARENA and (at.offset % one.alignment or at.offset + one.size_bytes > finished.arena_bytes):
            found.append(f"{one.names} lies at {at.offset} of {finished.arena_bytes} bytes")
        if at.offset < 0:
            found.append(f"{one.names} lies at {at.offset}")
        for other, there in finished.lives[index + 1 :]:
            crossing = at.offset < there.offset + other.size_bytes and there.offset < at.offset + one.size_bytes
            if at.region != there.region or not together(one, other) or not crossing:
                continue
            if not (_trails(finished, one, at, other, there) or _trails(finished, other, there, one, at)):
                found.append(f"{one.names} and {other.names} share bytes of {at.region}")
    return found


def _trails(finished: Plan, output: Life, at: Place, source: Life, there: Place) -> bool:
    """Return whether one node alone knows both, and writes the one far enough behind its reading of the other."""
    lead = finished.leads.get((output.names, source.names))
    return lead is not None and output.first == source.last and at.offset + lead <= there.offset


def _leads(graph: Graph, lives: dict[str, Life]) -> Leads:
    """Return the storages that may share bytes: input 0 that is read for the last time, output 0 written first."""
    known = registry()
    found = {}
    for index, node in enumerate(graph.nodes):
        source, result = (lives.get(names[0] if names else "") for names in (node.inputs, node.outputs))
        if node.op not in known or source is None or result is None or source is result:
            continue
        others = [lives.get(name) for name in node.inputs[1:]]
        lead = known[node.op].lead_bytes(Site(graph, node))
        if lead is not None and source.last == index == result.first and source not in others:
            found[result.names, source.names] = lead
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
