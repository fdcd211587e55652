"""Compiles a network for an emulated board, runs it there, and counts instructions, flash, RAM and stack exactly.

Figures are differences to the same program with an empty network, so that start-up code and buffers of inputs and
outputs do not count. qemu models no cycles: instructions are the figure.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from afield.core.errors import MissingDependencyError
from afield.platforms.microcontroller.emission.files import header, source
from afield.platforms.microcontroller.emission.network import Network
from afield.platforms.microcontroller.ir import Array
from afield.platforms.microcontroller.prove.chips import BOARDS, Board

HERE = Path(__file__).resolve().parent / "boards"
TIME_LIMIT_S = 900


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
    """

    board: str
    outputs: list[list[Array]]
    instructions: int
    flash_bytes: int
    ram_bytes: int
    stack_bytes: int
    runs: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Ran:
    """A program that ran on a board: instructions of each row, its answers' bytes, and sizes as in ``Measured``."""

    instructions: tuple[int, ...]
    answers: bytes
    flash_bytes: int
    ram_bytes: int
    stack_bytes: int


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
    files = {f"{prefix}.h": header(network), f"{prefix}.c": source(network), "vectors.h": _vectors(network, rows)}
    ran = run(files, _entry(network), _EMPTY, board, folder, optimise)
    return Measured(
        board=board,
        outputs=_outputs(network, ran.answers, len(rows)),
        instructions=ran.instructions[0],
        flash_bytes=ran.flash_bytes,
        ram_bytes=ran.ram_bytes,
        stack_bytes=ran.stack_bytes,
        runs=ran.instructions,
    )


def run(files: Mapping[str, str], entry: str, empty: str, board: str, folder: Path, optimise: str = "-O2") -> Ran:
    """Compile a program for a board twice, with ``entry`` and with ``empty``, and run both.

    Parameters
    ----------
    files : mapping of str to str
        Names and texts; every ``.c`` is compiled strictly and linked with both, where the linker keeps what is used.
        ``vectors.h`` holds the rows, as ``main.c`` wants them.
    entry, empty : str
        C of ``entry``, which runs one row; ``empty`` does all of it but the work that is measured.

    Raises
    ------
    MissingDependencyError
        ``dependency.missing``.
    RuntimeError
        The compiler refused the code, or the program ended badly.
    """
    setting = BOARDS[board]
    if setting.lacking:
        raise MissingDependencyError(
            "dependency.missing", f"The proof on {board} needs {setting.lacking}.", fix=setting.install
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {**files, "entry.c": entry, "empty.c": empty}.items():
        (folder / name).write_text(text, encoding="utf-8")
    counter = folder / "counter.so"
    _run(["gcc", "-shared", "-fPIC", "-O2", str(HERE / "instruction_counter.c"), "-o", str(counter)], folder)
    strict = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-ffp-contract=off")
    tools = setting.tools
    compiler = f"{tools.prefix}gcc"
    flags = (*tools.flags, *setting.flags, optimise, "-ffunction-sections", "-fdata-sections")
    objects = []
    for name in sorted(n for n in files if n.endswith(".c")):
        objects.append(f"{name}.o")
        _run([compiler, *strict, *flags, "-c", name, "-o", objects[-1]], folder)
    link = ("-nostartfiles", "-Wl,--gc-sections", "-T", str(HERE / setting.script))
    harness = (str(HERE / tools.startup), str(HERE / "main.c"))
    for name in ("entry", "empty"):
        own = ("-I", str(folder), *harness, f"{name}.c", *objects, *tools.libraries, "-o", f"{name}.elf")
        _run([compiler, *flags, "-ffreestanding", *link, *own], folder)
    full, bare = _emulated(folder / "entry.elf", counter, setting), _emulated(folder / "empty.elf", counter, setting)
    sizes = [_size(folder / f"{name}.elf", tools.prefix) for name in ("entry", "empty")]
    flash, ram = (a - b for a, b in zip(*sizes, strict=True))
    return Ran(
        instructions=tuple(a - b for a, b in zip(full[0], bare[0], strict=True)),
        answers=full[1],
        flash_bytes=flash,
        ram_bytes=ram,
        stack_bytes=full[2] - bare[2],
    )


_EMPTY = "void entry(const unsigned char *in, unsigned char *out);\n" + (
    "void entry(const unsigned char *in, unsigned char *out) { (void)in; (void)out; }\n"
)


def _run(command: Sequence[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - toolchain
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr[:8000]}")
    return done.stdout


def _offsets(sizes: Sequence[int]) -> list[int]:
    found, at = [], 0
    for size in sizes:
        found.append(at)
        at += -(-size // 8) * 8
    return [*found, at]


def _vectors(network: Network, rows: Sequence[Sequence[Array]]) -> str:
    offsets = _offsets([p.tensor.size_bytes for p in network.inputs])
    lines = [f"#define ROWS {len(rows)}", f"#define INPUT_BYTES {offsets[-1]}"]
    lines.append(f"#define OUTPUT_BYTES {_offsets([p.tensor.size_bytes for p in network.outputs])[-1]}")
    lines.append(f"static const unsigned char rows[{len(rows)}][{max(1, offsets[-1])}] = {{")
    for row in rows:
        data = bytearray(max(1, offsets[-1]))
        for array, port, at in zip(row, network.inputs, offsets, strict=False):
            dtype = np.dtype(np.uint8) if port.tensor.dtype.label == "bool" else port.tensor.dtype.numpy
            stored = np.ascontiguousarray(array, dtype).tobytes()
            data[at : at + len(stored)] = stored
        lines.append("{" + ",".join(map(str, data)) + "},")
    return "\n".join([*lines, "};", ""])


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


def _emulated(program: Path, counter: Path, board: Board) -> tuple[list[int], bytes, int]:
    """Return instructions of each run, the outputs' bytes, and the stack."""
    symbols = dict(
        re.findall(r"^(\w+) \w (bench_\w+)$", _run([f"{board.tools.prefix}nm", str(program)], program.parent), re.M)
    )
    at = {name: f"0x{address}" for address, name in symbols.items()}
    command = [
        board.emulator, "-M", board.machine, *board.options, "-nographic", "-monitor", "none", "-serial", "none",
        "-semihosting-config", "enable=on,target=native",
        "-plugin", f"{counter},start={at['bench_start']},stop={at['bench_stop']}", "-kernel", str(program),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT_S, check=False)  # noqa: S603
    text = done.stderr + done.stdout
    if done.returncode:
        raise RuntimeError(f"exit {done.returncode} on {board.machine}: {text[-2000:]}")
    counts = [int(n) for n in re.findall(r"count=(\d+)", text)]
    answers = bytes.fromhex("".join(re.findall(r"OUT ([0-9a-f]*)", text)))
    return counts, answers, int(re.findall(r"STACK (\d+)", text)[0])


def _size(program: Path, prefix: str) -> tuple[int, int]:
    """Return flash and static RAM of a program, its heap section left out."""
    text = _run([f"{prefix}size", "-A", str(program)], program.parent)
    sizes = {m[0]: int(m[1]) for m in re.findall(r"^(\.\S+)\s+(\d+)\s+\d+", text, re.M)}
    data, bss = sizes.get(".data", 0), sizes.get(".bss", 0)
    return sizes.get(".text", 0) + sizes.get(".ARM.exidx", 0) + data, data + bss


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
