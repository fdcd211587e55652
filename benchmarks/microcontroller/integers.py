"""Flash, RAM and instructions of int8 networks on an emulated Cortex-M board, and whether they equal the reference.

python benchmarks/microcontroller/integers.py MODEL.onnx... [--board cortex-m4f] [--rows 8]

Figures are differences to an empty program; buffers of inputs and outputs do not count. Peers' figures for the MLPerf
Tiny networks, measured the same way (gcc 12 -O2, cortex-m4f), are printed below ours. ``off`` is the largest difference
to onnxruntime, operator by operator, in steps of the output (for networks that answer in floats: in their unit); models
that were quantised by an export lie in its folder as ``model.onnx``. ``equal`` says that the board's bytes are the
reference's.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from afield.platforms.microcontroller.compiler import Options, compile_network
from afield.platforms.microcontroller.integer import oracle
from afield.platforms.microcontroller.prove.board import measure

#: file stem -> peer -> flash bytes, RAM bytes, instructions
PEERS = {
    "mlperf_kws_int8": {
        "TFLite Micro + CMSIS-NN": (141_516, 26_260, 7.70e6),
        "onnx2c": (37_576, 81_712, 28.4e6),
        "BakeNN": (32_240, 16_004, 72.6e6),
    },
    "mlperf_ad_int8": {
        "TFLite Micro + CMSIS-NN": (311_984, 5_768, 0.584e6),
        "onnx2c": (274_136, 335_360, 3.28e6),
        "BakeNN": (285_448, 268, 1.72e6),
    },
    "mlperf_ic_int8": {
        "TFLite Micro + CMSIS-NN": (181_060, 60_660, 29.9e6),
        "onnx2c": (91_748, 418_872, 244e6),
        "BakeNN": (84_808, 49_156, 276e6),
    },
    "mlperf_vww_int8": {
        "TFLite Micro + CMSIS-NN": (420_884, 110_652, 24.1e6),
        "onnx2c": (257_216, 559_160, 81.1e6),
        "BakeNN": (245_512, 73_740, 190e6),
    },
}


def drawn(rng: np.random.Generator, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return bytes over their whole range, or floats for networks that quantise their inputs themselves."""
    if dtype.kind == "f":
        return rng.normal(size=shape).astype(dtype)
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max + 1, shape).astype(dtype)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--board", default="cortex-m4f")
    parser.add_argument("--rows", type=int, default=8)
    asked = parser.parse_args()
    print(f"{'model':24} {'flash':>9} {'RAM':>8} {'stack':>6} {'instructions':>12} {'/MAC':>5} {'off':>4} equal")
    for path in asked.models:
        data = path.read_bytes()
        compiled = compile_network(data, Options(name=path.stem))
        network = compiled.network
        rng = np.random.default_rng(0)
        rows = []
        for _ in range(asked.rows):
            rows.append([drawn(rng, p.tensor.dtype.numpy, p.tensor.shape) for p in network.inputs])
        with tempfile.TemporaryDirectory() as folder:
            found = measure(network, rows, asked.board, Path(folder))
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = ort.InferenceSession(data, options)
        off, equal = 0.0, True
        for row, answers in zip(rows, found.outputs, strict=True):
            fed = {p.name: a for p, a in zip(network.inputs, row, strict=True)}
            reference = oracle.run(compiled.graph, fed)
            for answer, want, real in zip(answers, reference, session.run(None, fed), strict=True):
                equal = equal and bool((answer == want).all())
                off = max(off, float(np.abs(want.astype(np.float64) - real).max()))
        print(
            f"{path.stem:24} {found.flash_bytes:9,} {found.ram_bytes:8,} {found.stack_bytes:6,} "
            f"{found.instructions:12,} {found.instructions / max(network.macs, 1):5.2f} {off:4.2g} {equal}"
        )
        for peer, (flash, ram, instructions) in PEERS.get(path.stem, {}).items():
            print(f"  {peer:22} {flash:9,} {ram:8,} {'':6} {instructions:12,.0f}")


if __name__ == "__main__":
    main()
