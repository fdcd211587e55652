"""Compiles networks with the host's gcc, strictly and under sanitisers, and runs them on arrays."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from afield.core.errors import MissingDependencyError
from afield.platforms.microcontroller.emission.files import header, source
from afield.platforms.microcontroller.emission.network import Network
from afield.platforms.microcontroller.ir import Array

HERE = Path(__file__).resolve().parent
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")
STRICT_C = ("-std=c99", *WARNINGS, "-ffp-contract=off")
STRICT_CPP = ("-x", "c++", "-std=gnu++17", *WARNINGS, "-ffp-contract=off")
SANITISED = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g")
TIME_LIMIT_S = 600


@dataclass(frozen=True, kw_only=True)
class Program:
    """Networks compiled into one executable."""

    path: Path
    networks: tuple[Network, ...]

    def run(self, index: int, rows: Sequence[Sequence[Array]]) -> list[list[Array]]:
        """Return the outputs for rows of inputs, each row a run.

        Raises
        ------
        RuntimeError
            The program ended badly, as under a sanitiser; the text is its own.
        """
        network = self.networks[index]
        fed = b"".join(
            np.ascontiguousarray(array, dtype=_stored(port.tensor.dtype.numpy)).tobytes()
            for row in rows
            for array, port in zip(row, network.inputs, strict=True)
        )
        done = subprocess.run(  # noqa: S603 - our own program
            [str(self.path), str(index)],
            input=fed or b"x" * len(rows),
            capture_output=True,
            timeout=TIME_LIMIT_S,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"exit {done.returncode}: {done.stderr.decode(errors='replace')[:4000]}")
        return _split(done.stdout, network, len(rows))


def _stored(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(np.uint8) if dtype == np.bool_ else dtype


def _split(data: bytes, network: Network, count: int) -> list[list[Array]]:
    rows, at = [], 0
    for _ in range(count):
        row = []
        for port in network.outputs:
            dtype = _stored(port.tensor.dtype.numpy)
            array: Array = np.frombuffer(data, dtype, port.tensor.size, at).reshape(port.tensor.shape)
            row.append(array.astype(port.tensor.dtype.numpy))
            at += port.tensor.size * dtype.itemsize
        rows.append(row)
    if at != len(data):
        raise RuntimeError(f"{len(data)} bytes came back where {at} were due")
    return rows


def build(
    networks: Sequence[Network],
    folder: Path,
    flags: Sequence[str] = STRICT_C,
    optimise: str = "-O1",
    *,
    together: bool = False,
) -> Program:
    """Write the networks' files and a main program into ``folder`` and compile them.

    ``together`` compiles all networks as one file, which is quicker for many small ones.

    Raises
    ------
    MissingDependencyError
        ``dependency.missing``: no gcc.
    RuntimeError
        The compiler refused the code: a defect of ours.
    """
    gcc = shutil.which("gcc")
    if gcc is None:
        raise MissingDependencyError("dependency.missing", "The proof needs gcc.", fix="apt install gcc")
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for network in networks:
        (folder / f"{network.prefix}.h").write_text(header(network), encoding="utf-8")
        (folder / f"{network.prefix}.c").write_text(source(network), encoding="utf-8")
        files.append(f"{network.prefix}.c")
    if together:
        (folder / "together.c").write_text("".join(f'#include "{name}"\n' for name in files), encoding="utf-8")
        files = ["together.c"]
    (folder / "entries.c").write_text(entries(networks), encoding="utf-8")
    (folder / "host_main.c").write_bytes((HERE / "host_main.c").read_bytes())
    objects = []
    for name in files:
        objects.append(f"{name}.o")
        _run([gcc, *flags, optimise, "-c", name, "-o", objects[-1]], folder)
    sanitised = [f for f in flags if f.startswith("-fsanitize")]
    _run([gcc, "-std=c99", optimise, *sanitised, "host_main.c", "entries.c", *objects, "-lm", "-o", "program"], folder)
    return Program(path=folder / "program", networks=tuple(networks))


def _run(command: Sequence[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - gcc
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr[:8000]}")


def entries(networks: Sequence[Network]) -> str:
    """Return the C that tells the main program of each network."""
    lines = [f'#include "{n.prefix}.h"' for n in networks]
    lines += ["typedef struct { void (*run)(void **, void **, void *); int input_count, output_count;",
              "    const long *input_bytes, *output_bytes; long arena_bytes; } entry;", ""]  # fmt: skip
    for index, n in enumerate(networks):
        given = [f"inputs[{i}]" for i in range(len(n.inputs))] + [f"outputs[{i}]" for i in range(len(n.outputs))]
        lines.append(f"static void run{index}(void **inputs, void **outputs, void *memory)")
        lines.append(f"{{ (void)inputs; {n.prefix}_run({', '.join([*given, 'memory'])}); }}")
        for side, ports in (("in", n.inputs), ("out", n.outputs)):
            sizes = ", ".join(str(p.tensor.size_bytes) for p in ports) or "0"
            lines.append(f"static const long {side}{index}[] = {{{sizes}}};")
    lines.append("extern const entry entries[];\nconst entry entries[] = {")
    lines += [
        f"    {{run{i}, {len(n.inputs)}, {len(n.outputs)}, in{i}, out{i}, {n.arena_bytes}}},"
        for i, n in enumerate(networks)
    ]
    return "\n".join([*lines, "};", ""])
