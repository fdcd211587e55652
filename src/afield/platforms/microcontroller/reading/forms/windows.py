"""Convolutions and pools: kernel, strides, dilations and pads written out, one entry for each spatial axis."""

from __future__ import annotations

from afield.platforms.microcontroller.ir import Node
from afield.platforms.microcontroller.reading.canonical import form
from afield.platforms.microcontroller.reading.stating import NotStatic, Stated


def window(stated: Stated, kernel: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """Return kernel_shape, strides, dilations and pads (begins, then ends) with ``auto_pad`` resolved."""
    axes = len(kernel)
    strides = stated.integers("strides") or (1,) * axes
    dilations = stated.integers("dilations") or (1,) * axes
    pads = stated.integers("pads") or (0,) * (2 * axes)
    mode = stated.attributes.get("auto_pad") or "NOTSET"
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        begins, ends = [], []
        for axis, size in enumerate(stated.tensor().shape[2:]):
            reach = (kernel[axis] - 1) * dilations[axis] + 1
            total = max(0, (-(-size // strides[axis]) - 1) * strides[axis] + reach - size)
            small, large = total // 2, total - total // 2
            begins.append(small if mode == "SAME_UPPER" else large)
            ends.append(large if mode == "SAME_UPPER" else small)
        pads = (*begins, *ends)
    elif mode == "VALID":
        pads = (0,) * (2 * axes)
    if len(strides) != axes or len(dilations) != axes or len(pads) != 2 * axes or min(strides + dilations) < 1:
        raise NotStatic("its strides, dilations and pads do not fit its kernel.")
    return {"kernel_shape": kernel, "strides": strides, "dilations": dilations, "pads": pads}


@form("Conv", "ConvInteger", "QLinearConv")
def conv(stated: Stated) -> list[Node]:
    """Attributes as in ``window``, and ``group``."""
    weights = stated.tensor(3 if stated.op == "QLinearConv" else 1)
    return [stated.node().changed(**window(stated, weights.shape[2:]), auto_pad="NOTSET")]


@form("ConvTranspose")
def conv_transpose(stated: Stated) -> list[Node]:
    """Attributes as in ``window``; pads follow from the output's shape where that is stated."""
    x, y, kernel = stated.tensor(), stated.output(), stated.tensor(1).shape[2:]
    axes = len(kernel)
    strides = stated.integers("strides") or (1,) * axes
    dilations = stated.integers("dilations") or (1,) * axes
    extra = stated.integers("output_padding") or (0,) * axes
    pads = stated.integers("pads") or (0,) * (2 * axes)
    mode = stated.attributes.get("auto_pad") or "NOTSET"
    if stated.integers("output_shape") or mode in ("SAME_UPPER", "SAME_LOWER"):
        begins, ends = [], []
        for axis in range(axes):
            reach = (kernel[axis] - 1) * dilations[axis] + 1
            total = strides[axis] * (x.shape[2 + axis] - 1) + extra[axis] + reach - y.shape[2 + axis]
            small, large = total // 2, total - total // 2
            begins.append(small if mode == "SAME_UPPER" else large)
            ends.append(large if mode == "SAME_UPPER" else small)
        pads = (*begins, *ends)
    node = stated.node().changed(kernel_shape=kernel, strides=strides, dilations=dilations, pads=pads)
    return [node.changed(auto_pad="NOTSET")]


@form("MaxPool", "AveragePool", "LpPool")
def pool(stated: Stated) -> list[Node]:
    """Attributes as in ``window``; a rounded-up extent stands in the output's shape."""
    kernel = stated.integers("kernel_shape")
    if not kernel:
        raise NotStatic("its kernel_shape is missing.")
    return [stated.node().changed(**window(stated, kernel), auto_pad="NOTSET")]


@form("GlobalAveragePool", "GlobalMaxPool")
def global_pool(stated: Stated) -> list[Node]:
    """Reduce over all spatial axes."""
    op = "ReduceMean" if stated.op == "GlobalAveragePool" else "ReduceMax"
    return [stated.node(op, axes=tuple(range(2, stated.tensor().rank)))]
