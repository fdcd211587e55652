"""Where onnx's shape inference and the operator's text differ, the text holds, as it does in onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping

from afield.platforms.microcontroller.ir import Attribute, DType, Tensor

Results = dict[str, tuple[DType, tuple[int, ...]]]


def corrected(op: str, attributes: Mapping[str, Attribute], x: Tensor, results: Results) -> Results:
    """Return the results of a pool without windows that begin beyond the input and the pads before it."""
    kernel, strides = attributes.get("kernel_shape"), attributes.get("strides")
    if op not in ("MaxPool", "AveragePool", "LpPool") or not attributes.get("ceil_mode"):
        return results
    if not isinstance(kernel, tuple) or attributes.get("auto_pad", "NOTSET") != "NOTSET":
        return results
    axes = len(kernel)
    pads, dilations = attributes.get("pads"), attributes.get("dilations")
    steps = strides if isinstance(strides, tuple) else (1,) * axes
    before = pads if isinstance(pads, tuple) else (0,) * (2 * axes)
    spread = dilations if isinstance(dilations, tuple) else (1,) * axes
    extents = []
    for axis, extent in enumerate(x.shape[2:]):
        reach = (kernel[axis] - 1) * spread[axis] + 1
        count = -(-(extent + before[axis] + before[axis + axes] - reach) // steps[axis]) + 1
        extents.append(count - 1 if (count - 1) * steps[axis] >= extent + before[axis] else count)
    return {name: (dtype, (*shape[:2], *extents)) for name, (dtype, shape) in results.items()}
