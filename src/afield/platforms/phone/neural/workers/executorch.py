"""To ExecuTorch and back: ``convert GRAPH OUT``, ``answer MODEL ROWS OUT``.

Runs inside the environment ``executorch``. Rows and answers are .npy files, float32 [N, ...], one row at a time.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np


def convert(graph: str, out: str) -> None:
    """Write the graph as a .pte in float32, on XNNPACK where it can."""
    import torch
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    from .rebuild import rebuild

    module, shape = rebuild(graph)
    with torch.no_grad():
        program = torch.export.export(module, (torch.zeros(shape),), strict=False)
    lowered = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()])
    Path(out).write_bytes(lowered.to_executorch().buffer)


def answer(model: str, rows: str, out: str) -> None:
    """Write what ExecuTorch's own runtime answers to each row."""
    import torch
    from executorch.runtime import Runtime

    method = Runtime.get().load_program(Path(model)).load_method("forward")
    if method is None:
        raise ValueError("the program has no method forward")
    data = np.load(rows, allow_pickle=False)
    found = [method.execute([torch.from_numpy(row.copy())])[0].numpy().copy() for row in data]
    np.save(out, np.stack(found), allow_pickle=False)
    sides = {
        name: {"shape": list(values[0].shape), "dtype": "float32"}
        for name, values in (("input", data), ("output", found))
    }
    told = {"runtime": f"ExecuTorch {importlib.metadata.version('executorch')}", **sides}
    sys.stdout.write(json.dumps(told) + "\n")


STEPS: dict[str, Callable[..., None]] = {"convert": convert, "answer": answer}

if __name__ == "__main__":
    STEPS[sys.argv[1]](*sys.argv[2:])
