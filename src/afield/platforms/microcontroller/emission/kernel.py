"""The body of one node's C function while an operator writes it: operands, lines, loops."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from afield.platforms.microcontroller.emission.literals import literal
from afield.platforms.microcontroller.emission.snippets import filled, mentions
from afield.platforms.microcontroller.ir import Array, DType
from afield.platforms.microcontroller.operators import Site

if TYPE_CHECKING:
    from afield.platforms.microcontroller.emission.network import Writer

INDENT = "    "


@dataclass(frozen=True)
class Argument:
    """A parameter of the function, and what one node passes for it."""

    declaration: str
    passed: str


class Kernel:
    """What an operator writes into. Operands become parameters in the order in which they are declared."""

    def __init__(self, writer: Writer, site: Site) -> None:
        self._writer, self._site = writer, site
        self.arguments: list[Argument] = []
        self.lines: list[str] = []
        self.name = site.node.op.rpartition(".")[2].lower()
        self.apart = False  # whether the compiler may not inline it
        self._depth = 1

    @property
    def rom(self) -> str:
        """The qualifier of pointers into tables, with a blank behind; for locals that walk through a table."""
        return self._writer.rom

    def title(self, name: str) -> None:
        """Name the function after what is special about it, such as ``conv_3x3_depthwise``."""
        self.name = name

    def input(self, index: int, name: str) -> str:
        """Declare an input as ``const T *name``; constants lie in read-only memory. Returns the name."""
        tensor = self._site.input(index)
        if tensor.value is not None:
            return self.table(tensor.value, name)
        place = self._writer.place(tensor.name)
        self.arguments.append(Argument(f"const {tensor.dtype.c} *{name}", f"(const {tensor.dtype.c} *){place}"))
        return name

    def output(self, index: int, name: str) -> str:
        """Declare an output as ``T *name``. Returns the name."""
        tensor = self._site.output(index)
        place = self._writer.place(tensor.name)
        self.arguments.append(Argument(f"{tensor.dtype.c} *{name}", f"({tensor.dtype.c} *){place}"))
        return name

    def table(self, array: Array, name: str, role: str = "") -> str:
        """Declare constants as ``const T *name``, laid out as ``array`` is. Returns the name."""
        dtype = DType.of(np.asarray(array))
        symbol = self._writer.constant(np.asarray(array), role or name)
        self.arguments.append(Argument(f"const {self._writer.rom}{dtype.c} *{name}", symbol))
        return name

    def scratch(self, c_type: str, name: str) -> str:
        """Declare the working memory that ``scratch_bytes`` asked for as ``c_type *name``. Returns the name."""
        self.arguments.append(Argument(f"{c_type} *{name}", f"({c_type} *){self._writer.scratch_place()}"))
        return name

    def helper(self, snippet: str) -> str:
        """Ask for a function of ``c/helpers/``, written once in the file. Returns the name to call it by."""
        return self._writer.helper(snippet)

    def literal(self, value: float, dtype: DType = DType.FLOAT32) -> str:
        """Return a number as C text."""
        return literal(value, dtype)

    def line(self, text: str = "") -> None:
        """Add a line at the present depth."""
        self.lines.append(INDENT * self._depth + text if text else "")

    def snippet(self, file: str, **parameters: str | int | bool) -> None:
        """Add the body that stands in ``c/<file>`` with its parameters filled in."""
        if mentions(file, "ROM"):
            parameters["ROM"] = self._writer.rom.strip()
        self.lines += [INDENT * (self._depth - 1) + line if line.strip() else "" for line in filled(file, parameters)]

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Add ``head {``, what is written inside, and ``}``."""
        self.line(head + " {")
        self._depth += 1
        yield
        self._depth -= 1
        self.line("}")

    @contextmanager
    def loop(self, name: str, count: int, start: int = 0, step: int = 1) -> Iterator[str]:
        """Count ``name`` from ``start`` below ``count``; yields the index as text, a plain number for one turn."""
        if start + step >= count > start:
            yield str(start)
            return
        advance = f"++{name}" if step == 1 else f"{name} += {step}"
        with self.block(f"for (int {name} = {start}; {name} < {count}; {advance})"):
            yield name
