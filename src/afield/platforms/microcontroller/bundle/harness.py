"""Programs around a bundle's two files that answer many rows: on the host under sanitisers, on an emulated board."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.core.errors import MissingDependencyError
from afield.platforms.microcontroller.bundle.meaning import Field, Meaning
from afield.platforms.microcontroller.bundle.rows import Feed, initialisers
from afield.platforms.microcontroller.ir import DType
from afield.platforms.microcontroller.prove.chips import BOARDS
from afield.platforms.microcontroller.prove.emulator import call
from afield.platforms.microcontroller.prove.host import SANITISED, STRICT_C, STRICT_CPP
from afield.platforms.microcontroller.prove.program import Ran, Rows, compiled, run

Answers = dict[str, NDArray[Any]]
TIME_LIMIT_S = 600
#: rows in one file: a small chip's compiler takes no array beyond 32 KB
CHUNK = 16
#: optimise for the host: fast to compile, and sanitisers see more without it
_OPTIMISE = "-O1"


@dataclass(frozen=True, kw_only=True)
class Answered:
    """Answers by output column, and the board's figures where a board gave them."""

    answers: Answers
    ran: Ran | None = None


def rows_c(meaning: Meaning, feed: Feed) -> str:
    """Return the rows as C."""
    listed = initialisers(meaning, feed)
    lines = [f'#include "{meaning.prefix}.h"', f"extern const {meaning.prefix}_input rows_of_input[{len(listed)}];"]
    lines += [f"const {meaning.prefix}_input rows_of_input[{len(listed)}] = {{", *(f"{one}," for one in listed), "};"]
    return "\n".join([*lines, ""])


def on_host(files: Mapping[str, str], meaning: Meaning, feed: Feed, folder: Path, *, cpp: bool = False) -> Answered:
    """Compile ``<prefix>.h`` and ``.c`` strictly, run all rows under sanitisers, each with a new arena.

    Raises
    ------
    MissingDependencyError
        ``dependency.missing``: no gcc.
    RuntimeError
        The compiler refused the code, or a sanitiser ended the program.
    """
    gcc = shutil.which("gcc")
    if gcc is None:
        raise MissingDependencyError("dependency.missing", "The proof needs gcc.", fix="apt install gcc")
    folder.mkdir(parents=True, exist_ok=True)
    count = len(next(iter(feed.values())))
    texts = {**files, "rows.c": rows_c(meaning, feed), "main.c": _host_main(meaning, count)}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    flags = STRICT_CPP if cpp else STRICT_C
    plain = ("-std=c99", "-w")
    _run([gcc, *flags, *SANITISED, _OPTIMISE, "-c", f"{meaning.prefix}.c", "-o", "model.o"], folder)
    _run([gcc, *plain, *SANITISED, "-c", "rows.c", "-o", "rows.o"], folder)
    _run([gcc, *plain, *SANITISED, "main.c", "model.o", "rows.o", "-lm", "-o", "program"], folder)
    done = subprocess.run(  # noqa: S603 - our own program
        [str(folder / "program")], cwd=folder, capture_output=True, timeout=TIME_LIMIT_S, check=False
    )
    if done.returncode:
        raise RuntimeError(f"exit {done.returncode}: {done.stderr.decode(errors='replace')[:4000]}")
    return Answered(answers=_decoded(meaning, done.stdout, count, _width(meaning)))


def on_board(files: Mapping[str, str], meaning: Meaning, feed: Feed, board: str, folder: Path) -> Answered:
    """Compile the bundle's files for a board and run all rows there.

    Raises
    ------
    MissingDependencyError
        ``dependency.missing``.
    RuntimeError
        As ``on_host``.
    """
    count, width = len(next(iter(feed.values()))), _width(meaning)
    fed = BOARDS[board].fed
    if fed:
        given = _as_bytes(files, meaning, feed, board, folder)
        rows = Rows(data=given, input_bytes=len(given[0]), output_bytes=width)
        texts = dict(files)
    else:
        data = tuple(i.to_bytes(4, "little") for i in range(count))
        rows = Rows(data=data, input_bytes=4, output_bytes=width)
        texts = {**files, "rows.c": rows_c(meaning, feed)}
    entry, empty = (_board_entry(meaning, count, model=model, fed=fed) for model in (True, False))
    ran = run(texts, entry, empty, rows, board, folder)
    return Answered(answers=_decoded(meaning, ran.answers, count, width), ran=ran)


def _as_bytes(files: Mapping[str, str], meaning: Meaning, feed: Feed, board: str, folder: Path) -> tuple[bytes, ...]:
    """Return the rows as the board's own compiler lays them out in memory."""
    setting, found = BOARDS[board], []
    if setting.lacking:
        raise MissingDependencyError(
            "dependency.missing", f"The proof on {board} needs {setting.lacking}.", fix=setting.install
        )
    folder.mkdir(parents=True, exist_ok=True)
    count = len(next(iter(feed.values())))
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    for start in range(0, count, CHUNK):
        part = {n: v[start : start + CHUNK] for n, v in feed.items()}
        size = min(CHUNK, count - start)
        (folder / "chunk.c").write_text(rows_c(meaning, part), encoding="utf-8")
        compiled("chunk.c", "chunk.o", setting, folder, (*setting.tools.flags, *setting.flags, "-w"))
        call([f"{setting.tools.prefix}objcopy", "-O", "binary", "-j", ".rodata", "chunk.o", "chunk.bin"], folder)
        data = (folder / "chunk.bin").read_bytes()
        found += [data[i : i + len(data) // size] for i in range(0, len(data), len(data) // size)]
    return tuple(found)


def _run(command: Sequence[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - gcc
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr[:8000]}")


def _dtype(field: Field) -> np.dtype[Any]:
    """Return the type in which a member is handed over; labels as int32."""
    if field.values is not None:
        return np.dtype(np.int32)
    return next(d.numpy for d in DType if d.c == field.c_type and d is not DType.BOOL)


def _width(meaning: Meaning) -> int:
    return sum(_dtype(f).itemsize * max(1, f.size) for f in meaning.outputs)


def _copies(meaning: Meaning, target: str) -> list[str]:
    """Return C that copies the members of ``output`` behind one another."""
    lines, at = [], 0
    for field in meaning.outputs:
        size = _dtype(field).itemsize * max(1, field.size)
        if field.values is not None:
            lines.append(f"    {{ const int32_t label = (int32_t)output.{field.member}; "
                         f"memcpy({target} + {at}, &label, 4); }}")  # fmt: skip
        else:
            lines.append(f"    memcpy({target} + {at}, {'' if field.size else '&'}output.{field.member}, {size});")
        at += size
    return lines


def _host_main(meaning: Meaning, count: int) -> str:
    prefix, upper, width = meaning.prefix, meaning.upper, _width(meaning)
    return "\n".join([
        f'#include "{prefix}.h"', "#include <stdio.h>", "#include <stdlib.h>", "#include <string.h>",
        f"extern const {prefix}_input rows_of_input[{count}];", "int main(void)", "{",
        f"    for (int row = 0; row < {count}; ++row) {{",
        f"    unsigned char bytes[{width}];",
        f"    {prefix}_output output;",
        f"    void *arena = {upper}_ARENA_BYTES ? malloc({upper}_ARENA_BYTES) : 0;",
        f"    if (arena) memset(arena, 0xFB, {upper}_ARENA_BYTES);",
        f"    if ({prefix}_predict(&rows_of_input[row], &output, arena) != {upper}_OK) return 9;",
        "    free(arena);", *_copies(meaning, "bytes"),
        f"    fwrite(bytes, 1, {width}, stdout);", "    }", "    return 0;", "}", "",
    ])  # fmt: skip


def _board_entry(meaning: Meaning, count: int, *, model: bool, fed: bool) -> str:
    """Return the entry for a board; without the model it does all else."""
    prefix, network = meaning.prefix, meaning.compiled.network
    arena = -(-network.arena_bytes // 8) if model else 0
    finding = [f"    kept = (const {prefix}_input *)(const void *)in;"] if fed else [
        "    uint32_t row;", "    memcpy(&row, in, 4);", "    kept = &rows_of_input[row];"]  # fmt: skip
    ask = f"    {prefix}_predict(kept, &output, {'arena' if arena else '0'});" if model else ""
    return "\n".join([
        f'#include "{prefix}.h"', "#include <string.h>", f"extern const {prefix}_input rows_of_input[{count}];",
        f"static {prefix}_output output;", f"static const {prefix}_input *volatile kept;",
        f"static uint64_t arena[{arena}];" if arena else "",
        "void entry(const unsigned char *in, unsigned char *out);",
        "void entry(const unsigned char *in, unsigned char *out)", "{", *finding, ask,
        *_copies(meaning, "out"), "}", "",
    ])  # fmt: skip


def _decoded(meaning: Meaning, data: bytes, count: int, width: int) -> Answers:
    padded = -(-len(data) // max(1, count)) if count else width
    if count * padded != len(data) or padded < width:
        raise RuntimeError(f"{len(data)} bytes came back where {count * width} were due")
    table = np.frombuffer(data, np.uint8).reshape(count, padded)
    answers: Answers = {}
    at = 0
    for field in meaning.outputs:
        dtype = _dtype(field)
        size = dtype.itemsize * max(1, field.size)
        values = np.ascontiguousarray(table[:, at : at + size]).view(dtype)
        at += size
        if field.values is not None:
            texts = np.array([text for _, text in field.values.constants], dtype=object)
            answers[field.column] = texts[np.clip(values[:, 0], 0, len(texts) - 1)]
        else:
            answers[field.column] = values if field.size else values[:, 0]
    return answers
