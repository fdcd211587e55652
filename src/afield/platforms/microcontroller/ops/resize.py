"""Resize: nearest, linear and cubic, in any number of dimensions.

Which elements a result is made of, and with which weights, depends on shapes and scales only: tables of both are made
at compile time, one pair for each axis that changes, so all modes of coordinates and of rounding cost the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from afield.platforms.microcontroller.emission.indexing import address, strides
from afield.platforms.microcontroller.emission.kernel import Kernel
from afield.platforms.microcontroller.ir import Array, DType
from afield.platforms.microcontroller.operators import Operator, Site, register, same_types

_MODES = (
    "half_pixel",
    "half_pixel_symmetric",
    "pytorch_half_pixel",
    "align_corners",
    "asymmetric",
    "tf_crop_and_resize",
)


@dataclass(frozen=True)
class _Taps:
    """For one axis: indices [extent, taps], -1 where the result lies outside; weights of the same shape."""

    indices: Array
    weights: Array


@register("Resize")
class Resize(Operator):
    """Attributes ``scales``, ``roi``, ``axes`` as reading made them."""

    def problems(self, at: Site) -> list[str]:
        """Floats, but for nearest, which takes anything."""
        found = []
        if at.text("mode", "nearest") != "nearest":
            found += same_types(at, (DType.FLOAT32,))
        if at.text("coordinate_transformation_mode", "half_pixel") not in _MODES:
            found.append("its coordinate_transformation_mode is not known.")
        return found

    def macs(self, at: Site) -> int:
        """Return one for each element of the input that a result takes."""
        taps = [t.weights.shape[1] for t in _tables(at).values()]
        return at.output().size * math.prod(taps)

    def emit(self, at: Site, kernel: Kernel) -> None:
        """Loops over the output; inside, over the taps of each axis that changes."""
        x, y, tables = at.input(), at.output(), _tables(at)
        nearest, walk = at.text("mode", "nearest") == "nearest", strides(x.shape)
        kernel.input(0, "x")
        for axis, taps in tables.items():
            small = taps.indices.astype(np.int16 if max(x.shape) < 2**15 else np.int32)
            kernel.table(small, f"index{axis}", "indices")
            if not nearest:
                kernel.table(taps.weights.astype(np.float32), f"weight{axis}", "weights")
        kernel.output(0, "y")
        outside = [a for a, t in tables.items() if (t.indices < 0).any()]
        value = kernel.literal(at.number("extrapolation_value"), x.dtype)

        def around(axis: int, names: tuple[str, ...]) -> None:
            if axis < y.rank:
                with kernel.loop(f"o{axis}", y.shape[axis]) as index:
                    around(axis + 1, (*names, index))
                return
            if outside:
                test = " || ".join(f"index{a}[{_first(names[a], tables[a])}] < 0" for a in outside)
                with kernel.block(f"if ({test})"):
                    kernel.line(f"*y++ = {value};")
                    kernel.line("continue;")
            sources = tuple(f"i{a}" if a in tables else names[a] for a in range(x.rank))
            if nearest:
                near = tuple(f"index{a}[{names[a]}]" if a in tables else names[a] for a in range(x.rank))
                kernel.line(f"*y++ = x[{address(near, walk)}];")
                return
            kernel.line("float sum = 0;")
            within(names, sources, list(tables))
            kernel.line("*y++ = sum;")

        def within(names: tuple[str, ...], sources: tuple[str, ...], axes: list[int], weight: str = "") -> None:
            if not axes:
                kernel.line(f"sum += {weight} * x[{address(sources, walk)}];")
                return
            axis, count = axes[0], tables[axes[0]].weights.shape[1]
            with kernel.block(f"for (int k{axis} = 0; k{axis} < {count}; ++k{axis})"):
                at_tap = f"{_first(names[axis], tables[axis])} + k{axis}"
                kernel.line(f"const int i{axis} = index{axis}[{at_tap}];")
                product = f"{weight} * weight{axis}[{at_tap}]" if weight else f"weight{axis}[{at_tap}]"
                kernel.line(f"const float w{axis} = {product};")
                within(names, sources, axes[1:], f"w{axis}")

        around(0, ())


def _first(name: str, taps: _Taps) -> str:
    count = taps.indices.shape[1]
    return name if count == 1 else f"{name} * {count}"


def _tables(at: Site) -> dict[int, _Taps]:
    scales, roi = at.attribute("scales"), at.attribute("roi")
    if not isinstance(scales, tuple) or not isinstance(roi, tuple):
        raise TypeError("reading makes tuples of scales and roi")
    x, y = at.input(), at.output()
    found = {}
    for axis in range(x.rank):
        crop = (roi[axis], roi[axis + x.rank])
        cropped = at.text("coordinate_transformation_mode") == "tf_crop_and_resize" and crop != (0.0, 1.0)
        if scales[axis] != 1.0 or x.shape[axis] != y.shape[axis] or cropped:
            found[axis] = _taps(at, x.shape[axis], y.shape[axis], float(scales[axis]), crop)
    if not found:
        found[0] = _taps(at, x.shape[0], y.shape[0], 1.0, (0.0, 1.0))
    return found


def _taps(at: Site, extent: int, result: int, scale: float, crop: tuple[float, float]) -> _Taps:
    rows = [_tap(at, _source(at, o, extent, result, scale, crop), extent, scale) for o in range(result)]
    return _Taps(np.array([r[0] for r in rows]), np.array([r[1] for r in rows]))


def _source(at: Site, o: int, extent: int, result: int, scale: float, crop: tuple[float, float]) -> float:
    """Return the coordinate of the input that output ``o`` stands for; NaN where it lies outside a crop."""
    mode, width = at.text("coordinate_transformation_mode", "half_pixel"), scale * extent
    if mode == "asymmetric":
        return o / scale
    if mode == "align_corners":
        return 0.0 if width == 1 else o * (extent - 1) / (width - 1)
    if mode == "tf_crop_and_resize":
        span = (crop[1] - crop[0]) * (extent - 1)
        where = crop[0] * (extent - 1) + (span / 2 if width == 1 else o * span / (width - 1))
        return where if 0 <= where <= extent - 1 else math.nan
    if mode == "pytorch_half_pixel" and width == 1:
        return -0.5
    shift = extent / 2 * (1 - result / width) if mode == "half_pixel_symmetric" else 0.0
    return shift + (o + 0.5) / scale - 0.5


def _tap(at: Site, where: float, extent: int, scale: float) -> tuple[list[int], list[float]]:
    """Return indices and weights of one result; the pixel on the left is the one before a whole coordinate."""
    mode, antialias = at.text("mode", "nearest"), bool(at.integer("antialias")) and scale < 1
    reach = {"nearest": 1.0, "linear": 1.0, "cubic": 2.0}[mode]
    start = math.floor(-reach / scale) + 1 if antialias and mode != "nearest" else 1 - int(reach)
    count = 2 - 2 * start
    if math.isnan(where):
        return [-1] * (1 if mode == "nearest" else count), [0.0] * (1 if mode == "nearest" else count)
    base = math.ceil(where) - 1
    ratio = where - base
    if mode == "nearest":
        return [min(max(base + _rounded(ratio, at.text("nearest_mode", "round_prefer_floor")), 0), extent - 1)], [1.0]
    indices = [base + start + k for k in range(count)]
    narrow = scale if antialias else 1.0
    curve = _linear if mode == "linear" else _cubic(at.number("cubic_coeff_a", -0.75))
    weights = [curve(abs((start + k - ratio) * narrow)) for k in range(count)]
    if antialias:
        weights = [w / sum(weights) for w in weights]
    if at.integer("exclude_outside"):
        weights = [w if 0 <= i < extent else 0.0 for w, i in zip(weights, indices, strict=True)]
        weights = [w / sum(weights) for w in weights]
    return [min(max(i, 0), extent - 1) for i in indices], weights


def _rounded(ratio: float, mode: str) -> int:
    if ratio == 1:
        return 1
    return {"floor": 0, "ceil": 1, "round_prefer_floor": int(ratio > 0.5)}.get(mode, int(ratio >= 0.5))


def _linear(distance: float) -> float:
    return max(0.0, 1 - distance)


def _cubic(a: float) -> Callable[[float], float]:
    def curve(d: float) -> float:
        if d <= 1:
            return ((a + 2) * d - (a + 3)) * d * d + 1
        return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a if d < 2 else 0.0

    return curve
