"""LightGBM's 100 trees of 31 leaves in C: tables, tables with leaves of 16 bits, branches; flash and instructions.

python benchmarks/microcontroller/trees.py [--board cortex-m4f] [--table NUMBERS.csv --target COLUMN]

Without a table: the first problem of Friedman (1991), 5,000 rows of ten numbers. Figures are differences to an empty
program; instructions are the mean and the most over rows. Peers, measured the same way on another such model: m2cgen
137 KB and 46,050 instructions; emlearn, a forest of 31 leaves, 37 KB and 3,032 inline, 25 KB and 8,457 as tables.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afield.graph.builder import Builder
from afield.graph.tree_lightgbm import read_lightgbm
from afield.graph.trees import sum_leaves
from afield.platforms.microcontroller.compiler import Options
from afield.platforms.microcontroller.prove.board import measure
from afield.platforms.microcontroller.tabular.compile import compile_table
from afield.platforms.microcontroller.trees.style import TreeStyle

ROWS = 100
STYLES = {
    "tables": TreeStyle(),
    "tables, int16 leaves": TreeStyle(leaves="int16"),
    "branches": TreeStyle(branches=True),
}


def data_of(asked: argparse.Namespace) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return features and target."""
    if asked.table:
        import pandas as pd

        frame = pd.read_csv(asked.table).select_dtypes("number").dropna()
        target = frame.pop(asked.target).to_numpy(np.float64)
        return frame.to_numpy(np.float32), target
    draw = np.random.default_rng(0)
    x = draw.random((5_000, 10)).astype(np.float32)
    y = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
    return x, y + draw.normal(size=len(x))


def model_of(x: NDArray[np.float32], y: NDArray[np.float64]) -> tuple[bytes, NDArray[np.float64]]:
    """Return the graph, and LightGBM's own answers to the first rows."""
    import lightgbm

    settings = {"objective": "regression", "num_leaves": 31, "verbose": -1, "num_threads": 1, "seed": 0}
    booster = lightgbm.train(settings, lightgbm.Dataset(x, y), 100)
    trees = read_lightgbm(booster.model_to_string(), 1)
    builder = Builder()
    columns = [builder.input(f"x{i}", "float64", ["N"]) for i in range(x.shape[1])]
    features = builder.cast(builder.transpose(builder.stack_columns(columns), [1, 0]), "float32")
    builder.output(builder.reshape(sum_leaves(builder, features, trees, 1), [-1]), "prediction", ["N"])
    answers = np.asarray(booster.predict(x[:ROWS]), dtype=np.float64)
    return builder.build("trees").SerializeToString(), answers


def main() -> None:
    """Print a line for each layout."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--board", default="cortex-m4f")
    parser.add_argument("--table", type=Path)
    parser.add_argument("--target", default="")
    asked = parser.parse_args()
    x, y = data_of(asked)
    data, answers = model_of(x, y)
    print(f"{'layout':22} {'flash':>8} {'RAM':>5} {'stack':>6} {'mean':>9} {'most':>7} {'off by':>8}")
    for name, style in STYLES.items():
        network = compile_table(data, Options(name="trees"), style=style).network
        with tempfile.TemporaryDirectory() as folder:
            ran = measure(network, [[row] for row in x[:ROWS]], asked.board, Path(folder))
        off = float(np.abs(np.array([row[0][0] for row in ran.outputs]) - answers).max())
        print(
            f"{name:22} {ran.flash_bytes:8,} {ran.ram_bytes:5,} {ran.stack_bytes:6,} {np.mean(ran.runs):9,.0f} "
            f"{max(ran.runs):7,} {off:8.1e}"
        )


if __name__ == "__main__":
    main()
