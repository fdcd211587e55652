"""Where onnx's shape inference and the operator's text differ, or it has none, the text holds, as in onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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


#: operators of ai.onnx.ml without shape inference whose results have the shape of what they read; their type, if fixed
_LIKE = {"Scaler": DType.FLOAT32, "Normalizer": DType.FLOAT32, "Imputer": None}


def uninferred(op: str, attributes: Mapping[str, Attribute], inputs: Sequence[Tensor], name: str) -> Results | None:
    """Return the results of an operator for which onnx infers no shape; None for others."""
    x = inputs[0]
    if op in _LIKE:
        return {name: (_LIKE[op] or x.dtype, x.shape)}
    targets = attributes.get("targets", 1)
    if op == "LinearRegressor" and isinstance(targets, int) and x.rank:
        return {name: (DType.FLOAT32, (x.size // max(1, x.shape[-1]), targets))}
    if op == "ArrayFeatureExtractor" and x.rank and len(inputs) == 2:
        return {name: (x.dtype, (*(x.shape[:-1] or (1,)), inputs[1].size))}
    return None
