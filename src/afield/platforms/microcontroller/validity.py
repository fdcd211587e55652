"""What every graph between two passes satisfies, as a function that can be run."""

from __future__ import annotations

import numpy as np

from afield.platforms.microcontroller.ir import DType, Graph, Tensor


def faults(graph: Graph) -> list[str]:
    """Return one sentence for each rule that the graph breaks; none for a valid graph."""
    found: list[str] = []
    written = set(graph.inputs)
    constants = {t.name for t in graph.tensors.values() if t.value is not None}
    for name, tensor in graph.tensors.items():
        found += _tensor_faults(name, tensor)
    for name in graph.inputs:
        if name in constants:
            found.append(f"input {name!r} is a constant")
    if len(set(graph.inputs)) != len(graph.inputs) or len(set(graph.outputs)) != len(graph.outputs):
        found.append("an input or an output is named twice")
    mentioned = {*graph.inputs, *graph.outputs}
    for node in graph.nodes:
        mentioned |= {*node.inputs, *node.outputs} - {""}
        for name in filter(None, node.inputs):
            if name not in graph.tensors:
                found.append(f"{node.op} {node.name!r} reads {name!r}, which is no tensor")
            elif name not in written and name not in constants:
                found.append(f"{node.op} {node.name!r} reads {name!r} before anything wrote it")
        for name in filter(None, node.outputs):
            if name not in graph.tensors:
                found.append(f"{node.op} {node.name!r} writes {name!r}, which is no tensor")
            if name in written or name in constants:
                found.append(f"{node.op} {node.name!r} writes {name!r} a second time")
            written.add(name)
    found += [f"output {n!r} is never written" for n in graph.outputs if n not in written | constants]
    found += [f"tensor {n!r} is not used" for n in graph.tensors if n not in mentioned]
    return found


def _tensor_faults(name: str, tensor: Tensor) -> list[str]:
    found = []
    if not name or tensor.name != name:
        found.append(f"tensor {tensor.name!r} stands under the name {name!r}")
    if any(not isinstance(n, int) or n < 0 for n in tensor.shape):
        found.append(f"tensor {name!r} has the shape {tensor.shape}")
    if tensor.value is not None:
        if tensor.value.shape != tensor.shape:
            found.append(f"constant {name!r} has the shape {tensor.value.shape}, stated as {tensor.shape}")
        if tensor.dtype is not DType.STRING and tensor.value.dtype != tensor.dtype.numpy:
            found.append(f"constant {name!r} is {tensor.value.dtype}, stated as {tensor.dtype.label}")
    q = tensor.quantisation
    if q is not None:
        channels = () if np.ndim(q.scale) == 0 else (tensor.shape[q.axis],)
        if np.shape(q.scale) != channels or np.shape(q.zero_point) != channels:
            found.append(f"tensor {name!r} is quantised with {np.shape(q.scale)} scales on axis {q.axis}")
    return found
