"""A planned graph as C: tables, one function for each kind of node, and the network function that calls them in order.

The result is text in pieces (``Network``), from which a bundle is put together elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from afield.platforms.microcontroller.emission.kernel import INDENT, Kernel
from afield.platforms.microcontroller.emission.literals import table
from afield.platforms.microcontroller.emission.names import identifiers
from afield.platforms.microcontroller.emission.snippets import FOLDER, filled
from afield.platforms.microcontroller.ir import Array, DType, Graph, Node, Tensor
from afield.platforms.microcontroller.operators import Site, registry
from afield.platforms.microcontroller.placing import Place
from afield.platforms.microcontroller.plan import VIEW, Plan


@dataclass(frozen=True, kw_only=True)
class Port:
    """An input or output of the network function, in the order of its parameters."""

    name: str
    identifier: str
    tensor: Tensor


@dataclass(frozen=True, kw_only=True)
class Network:
    """The C of a network.

    Parameters
    ----------
    prefix : str
        Of every name that the linker or the user sees.
    inputs, outputs : tuple of Port
    declaration : str
        The network function's head: inputs, outputs, and the arena.
    tables, functions, body : str
        Constants; static functions; definition of the network function.
    arena_bytes, alignment : int
        The arena's size, exact, and the alignment it needs.
    constant_bytes : int
        Of all tables.
    macs : int
    """

    prefix: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    declaration: str
    tables: str
    functions: str
    body: str
    arena_bytes: int
    alignment: int
    constant_bytes: int
    macs: int

    @property
    def source(self) -> str:
        """The three pieces in the order that C needs."""
        return "\n".join(filter(None, [self.tables, self.functions, self.body]))


#: functions of math.h that c/helpers has a form of: the same bits on every device, and no errno
_MATHS = re.compile(rf"\b({'|'.join(sorted(p.stem for p in FOLDER.glob('helpers/*.c')))})\(")


#: inlined into the network function a kernel would share its registers with all others
_APART = ("#if defined(__GNUC__)", "__attribute__((noinline))", "#endif")
#: vectors load four bytes of a table at a time
_WORDS = ("#if defined(__ARM_FEATURE_MVE) && defined(__GNUC__)", "__attribute__((aligned(4)))", "#endif")


class Writer:
    """Collects tables and functions while nodes are emitted."""

    def __init__(self, graph: Graph, plan: Plan, prefix: str) -> None:
        self.graph, self.plan, self.prefix = graph, plan, prefix
        self.rom = f"{prefix.upper()}_ROM "
        self.constant_bytes = 0
        self.ports = {n: f"in_{word}" for n, word in identifiers(list(graph.inputs)).items()}
        self.ports |= {n: f"out_{word}" for n, word in identifiers(list(graph.outputs)).items()}
        self._tables: dict[tuple[str, bytes], str] = {}
        self._functions: dict[tuple[str, ...], str] = {}
        self._helpers: dict[str, list[str]] = {}
        self._taken: set[str] = set()
        self._text: dict[str, list[str]] = {"tables": [], "functions": []}
        self._node = 0

    def place(self, name: str) -> str:
        """Return the address of a value that is not constant, as C."""
        return self._address(self.plan.places[name])

    def scratch_place(self) -> str:
        """Return the address of the present node's working memory."""
        return self._address(self.plan.scratch[self._node])

    def _address(self, place: Place) -> str:
        base = "arena" if place.region == "arena" else self.ports[place.region]
        if place.region != "arena" and not place.offset:
            return base
        head = "arena" if place.region == "arena" else f"(unsigned char *){base}"
        return f"(void *)({head} + {place.offset})"

    def constant(self, array: Array, role: str) -> str:
        """Return the symbol of a table with these elements; like tables are one."""
        dtype = DType.of(array)
        key = (dtype.label, np.ascontiguousarray(array).tobytes())
        if key not in self._tables:
            symbol = self._free(f"{self.prefix}_{role}")
            self._tables[key] = symbol
            self.constant_bytes += array.size * dtype.size_bytes
            head = f"static const {self.rom}{dtype.c} {symbol}[{max(1, array.size)}] = {{"
            self._text["tables"] += [
                *(_WORDS if dtype is DType.INT8 else ()),
                head,
                *(table(array, dtype) or [f"{INDENT}0"]),
                "};",
            ]
        return self._tables[key]

    def helper(self, snippet: str) -> str:
        """Return the name of a helper function from ``c/helpers``; writes it once."""
        name = f"{self.prefix}_{snippet.removesuffix('.c')}"
        if snippet not in self._helpers:
            self._taken.add(name)
            lines = self._own_maths(filled(f"helpers/{snippet}", {"NAME": name}))  # may ask for other helpers first
            self._helpers[snippet] = [*lines, ""]
        return name

    def call(self, index: int, node: Node) -> list[str]:
        """Return the lines of the network function for one node, and write its function unless a like one is there."""
        self._node = index
        site = Site(self.graph, node)
        kernel = Kernel(self, site)
        registry()[node.op].emit(site, kernel)
        kernel.lines = self._own_maths(kernel.lines)
        parameters = [a.declaration for a in kernel.arguments]
        key = (*parameters, *kernel.lines)
        if key not in self._functions:
            symbol = self._free(f"{self.prefix}_{kernel.name}")
            self._functions[key] = symbol
            self._text["functions"] += [
                *(_APART if kernel.apart else ()),
                *wrapped(f"static void {symbol}(", parameters, ")"),
                "{",
                *kernel.lines,
                "}",
                "",
            ]
        passed = [a.passed for a in kernel.arguments]
        return [f"{INDENT}/* {described(site)} */", *wrapped(f"{INDENT}{self._functions[key]}(", passed, ");")]

    def _own_maths(self, lines: list[str]) -> list[str]:
        return [_MATHS.sub(lambda m: self.helper(f"{m[1]}.c") + "(", line) for line in lines]

    def text(self, section: str) -> str:
        """Return a section's text."""
        if section == "functions":
            helpers = [line for name in self._helpers for line in self._helpers[name]]
            return "\n".join([*helpers, *self._text["functions"]])
        return "\n".join([*self._text[section], ""])

    def _free(self, stem: str) -> str:
        count, name = 1, stem
        while name in self._taken:
            count += 1
            name = f"{stem}{count}"
        self._taken.add(name)
        return name


def emit(graph: Graph, plan: Plan, prefix: str) -> Network:
    """Return the C of a checked and planned graph. The same arguments give the same bytes."""
    writer = Writer(graph, plan, prefix)
    inputs = tuple(Port(name=n, identifier=writer.ports[n], tensor=graph.tensors[n]) for n in graph.inputs)
    outputs = tuple(Port(name=n, identifier=writer.ports[n], tensor=graph.tensors[n]) for n in graph.outputs)
    calls: list[str] = []
    for index, node in enumerate(graph.nodes):
        if node.op != VIEW and any(graph.tensors[n].size for n in node.outputs if n):
            calls += writer.call(index, node)
    parameters = [f"const {p.tensor.dtype.c} *{p.identifier}" for p in inputs]
    parameters += [f"{p.tensor.dtype.c} *{p.identifier}" for p in outputs]
    head = wrapped(f"void {prefix}_run(", [*parameters, "void *memory"], ")")
    mentioned = " ".join(calls)
    start = [f"{INDENT}unsigned char *const arena = (unsigned char *)memory;"]
    unused = [p.identifier for p in (*inputs, *outputs) if not re.search(rf"\b{p.identifier}\b", mentioned)]
    if not re.search(r"\barena\b", mentioned):
        start, unused = [], [*unused, "memory"]
    start += [f"{INDENT}(void){name};" for name in unused]
    known = registry()
    macs = sum(known[n.op].macs(Site(graph, n)) for n in graph.nodes if n.op != VIEW)
    return Network(
        prefix=prefix,
        inputs=inputs,
        outputs=outputs,
        declaration="\n".join(head),
        tables=writer.text("tables"),
        functions=writer.text("functions"),
        body="\n".join([*head, "{", *start, "", *calls, "}", ""]),
        arena_bytes=plan.arena_bytes,
        alignment=plan.alignment,
        constant_bytes=writer.constant_bytes,
        macs=macs,
    )


def described(site: Site) -> str:
    """Return what a comment says of a node: operator, name, shapes."""
    shapes = " ".join(str(list(t.shape)).replace(" ", "") for t in site.inputs() if t.value is None)
    name = re.sub(r"[^ -~]|\*/|/\*|\\|\?\?", "_", site.node.name)[:80]
    result = next(site.output(i) for i in range(len(site.node.outputs)) if site.wants(i))
    return f"{site.node.op} {name}: {shapes} -> {str(list(result.shape)).replace(' ', '')}"


def wrapped(head: str, words: list[str], tail: str, width: int = 112) -> list[str]:
    """Return ``head word, word tail`` broken into lines, each but the first indented once more than ``head``."""
    lines, line = [], head
    indent = re.match(r" *", head)[0] + INDENT  # type: ignore[index]  # matches always
    for index, word in enumerate(words):
        piece = word + (tail if index == len(words) - 1 else ",")
        if len(line) + len(piece) + 1 > width and line != head:
            lines.append(line)
            line = indent + piece
        else:
            line += ("" if line.endswith("(") else " ") + piece
    return [*lines, line if words else line + tail]
