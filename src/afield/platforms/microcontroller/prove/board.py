"""One network on an emulated board: its rows, its answers, its figures.

Figures are differences to the same program with an empty network, so that start-up code and buffers of inputs and
outputs do not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from afield.platforms.microcontroller.emission.files import header, source
from afield.platforms.microcontroller.emission.network import Network
from afield.platforms.microcontroller.ir import Array
from afield.platforms.microcontroller.prove.program import Rows, built, run


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One network on one board.

    Parameters
    ----------
    board : str
    outputs : list of list of array
        For each row.
    instructions : int
        Of one run; of the first where they differ.
    flash_bytes, ram_bytes : int
        Code and constants; static memory, which is the arena.
    stack_bytes : int
        Deepest stack of the first run.
    runs : tuple of int
        Instructions of each run.
    cycles : tuple of int
        Of each run, where the emulator models them.
    """

    board: str
    outputs: list[list[Array]]
    instructions: int
    flash_bytes: int
    ram_bytes: int
    stack_bytes: int
    runs: tuple[int, ...]
    cycles: tuple[int, ...] = ()


def measure(
    network: Network, rows: Sequence[Sequence[Array]], board: str, folder: Path, optimise: str = "-O2"
) -> Measured:
    """Run a network on a board.

    Parameters
    ----------
    rows : sequence of sequences of arrays
        Inputs, each row a run.

    Raises
    ------
    MissingDependencyError
        ``dependency.missing``.
    RuntimeError
        The compiler refused the code, or the program ended badly.
    """
    prefix = network.prefix
    files = {f"{prefix}.h": header(network), f"{prefix}.c": source(network)}
    ran = run(files, _entry(network), _EMPTY, _rows(network, rows), board, folder, optimise)
    return Measured(
        board=board,
        outputs=_outputs(network, ran.answers, len(rows)),
        instructions=ran.instructions[0],
        flash_bytes=ran.flash_bytes,
        ram_bytes=ran.ram_bytes,
        stack_bytes=ran.stack_bytes,
        runs=ran.instructions,
        cycles=ran.cycles,
    )


_EMPTY = "void entry(const unsigned char *in, unsigned char *out);\n" + (
    "void entry(const unsigned char *in, unsigned char *out) { (void)in; (void)out; }\n"
)


def sizes(network: Network, board: str, folder: Path, optimise: str = "-O2") -> tuple[int, int]:
    """Return flash and static RAM of a network on a board, which is not run. Raises as ``measure``."""
    files = {f"{network.prefix}.h": header(network), f"{network.prefix}.c": source(network)}
    blank = [[np.zeros(p.tensor.shape) for p in network.inputs]]
    full, bare = built(files, _entry(network), _EMPTY, _rows(network, blank), board, folder, optimise)
    return full[0] - bare[0], full[1] - bare[1]


def _offsets(sizes: Sequence[int]) -> list[int]:
    found, at = [], 0
    for size in sizes:
        found.append(at)
        at += -(-size // 8) * 8
    return [*found, at]


def _rows(network: Network, rows: Sequence[Sequence[Array]]) -> Rows:
    offsets, listed = _offsets([p.tensor.size_bytes for p in network.inputs]), []
    for row in rows:
        data = bytearray(offsets[-1])
        for array, port, at in zip(row, network.inputs, offsets, strict=False):
            dtype = np.dtype(np.uint8) if port.tensor.dtype.label == "bool" else port.tensor.dtype.numpy
            stored = np.ascontiguousarray(array, dtype).tobytes()
            data[at : at + len(stored)] = stored
        listed.append(bytes(data))
    width = _offsets([p.tensor.size_bytes for p in network.outputs])[-1]
    return Rows(data=tuple(listed), input_bytes=offsets[-1], output_bytes=width)


def _entry(network: Network) -> str:
    sides = (("in", network.inputs), ("out", network.outputs))
    given = [
        f"({'const ' if side == 'in' else ''}void *)({side} + {at})"
        for side, ports in sides
        for at, _ in zip(_offsets([p.tensor.size_bytes for p in ports]), ports, strict=False)
    ]
    arena = -(-network.arena_bytes // 8)
    lines = [f'#include "{network.prefix}.h"', _EMPTY.splitlines()[0]]
    lines += [f"static uint64_t arena[{arena}];"] if arena else []
    lines += ["void entry(const unsigned char *in, unsigned char *out)", "{", "    (void)in; (void)out;"]
    return "\n".join([*lines, f"    {network.prefix}_run({', '.join([*given, 'arena' if arena else '0'])});", "}", ""])


def _outputs(network: Network, data: bytes, count: int) -> list[list[Array]]:
    offsets = _offsets([p.tensor.size_bytes for p in network.outputs])
    if len(data) != count * offsets[-1]:
        raise RuntimeError(f"{len(data)} bytes came back where {count * offsets[-1]} were due")
    found = []
    for row in range(count):
        arrays: list[Array] = []
        for port, at in zip(network.outputs, offsets, strict=False):
            dtype = np.dtype(np.uint8) if port.tensor.dtype.label == "bool" else port.tensor.dtype.numpy
            array = np.frombuffer(data, dtype, port.tensor.size, row * offsets[-1] + at)
            arrays.append(array.reshape(port.tensor.shape).astype(port.tensor.dtype.numpy))
        found.append(arrays)
    return found
