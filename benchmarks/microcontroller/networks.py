"""Flash, RAM and instructions of networks on an emulated Cortex-M board, and how far their answers are off.

python benchmarks/microcontroller/networks.py MODEL.onnx... [--board cortex-m4f] [--rows 2]

Figures are differences to an empty program; buffers of inputs and outputs do not count. Peers' figures for the MLPerf
Tiny networks, measured the same way (gcc 12 -O2, cortex-m4f), stand in PEERS and are printed beside ours.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime as ort

from afield.platforms.microcontroller.compiler import Options, compile_network
from afield.platforms.microcontroller.prove.board import measure

#: file stem -> (peer, RAM bytes, instructions)
PEERS = {
    "mlperf_kws_float": ("onnx2c", 65_072, 25.1e6),
    "mlperf_ad_float": ("onnx2c", 1_024, 1.34e6),
    "mlperf_ic_float": ("onnx2c", 197_680, 234e6),
    "mlperf_vww_float": ("onnx2c", 295_984, 69.0e6),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--board", default="cortex-m4f")
    parser.add_argument("--rows", type=int, default=2)
    asked = parser.parse_args()
    names = ("flash", "RAM", "stack", "instructions", "/MAC", "off by")
    print(f"{'model':24} " + " ".join(f"{n:>{w}}" for n, w in zip(names, (9, 8, 6, 12, 5, 8), strict=True)) + "  peer")
    for path in asked.models:
        data = path.read_bytes()
        network = compile_network(data, Options(name=path.stem)).network
        rng = np.random.default_rng(0)
        rows = [
            [rng.normal(size=p.tensor.shape).astype(p.tensor.dtype.numpy) for p in network.inputs]
            for _ in range(asked.rows)
        ]
        with tempfile.TemporaryDirectory() as folder:
            found = measure(network, rows, asked.board, Path(folder))
        session = ort.InferenceSession(data)
        off = 0.0
        for row, answers in zip(rows, found.outputs, strict=True):
            fed = {p.name: a for p, a in zip(network.inputs, row, strict=True)}
            for answer, want in zip(answers, session.run(None, fed), strict=True):
                off = max(off, float(np.abs(answer.astype(np.float64) - want).max()))
        peer = PEERS.get(path.stem)
        against = f"{peer[0]}: {peer[1]:,}, {peer[2]:,.0f}" if peer else ""
        print(
            f"{path.stem:24} {found.flash_bytes:9,} {found.ram_bytes:8,} {found.stack_bytes:6,} "
            f"{found.instructions:12,} "
            f"{found.instructions / max(network.macs, 1):5.2f} {off:8.1e}  {against}"
        )


if __name__ == "__main__":
    main()
