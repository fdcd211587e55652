"""How far the figures of ``check`` are from what the linker finds: constants, RAM and code, for models and devices.

python benchmarks/microcontroller/fitting.py MODEL.onnx... [--boards cortex-m3,rv32] [--branches] [--fit]

Each model is compiled and linked for each board; nothing is run. ``share`` is the error of the code against the larger
of 1 KB and a tenth: below 1 is what the estimate promises. ``--fit`` prints bytes for each board's tokens that make the
largest share of the given models least; they go under "code" in library.json.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
from scipy.optimize import linprog

from afield.core.errors import AfieldError
from afield.platforms.microcontroller.choice import known_model, levels_of
from afield.platforms.microcontroller.compiler import Options
from afield.platforms.microcontroller.counting import counted
from afield.platforms.microcontroller.devices import Device, devices
from afield.platforms.microcontroller.emission.network import Network
from afield.platforms.microcontroller.fitting import DSP, LIBRARY, needs
from afield.platforms.microcontroller.prove.board import sizes
from afield.platforms.microcontroller.prove.chips import BOARDS
from afield.platforms.microcontroller.tabular.compile import compile_table
from afield.platforms.microcontroller.trees.style import TreeStyle

NAMES = ("calls", "kernels", "branches", "floats", "doubles", "leaves")


def main() -> None:
    """Print a row for each model and board, and the worst shares."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--boards", default=",".join(BOARDS))
    parser.add_argument("--branches", action="store_true")
    parser.add_argument("--fit", action="store_true")
    asked = parser.parse_args()
    print(f"{'model':24} {'board':14} {'constants':>9} {'RAM':>7} {'told':>7} {'code':>7} {'told':>7} {'share':>6}")
    worst: dict[str, float] = {}
    rows: dict[str, list[tuple[Network, int]]] = {}
    for path in asked.models:
        data = path.read_bytes()
        compiled = compile_table(data, Options(name="net"), levels_of(known_model(data)),
                                 TreeStyle(branches=asked.branches))  # fmt: skip
        network = compiled.network
        for board in asked.boards.split(","):
            try:
                with tempfile.TemporaryDirectory() as folder:
                    flash, ram = sizes(network, board, Path(folder))
            except (AfieldError, RuntimeError) as error:
                print(f"{path.stem:24} {board:14} not linked: {str(error).splitlines()[-1][-60:]}")
                continue
            told, code = needs(network, device_of(board)), flash - network.constant_bytes
            share = abs(told.code_bytes - code) / max(1024, code / 10)
            worst[board] = max(worst.get(board, 0.0), share)
            rows.setdefault(board, []).append((network, code))
            print(f"{path.stem:24} {board:14} {told.constant_bytes:9,} {ram:7,} {told.ram_bytes:7,} {code:7,} "
                  f"{told.code_bytes:7,} {share:6.2f}", flush=True)  # fmt: skip
    print("largest share: " + ", ".join(f"{board} {share:.2f}" for board, share in worst.items()))
    if asked.fit:
        print(json.dumps({board: fitted(board, found) for board, found in rows.items()}, indent=1))


def device_of(board: str) -> Device:
    """Return a device that a board stands for."""
    return next(d for d in devices().values() if d.board == board)


def fitted(board: str, rows: list[tuple[Network, int]]) -> dict[str, float]:
    """Return bytes by count, none negative, that make the largest share least, and then the mean."""
    library = json.loads(LIBRARY.read_text(encoding="utf-8"))[board]
    counts = [counted(n.functions, n.body, dsp=board in DSP) for n, _ in rows]
    brought = [{m for o in c.operations for m in library["operations"].get(o) or ()} for c in counts]
    flash = np.array([sum(library["members"][m][0] for m in members) for members in brought])
    code = np.array([c for _, c in rows], dtype=float)
    weight = 1 / np.maximum(1024, code / 10)
    given = np.array([[1, *(getattr(c, n) for n in NAMES)] for c in counts], dtype=float) * weight[:, None]
    wanted = (code - flash) * weight
    count, width = given.shape
    each, none = np.eye(count), np.zeros((count, 1))
    upper = np.block([[given, -each, none], [-given, -each, none], [np.zeros((count, width)), each, none - 1]])
    cost = np.r_[np.zeros(width), np.full(count, 1 / count), 1.0]
    found = linprog(cost, A_ub=upper, b_ub=np.r_[wanted, -wanted, np.zeros(count)])
    return {n: round(float(v), 3) for n, v in zip(("program", *NAMES), found.x, strict=False)}


if __name__ == "__main__":
    main()
