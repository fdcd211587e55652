"""Extents and kinds of integer convolutions, as their kernels want to know them."""

from __future__ import annotations

from afield.platforms.microcontroller.operators import Site


def depthwise(at: Site) -> bool:
    """Return whether each channel is a group of its own."""
    group = at.integer("group", 1)
    return group > 1 and group == at.input(1).shape[0] and at.input(1).shape[1] == 1


def dilated(at: Site) -> bool:
    """Return whether taps of a window lie apart."""
    return any(d > 1 and k > 1 for d, k in zip(at.integers("dilations"), at.input(1).shape[2:], strict=True))


def padded(at: Site) -> bool:
    """Return whether windows are gathered before they are used: at a border, or where taps lie apart."""
    return any(at.integers("pads")) or dilated(at)


def extents(at: Site) -> dict[str, int]:
    """Return the extents of a 2-D convolution; in 1-D the height is 1."""
    x, y, window = at.input().shape, at.output().shape, at.input(1).shape[2:]
    lift = (1,) * (2 - len(window))
    in_h, in_w = (*lift, *x[1:-1])
    out_h, out_w = (*lift, *y[1:-1])
    kernel_h, kernel_w = (*lift, *window)
    stride_h, stride_w = (*lift, *at.integers("strides"))
    top, left = (*(0,) * len(lift), *at.integers("pads")[: len(window)])
    return {
        "IN_H": in_h, "IN_W": in_w, "OUT_H": out_h, "OUT_W": out_w, "KERNEL_H": kernel_h, "KERNEL_W": kernel_w,
        "STRIDE_H": stride_h, "STRIDE_W": stride_w, "PAD_TOP": top, "PAD_LEFT": left, "BATCHED": int(x[0] > 1),
        "BATCH": x[0],
    }  # fmt: skip
