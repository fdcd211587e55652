"""Operators that move numbers without computing any: their sizes, axes and places are constants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

Values = list[Any]
Attributes = dict[str, Any]


class Whole(list[int]):
    """Whole numbers of a constant, flat, and their shape: sizes, axes and places, never values of the network."""

    def __init__(self, array: Tensor) -> None:
        super().__init__(int(v) for v in array.flatten())
        self.shape = list(array.shape)


def given(values: Values, at: int, attributes: Attributes, name: str) -> Any:
    """Return what newer opsets pass as an input and older ones as an attribute."""
    return values[at] if len(values) > at and values[at] is not None else attributes.get(name)


def listed(value: Any) -> list[int]:
    """Return whole numbers of a constant or an attribute."""
    return [int(v) for v in value]


def _reshape(v: Values, a: Attributes) -> Tensor:
    sizes = listed(v[1])
    if not a.get("allowzero"):
        sizes = [v[0].shape[i] if s == 0 else s for i, s in enumerate(sizes)]
    return v[0].reshape(sizes)


def _flatten(v: Values, a: Attributes) -> Tensor:
    axis = a.get("axis", 1)
    axis += v[0].dim() if axis < 0 else 0
    rows = 1
    for size in v[0].shape[:axis]:
        rows *= size
    return v[0].reshape(rows, -1)


def _squeeze(v: Values, a: Attributes) -> Tensor:
    axes = given(v, 1, a, "axes")
    gone = {x % v[0].dim() for x in listed(axes)} if axes else {i for i, s in enumerate(v[0].shape) if s == 1}
    return v[0].reshape([s for i, s in enumerate(v[0].shape) if i not in gone])


def _unsqueeze(v: Values, a: Attributes) -> Tensor:
    axes = listed(given(v, 1, a, "axes"))
    rank = v[0].dim() + len(axes)
    new, sizes = {x % rank for x in axes}, iter(v[0].shape)
    return v[0].reshape([1 if i in new else next(sizes) for i in range(rank)])


def _slice(v: Values, a: Attributes) -> Tensor:
    starts, ends = listed(given(v, 1, a, "starts")), listed(given(v, 2, a, "ends"))
    axes, steps = given(v, 3, a, "axes"), given(v, 4, a, "steps")
    value = v[0]
    for i, axis in enumerate(listed(axes) if axes else range(len(starts))):
        size, step = value.shape[axis], listed(steps)[i] if steps else 1
        if step < 1:
            raise ValueError("Slice with a negative step cannot be rebuilt")
        first, last, _ = slice(starts[i], ends[i]).indices(size)
        value = value[(slice(None),) * (axis % value.dim()) + (slice(first, max(first, last), step),)]
    return value


def _split(v: Values, a: Attributes) -> Any:
    axis, sizes = a.get("axis", 0), given(v, 1, a, "split")
    if sizes is None:
        return tuple(torch.split(v[0], -(-v[0].shape[axis] // a["outputs"]), dim=axis))
    return tuple(torch.split(v[0], listed(sizes), dim=axis))


def _pad(v: Values, a: Attributes) -> Tensor:
    if a.get("mode", b"constant") != b"constant":
        raise ValueError(f"Pad in mode {a['mode'].decode()} cannot be rebuilt")
    pads, rank = listed(given(v, 1, a, "pads")), v[0].dim()
    axes = [x % rank for x in listed(v[3])] if len(v) > 3 and v[3] is not None else list(range(rank))
    around = {axis: (pads[i], pads[len(axes) + i]) for i, axis in enumerate(axes)}
    flat = [p for axis in reversed(range(rank)) for p in around.get(axis, (0, 0))]
    return functional.pad(v[0], flat, value=given(v, 2, a, "value") or 0.0)


def _gather(v: Values, a: Attributes) -> Tensor:
    axis = a.get("axis", 0)
    axis += v[0].dim() if axis < 0 else 0
    at = torch.tensor([i % v[0].shape[axis] for i in v[1]])
    shape = list(v[0].shape)
    return torch.index_select(v[0], axis, at).reshape(shape[:axis] + v[1].shape + shape[axis + 1 :])


MOVES: dict[str, Callable[[Values, Attributes], Any]] = {
    "Concat": lambda v, a: torch.cat(v, dim=a["axis"]),
    "Expand": lambda v, _: v[0].expand(torch.broadcast_shapes(v[0].shape, tuple(listed(v[1])))),
    "Flatten": _flatten,
    "Gather": _gather,
    "Identity": lambda v, _: v[0],
    "Pad": _pad,
    "Reshape": _reshape,
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _squeeze,
    "Tile": lambda v, _: v[0].repeat(listed(v[1])),
    "Transpose": lambda v, a: v[0].permute(list(a.get("perm", reversed(range(v[0].dim()))))),
    "Unsqueeze": _unsqueeze,
}
