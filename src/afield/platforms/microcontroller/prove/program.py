"""Builds a program for an emulated board twice, with a model and without, runs both, and takes the differences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from afield.core.errors import MissingDependencyError
from afield.platforms.microcontroller.prove.chips import BOARDS, Board
from afield.platforms.microcontroller.prove.emulator import HERE, call, emulate

WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Werror", "-ffp-contract=off")


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows as ``entry`` takes them: bytes of each input, and how many bytes an input and an output have."""

    data: tuple[bytes, ...]
    input_bytes: int
    output_bytes: int


@dataclass(frozen=True, kw_only=True)
class Ran:
    """A program that ran on a board.

    Parameters
    ----------
    instructions, cycles : tuple of int
        Of each row; cycles only where the emulator models them.
    answers : bytes
        Of all rows, one after another.
    flash_bytes, ram_bytes : int
        Code and constants; static memory.
    stack_bytes : int
    """

    instructions: tuple[int, ...]
    cycles: tuple[int, ...]
    answers: bytes
    flash_bytes: int
    ram_bytes: int
    stack_bytes: int


def run(
    files: Mapping[str, str], entry: str, empty: str, rows: Rows, board: str, folder: Path, optimise: str = "-O2"
) -> Ran:
    """Compile a program for a board twice, with ``entry`` and with ``empty``, and run both on all rows.

    Parameters
    ----------
    files : mapping of str to str
        Names and texts; every ``.c`` is compiled strictly and linked with both, where the linker keeps what is used.
    entry, empty : str
        C of ``entry``, which runs one row; ``empty`` does all of it but the work that is measured.

    Raises
    ------
    MissingDependencyError
        ``dependency.missing``.
    RuntimeError
        The compiler refused the code, it does not fit the chip, or the program ended badly.
    """
    setting = BOARDS[board]
    sizes = built(files, entry, empty, rows, board, folder, optimise)
    if setting.fed and (sizes[0][0] > setting.room_bytes or sizes[0][1] > setting.ram_bytes):
        raise RuntimeError(
            f"{board} has {setting.room_bytes:,} bytes of flash and {setting.ram_bytes:,} of RAM; the program takes "
            f"{sizes[0][0]:,} and {sizes[0][1]:,}"
        )
    full, bare = (emulate(folder / f"{name}.elf", setting) for name in ("entry", "empty"))
    flash, ram = (a - b for a, b in zip(*sizes, strict=True))
    return Ran(
        instructions=tuple(a - b for a, b in zip(full.instructions, bare.instructions, strict=True)),
        cycles=tuple(a - b for a, b in zip(full.cycles, bare.cycles, strict=True)),
        answers=full.answers,
        flash_bytes=flash,
        ram_bytes=ram,
        stack_bytes=full.stack_bytes - bare.stack_bytes,
    )


def built(
    files: Mapping[str, str], entry: str, empty: str, rows: Rows, board: str, folder: Path, optimise: str = "-O2"
) -> list[tuple[int, int]]:
    """Compile and link ``entry.elf`` and ``empty.elf``; return flash and static RAM of each. See ``run``."""
    setting = BOARDS[board]
    if setting.lacking:
        raise MissingDependencyError(
            "dependency.missing", f"The proof on {board} needs {setting.lacking}.", fix=setting.install
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {**files, "vectors.h": vectors(rows, setting), "entry.c": entry, "empty.c": empty}.items():
        (folder / name).write_text(text, encoding="utf-8")
    if setting.fed:
        (folder / "rows.bin").write_bytes(b"".join(rows.data))
    tools = setting.tools
    flags = (*tools.flags, *setting.flags, optimise, "-ffunction-sections", "-fdata-sections")
    objects = []
    for name in sorted(n for n in files if n.endswith(".c")):
        objects.append(f"{name}.o")
        compiled(name, objects[-1], setting, folder, (*WARNINGS, *flags))
    harness = [f"{name}.o" for name in tools.harness]
    for name, made in zip(tools.harness, harness, strict=True):
        bare = ("-ffreestanding", "-I", str(folder)) if tools.linking else ("-I", str(folder))
        call([f"{tools.prefix}gcc", *flags, *bare, "-c", str(HERE / name), "-o", made], folder)
    script = ("-T", str(HERE / setting.script)) if setting.script else ()
    for name in ("entry", "empty"):
        own = ("-I", str(folder), *harness, f"{name}.c", *objects, *tools.libraries, "-o", f"{name}.elf")
        call([f"{tools.prefix}gcc", *flags, *tools.linking, "-Wl,--gc-sections", *script, *own], folder)
    return [sizes_of(folder / f"{name}.elf", setting) for name in ("entry", "empty")]


def compiled(source: str, result: str, board: Board, folder: Path, flags: tuple[str, ...]) -> None:
    """Compile one file for a board; see ``run``."""
    call([f"{board.tools.prefix}gcc", f"-std={board.tools.standard}", *flags, "-c", source, "-o", result], folder)


def vectors(rows: Rows, board: Board) -> str:
    """Return the header with the rows as ``main.c`` wants them; a board that is fed gets them from the emulator."""
    lines = [f"#define ROWS {len(rows.data)}", f"#define INPUT_BYTES {rows.input_bytes}"]
    lines.append(f"#define OUTPUT_BYTES {rows.output_bytes}")
    if not board.fed:
        lines.append(f"static const unsigned char rows[{len(rows.data)}][{max(1, rows.input_bytes)}] = {{")
        lines += ["{" + (",".join(map(str, one)) or "0") + "}," for one in rows.data]
        lines.append("};")
    return "\n".join([*lines, ""])


def sizes_of(program: Path, board: Board) -> tuple[int, int]:
    """Return flash and static RAM of a program, its heap section left out."""
    text = call([f"{board.tools.prefix}size", "-A", str(program)], program.parent)
    sizes = {m[0]: int(m[1]) for m in re.findall(r"^(\.\S+)\s+(\d+)\s+\d+", text, re.M)}
    ram = sum(sizes.get(name, 0) for name in (".data", ".bss", ".tdata", ".tbss_space"))
    return sizes.get(".text", 0) + sizes.get(".ARM.exidx", 0) + sizes.get(".data", 0) + sizes.get(".tdata", 0), ram
