"""Peers that a package registry serves, measured as afield is: emlearn and m2cgen for trees, TFLite Micro for arenas.

python benchmarks/microcontroller/peers.py install [NAME...]      each into benchmarks/.envs, from requirements/NAME.txt
python benchmarks/microcontroller/peers.py trees [--board cortex-m4f]
python benchmarks/microcontroller/peers.py arenas MODEL.tflite...

``trees`` compares on the first problem of Friedman (1991), 5,000 rows of ten numbers: LightGBM's 100 trees of 31 leaves
(m2cgen), and a forest of 100 trees of 31 leaves on features as int16 (emlearn), the same trees compiled by afield
beside them. Figures are differences to an empty program; instructions are the mean and the most over 100 rows.
``arenas`` prints what TFLite Micro's allocator asks for: on a 64-bit host, where its structures are larger than on a
board; the head holds activations, inputs and outputs, and is the same on every device.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from trees import ROWS, STYLES, data_of

from afield.graph.builder import Builder
from afield.graph.tree_forest import read_forest
from afield.graph.tree_lightgbm import read_lightgbm
from afield.graph.trees import Trees, sum_leaves
from afield.platforms.microcontroller.compiler import Options
from afield.platforms.microcontroller.prove.board import measure
from afield.platforms.microcontroller.prove.program import Rows, run
from afield.platforms.microcontroller.tabular.compile import compile_table

HERE = Path(__file__).resolve().parent
ENVS = HERE.parent / ".envs"
NAMES = tuple(sorted(path.stem for path in (HERE / "requirements").glob("*.txt")))
#: features of the forest: sixteen bits of a number from 0 to 1
STEPS = 32_000
_HEAD = (
    "void entry(const unsigned char *in, unsigned char *out);\nvoid entry(const unsigned char *in, unsigned char *out)"
)


@dataclass(frozen=True)
class Line:
    """What is printed of one program."""

    name: str
    flash_bytes: int
    ram_bytes: int
    stack_bytes: int
    instructions: tuple[int, ...]
    off: float

    def __str__(self) -> str:
        mean, most = np.mean(self.instructions), max(self.instructions)
        sizes = f"{self.flash_bytes:9,} {self.ram_bytes:6,} {self.stack_bytes:6,}"
        return f"{self.name:34} {sizes} {mean:9,.0f} {most:8,} {self.off:9.1e}"


def python_of(name: str) -> Path:
    """Return the interpreter of an environment; exits where it is not there."""
    path = ENVS / name / "bin" / "python"
    if not path.exists():
        sys.exit(f"{name} is not installed: python benchmarks/microcontroller/peers.py install {name}")
    return path


def install(names: list[str]) -> None:
    """Make environments anew."""
    for name in names or NAMES:
        venv.create(ENVS / name, clear=True, with_pip=True)
        command = [str(python_of(name)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*command, "-r", str(HERE / "requirements" / f"{name}.txt")], check=True)
        print(f"{name}: installed into {ENVS / name}")


def within(name: str, script: str, *arguments: str) -> str:
    """Run a script in an environment and return what it printed."""
    command = [str(python_of(name)), str(HERE / "runners" / script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr[-2000:]}")
    return done.stdout + done.stderr


def peer(
    name: str, headers: dict[str, str], call: str, rows: NDArray[np.generic], answers: NDArray[np.float64], board: str
) -> Line:
    """Measure a peer's C, which is not held to our warnings; ``call`` is an expression over ``x``."""
    kind = {"f": "double", "i": "int16_t"}[rows.dtype.kind]
    own = {name: re.sub(r"#include <(eml_\w+\.h)>", r'#include "\1"', text) for name, text in headers.items()}
    files = {name: f"#pragma GCC system_header\n{text}" for name, text in own.items()}
    body = f"double r = (double)({call}); for (unsigned i = 0; i < 8; ++i) out[i] = ((const unsigned char *)&r)[i];"
    files["peer.c"] = (
        f'#include <stdint.h>\n#include "peer.h"\n{_HEAD.replace("entry", "answer")}\n'
        f"{{ const {kind} *x = (const void *)in; {body} }}\n"
    )
    entry = f"{_HEAD.splitlines()[0].replace('entry', 'answer')}\n{_HEAD}\n{{ answer(in, out); }}\n"
    empty = f"{_HEAD}\n{{ (void)in; (void)out; }}\n"
    given = Rows(data=tuple(row.tobytes() for row in rows), input_bytes=rows[0].nbytes, output_bytes=8)
    with tempfile.TemporaryDirectory() as folder:
        ran = run(files, entry, empty, given, board, Path(folder))
    off = float(np.abs(np.frombuffer(ran.answers, np.float64) - answers).max())
    return Line(name, ran.flash_bytes, ran.ram_bytes, ran.stack_bytes, ran.instructions, off)


def ours(trees: Trees, rows: NDArray[np.float32], answers: NDArray[np.float64], board: str) -> Iterator[Line]:
    """Measure the same trees in each of our layouts."""
    builder = Builder()
    columns = [builder.input(f"x{i}", "float64", ["N"]) for i in range(rows.shape[1])]
    features = builder.cast(builder.transpose(builder.stack_columns(columns), [1, 0]), "float32")
    builder.output(builder.reshape(sum_leaves(builder, features, trees, 1), [-1]), "prediction", ["N"])
    data = builder.build("trees").SerializeToString()
    for style_name, style in STYLES.items():
        network = compile_table(data, Options(name="trees"), style=style).network
        with tempfile.TemporaryDirectory() as folder:
            ran = measure(network, [[row] for row in rows], board, Path(folder))
        off = float(np.abs(np.array([row[0][0] for row in ran.outputs]) - answers).max())
        yield Line(f"  afield, {style_name}", ran.flash_bytes, ran.ram_bytes, ran.stack_bytes, ran.runs, off)


def boosted(x: NDArray[np.float32], y: NDArray[np.float64], board: str) -> Iterator[Line]:
    """LightGBM by m2cgen, and by us."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "data.npz", x=x, y=y)
        within("m2cgen", "m2cgen_boosted.py", str(folder / "data.npz"), name)
        answers = np.load(folder / "answers.npy")
        code = (folder / "score.h").read_text(encoding="utf-8")
        trees = read_lightgbm((folder / "booster.txt").read_text(encoding="utf-8"), 1)
    wide = x[:ROWS].astype(np.float64)
    yield peer("m2cgen, LightGBM", {"peer.h": code}, "score((double *)(uintptr_t)x)", wide, answers, board)
    yield from ours(trees, x[:ROWS], answers, board)


def forests(x: NDArray[np.float32], y: NDArray[np.float64], board: str) -> Iterator[Line]:
    """A forest by emlearn, and by us."""
    whole = (x * STEPS).astype(np.int16)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "data.npz", x=whole, y=y)
        within("emlearn", "emlearn_forest.py", str(folder / "data.npz"), name)
        with np.load(folder / "forest.npz") as forest:
            stored = {key: forest[key] for key in forest.files}
        headers = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.h")}
    answers = stored["answers"]
    for style in ("inline", "tables"):
        texts = {n: t for n, t in headers.items() if n.startswith("eml_")} | {"peer.h": headers[f"{style}.h"]}
        call = f"peer_predict(x, {x.shape[1]})"
        yield peer(f"emlearn, forest, {style}", texts, call, whole[:ROWS], answers, board)
    split = stored["threshold"]
    trees = read_forest(
        counts=stored["counts"], left=stored["left"], right=stored["right"], feature=stored["feature"],
        threshold=split, missing_left=np.zeros(len(split), dtype=bool), leaves=stored["leaves"][:, None],
    )  # fmt: skip
    yield from ours(trees, whole[:ROWS].astype(np.float32), answers, board)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("install").add_argument("names", nargs="*", choices=[*NAMES, []])
    commands.add_parser("trees").add_argument("--board", default="cortex-m4f")
    commands.add_parser("arenas").add_argument("models", nargs="+", type=Path)
    asked = parser.parse_args()
    if asked.command == "install":
        install(asked.names)
    elif asked.command == "trees":
        print(f"{'':34} {'flash':>9} {'RAM':>6} {'stack':>6} {'mean':>9} {'most':>8} {'off by':>9}")
        x, y = data_of(argparse.Namespace(table=None))
        for lines in (boosted(x, y, asked.board), forests(x, y, asked.board)):
            for line in lines:
                print(line, flush=True)
    else:
        for model in asked.models:
            told = within("tflite-micro", "tflite_arena.py", str(model))
            sizes = dict(re.findall(r"Arena allocation (\w+) (\d+) bytes", told))
            print(f"{model.name:32} total {int(sizes['total']):8,}  head {int(sizes['head']):8,} bytes")


if __name__ == "__main__":
    main()
