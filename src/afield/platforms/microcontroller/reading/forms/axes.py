"""Operators that take axes, limits or sizes: these become attributes, axes counted from 0."""

from __future__ import annotations

import numpy as np

from afield.platforms.microcontroller.ir import Node
from afield.platforms.microcontroller.reading.canonical import form
from afield.platforms.microcontroller.reading.stating import NotStatic, Stated


@form("Transpose")
def transpose(stated: Stated) -> list[Node]:
    """Attribute ``perm``."""
    rank = stated.tensor().rank
    perm = stated.integers("perm")
    return [stated.node("Transpose", perm=tuple(reversed(range(rank))) if perm is None else perm)]


@form("Concat", "Split", "Gather", "GatherElements", "ArgMax", "ArgMin", "ScatterElements")
def along(stated: Stated) -> list[Node]:
    """Attribute ``axis`` counted from 0; and Split's ``sizes``."""
    axis = stated.axis(0)
    if stated.op == "Split":
        sizes = tuple(stated.tensors[name].shape[axis] for name in stated.outputs)
        return [stated.node("Split", stated.inputs[:1], stated.outputs, axis=axis, sizes=sizes)]
    return [stated.node().changed(axis=axis)]


@form("Softmax", "LogSoftmax", "Hardmax")
def softmax(stated: Stated) -> list[Node]:
    """Attribute ``axis``; before version 13 all axes from it on counted as one."""
    if stated.version >= 13:
        return [stated.node().changed(axis=stated.axis(-1))]
    axis, x = stated.axis(1), stated.tensor()
    if x.rank == 0:
        raise NotStatic("it has no axis.")
    flat = (int(np.prod(x.shape[:axis])), int(np.prod(x.shape[axis:])))
    rows, result = stated.add("rows", x.dtype, flat), stated.add("result", x.dtype, flat)
    return [
        stated.node("View", (stated.inputs[0],), (rows,)),
        stated.node(stated.op, (rows,), (result,), axis=1),
        stated.node("View", (result,), stated.outputs),
    ]


@form("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum",
      "ReduceLogSumExp", "ReduceSumSquare")  # fmt: skip
def reduce(stated: Stated) -> list[Node]:
    """Attribute ``axes``, sorted, counted from 0; whether axes are kept stands in the output's shape."""
    rank = stated.tensor().rank
    axes = stated.integers("axes", 1)
    if not axes and stated.attributes.get("noop_with_empty_axes"):
        axes = ()
    elif not axes:
        axes = tuple(range(rank))
    axes = tuple(sorted({a + rank if a < 0 else a for a in axes}))
    return [stated.node(stated.op, stated.inputs[:1], stated.outputs, axes=axes)]


@form("Clip")
def clip(stated: Stated) -> list[Node]:
    """Attributes ``min`` and ``max``, None where there is no limit; computed limits become Max and Min nodes."""
    low, high = stated.attributes.get("min"), stated.attributes.get("max")
    computed = [i for i in (1, 2) if stated.has(i) and stated.tensor(i).value is None]
    if computed:
        x, nodes = stated.inputs[0], []
        for index, op in ((1, "Max"), (2, "Min")):
            if stated.has(index):
                last = index == 2 or not stated.has(2)
                out = stated.outputs[0] if last else stated.add("low", stated.tensor().dtype, stated.tensor().shape)
                nodes.append(stated.node(op, (x, stated.inputs[index]), (out,)))
                x = out
        return nodes
    if stated.has(1):
        low = np.ravel(np.asarray(stated.constant(1, "limit")))[0].item()
    if stated.has(2):
        high = np.ravel(np.asarray(stated.constant(2, "limit")))[0].item()
    return [stated.node("Clip", stated.inputs[:1], stated.outputs, min=low, max=high)]


@form("Slice")
def slice_(stated: Stated) -> list[Node]:
    """Attributes ``starts`` and ``steps``, one for each axis; the extents stand in the output's shape."""
    x = stated.tensor()
    starts, axes, steps = stated.integers("starts", 1), stated.integers("axes", 3), stated.integers("steps", 4)
    if starts is None:
        raise NotStatic("its starts are missing.")
    axes = tuple(range(len(starts))) if axes is None else tuple(a + x.rank if a < 0 else a for a in axes)
    steps = (1,) * len(starts) if steps is None else steps
    first, stride = [0] * x.rank, [1] * x.rank
    for axis, start, step in zip(axes, starts, steps, strict=True):
        extent = x.shape[axis]
        begin = start + extent if start < 0 else start
        first[axis] = min(max(begin, 0), extent) if step > 0 else min(max(begin, -1), extent - 1)
        stride[axis] = step
    return [stated.node("Slice", stated.inputs[:1], stated.outputs, starts=tuple(first), steps=tuple(stride))]


@form("Pad")
def pad(stated: Stated) -> list[Node]:
    """Attributes ``pads`` (begins of all axes, then ends), ``mode`` and ``value``."""
    rank = stated.tensor().rank
    pads = stated.integers("pads", 1) or stated.integers("paddings")
    if pads is None:
        raise NotStatic("its pads are missing.")
    axes = stated.integers("axes", 3)
    if axes is not None:
        whole = [0] * (2 * rank)
        for index, axis in enumerate(axes):
            whole[axis % rank], whole[axis % rank + rank] = pads[index], pads[index + len(axes)]
        pads = tuple(whole)
    value = stated.constant(2, "value")
    filler = stated.attributes.get("value", 0.0) if value is None else np.ravel(value)[0].item()
    mode = stated.attributes.get("mode", "constant")
    if not any(pads):
        return [stated.node("View", stated.inputs[:1], stated.outputs)]
    return [stated.node("Pad", stated.inputs[:1], stated.outputs, pads=pads, mode=mode, value=filler)]


@form("Tile")
def tile(stated: Stated) -> list[Node]:
    """No attributes: how often each axis is repeated follows from the shapes."""
    return [stated.node("Tile", stated.inputs[:1], stated.outputs)]


@form("LayerNormalization")
def layer_normalization(stated: Stated) -> list[Node]:
    """Attribute ``axis`` counted from 0."""
    return [stated.node().changed(axis=stated.axis(-1))]


@form("CumSum")
def cumulative(stated: Stated) -> list[Node]:
    """Attribute ``axis`` counted from 0."""
    axis = stated.constant(1, "axis")
    at = int(np.ravel(axis)[0]) if axis is not None else 0
    return [stated.node(inputs=stated.inputs[:1]).changed(axis=at % max(stated.tensor().rank, 1))]


@form("Resize", "Upsample")
def resize(stated: Stated) -> list[Node]:
    """Attributes ``scales`` (one for each axis) and ``roi``; the extents stand in the output's shape."""
    x, y = stated.tensor(), stated.output()
    late = stated.op == "Resize" and stated.version >= 11
    scales_at, sizes_at = (2, 3) if late else (1, -1)
    own = stated.attributes.get("scales")
    scales = np.asarray(own) if own is not None else stated.constant(scales_at, "scales")
    sizes = stated.constant(sizes_at, "sizes") if sizes_at > 0 else None
    axes = [a % x.rank for a in stated.integers("axes") or range(x.rank)]
    factors = [float(out) / max(n, 1) for n, out in zip(x.shape, y.shape, strict=True)]
    if sizes is None and scales is not None and np.size(scales):
        factors = [1.0] * x.rank
        for axis, factor in zip(axes, np.ravel(scales), strict=True):
            factors[axis] = float(factor)
    elif sizes is not None and stated.attributes.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        ratios = [int(s) / x.shape[a] for a, s in zip(axes, np.ravel(sizes), strict=True)]
        policy = stated.attributes["keep_aspect_ratio_policy"]
        one = min(ratios) if policy == "not_larger" else max(ratios)
        for axis in axes:
            factors[axis] = one
    region = stated.constant(1, "region") if late else None
    roi = [0.0] * x.rank + [1.0] * x.rank
    if region is not None and np.size(region):
        half = np.size(region) // 2
        for index, axis in enumerate(axes):
            roi[axis], roi[axis + x.rank] = float(region[index]), float(region[index + half])
    defaults = {} if late else {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    node = stated.node("Resize", stated.inputs[:1], stated.outputs, **{**stated.attributes, **defaults})
    return [node.changed(scales=tuple(factors), roi=tuple(roi), axes=tuple(axes))]
