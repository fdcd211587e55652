"""The bundle's README: how to use the model, what it needs, and what was measured."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from afield.model.container import read_properties
from afield.platforms.microcontroller.bundle.meaning import Field, Meaning
from afield.platforms.protocol import REWRITTEN


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What a proof measured on one board: differences to a program without the model."""

    board: str
    flash_bytes: int
    ram_bytes: int
    stack_bytes: int
    instructions: int
    cycles: int = 0  # where the emulator models them


def notes_of(content: bytes) -> list[str]:
    """Return what a file says of how it was quantised."""
    note = read_properties(content).get(REWRITTEN, "")
    return [str(line) for line in json.loads(note)["text"]] if note else []


def readme(
    meaning: Meaning,
    figures: Sequence[Figures] = (),
    estimates: Mapping[str, float] | None = None,
    notes: Sequence[str] = (),
) -> str:
    """Return the text; ``estimates`` are milliseconds for boards by name, ``notes`` sentences on the model."""
    name, upper, network = meaning.prefix, meaning.upper, meaning.compiled.network
    lines = [
        f"# {name}",
        "",
        f"{meaning.title}. C99 without memory allocation, runtime or library beyond math.h.",
        "",
        "```c",
        f'#include "{name}.h"',
        "",
        f"{name}_input input;",
        f"{name}_output output;",
        *_filled(meaning.inputs),
        f"if ({name}_predict_static(&input, &output) == {upper}_OK) {{",
        *(f"    /* {_read(f)} */" for f in meaning.outputs),
        "}",
        "```",
        "",
        f"`{name}_predict` takes working memory of your own ({network.arena_bytes} bytes) and is reentrant. "
        "Numbers are floats; NAN is a number that is missing. Text columns are enumerations: `_MISSING` for an empty "
        "cell, `_UNKNOWN` for a value that the model has not seen.",
        "",
        *(["## Quantised", "", *(f"- {note}" for note in notes), ""] if notes else ()),
        "## What it takes",
        "",
        f"- constants: {network.constant_bytes:,} bytes of flash, exact",
        f"- static RAM: {network.arena_bytes:,} bytes, exact",
        *_rounding(meaning),
        "",
    ]
    if figures:
        lines += [
            "Measured on an emulated board, compiled with gcc -O2, as differences to a program without the model:",
            "",
            "| board | flash | RAM | stack | instructions for one answer |",
            "|---|---|---|---|---|",
            *(
                f"| {f.board} | {f.flash_bytes:,} | {f.ram_bytes:,} | {f.stack_bytes:,} | {f.instructions:,} |"
                for f in figures
            ),
            "",
        ]
    else:
        lines += ["Flash of the code and instructions: not run here: needs gcc-arm-none-eabi and qemu-system-arm.", ""]
    if estimates:
        counted = "cycles" if any(f.cycles for f in figures) else "instructions"
        lines += [f"Estimated, not measured, from the count of {counted} and the clock:", ""]
        lines += [f"- {board}: about {ms:.2g} ms" for board, ms in estimates.items()]
        lines.append("")
    lines += [
        "## Building",
        "",
        f"- any build system: compile `src/{name}.c`, put `src` on the include path, link libm",
        "- `make test` runs the self-test on this machine",
        f"- on a board: add `test/{name}_test.c`; define `{upper}_TEST_NO_MAIN` where you call `{name}_test` yourself",
        f"- CMake: `add_subdirectory`, then link `{name}`",
        "- Arduino: put this folder into `libraries`; PlatformIO: into `lib`",
        f"- Zephyr: name this folder in `ZEPHYR_EXTRA_MODULES` and set `CONFIG_{upper}=y`",
        "",
        "No recursion, no variable-length arrays, no memory allocation. Compile with `-ffp-contract=off` where answers "
        "must be the same to the last bit on every device.",
        "",
        f"Model: `model.onnx`, SHA-256 {meaning.sha256}. Licence: see LICENSE.txt.",
        "",
    ]
    return "\n".join(lines)


def _rounding(meaning: Meaning) -> list[str]:
    """Say what leaves of 16 bits may change."""
    bounds = []
    for node in meaning.compiled.graph.nodes:
        style, packed = node.attributes.get("style"), node.attributes.get("packed")
        if node.op != "Forest" or not isinstance(style, tuple) or not isinstance(packed, tuple):
            continue
        if style[0].leaves == "int16" and packed[0].width == 1:
            bounds.append(packed[0].bound)
    return [f"- leaves of 16 bits: a sum of trees is off by at most {b:.3g}" for b in bounds]


def _filled(fields: Sequence[Field]) -> list[str]:
    lines = []
    for field in fields[:6]:
        if field.size:
            lines.append(f"/* input.{field.member}: {field.size} elements */")
        else:
            lines.append(f"input.{field.member} = {field.values.constants[-1][0] if field.values else 'NAN'};")
    return [*lines, *([f"/* and {len(fields) - 6} more */"] if len(fields) > 6 else [])]


def _read(field: Field) -> str:
    if field.values:
        return f"output.{field.member}: a {field.values.type}"
    return f"output.{field.member}" + (f"[{field.size}]" if field.size else "")
