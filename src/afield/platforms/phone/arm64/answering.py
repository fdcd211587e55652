"""Answer rows with onnxruntime: a program of its own, started by path under the emulator.

``python answering.py MODEL FOLDER`` reads ``feed.npz`` (numbers) and ``feed.json`` (texts) in the folder, and writes
``together.npz``/``.json`` (all rows at once) and ``alone.npz``/``.json`` (the samples one by one). It prints versions.
"""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime


def write(folder: Path, stem: str, arrays: dict[str, Any]) -> None:
    """Write arrays: numbers as they are, texts as JSON, for npz would cut zero characters off their ends."""
    numbers = {n: v for n, v in arrays.items() if v.dtype.kind not in "OU"}
    np.savez(folder / f"{stem}.npz", **numbers)
    texts = {n: v.tolist() for n, v in arrays.items() if n not in numbers}
    (folder / f"{stem}.json").write_text(json.dumps(texts), encoding="ascii")


def read(folder: Path, stem: str) -> dict[str, Any]:
    """Return what ``write`` wrote."""
    with np.load(folder / f"{stem}.npz", allow_pickle=False) as stored:
        arrays: dict[str, Any] = {name: stored[name] for name in stored}
    texts = json.loads((folder / f"{stem}.json").read_text(encoding="ascii"))
    return arrays | {name: np.array(values, dtype=object) for name, values in texts.items()}


def main(model: str, folder: str, samples: str) -> None:
    """Answer the rows, together and the first ``samples`` of them alone."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    feed, names = read(Path(folder), "feed"), [o.name for o in session.get_outputs()]
    write(Path(folder), "together", dict(zip(names, session.run(names, feed), strict=True)))
    rows = [session.run(names, {n: v[row : row + 1] for n, v in feed.items()}) for row in range(int(samples))]
    alone = {name: np.concatenate([row[at] for row in rows]) for at, name in enumerate(names)} if rows else {}
    write(Path(folder), "alone", alone)
    print(json.dumps({"onnxruntime": onnxruntime.__version__, "machine": platform.machine()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
