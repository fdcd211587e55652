"""DFT and STFT: lengths, steps and axes become attributes."""

from __future__ import annotations

import numpy as np

from afield.platforms.microcontroller.ir import Node
from afield.platforms.microcontroller.reading.canonical import form
from afield.platforms.microcontroller.reading.stating import NotStatic, Stated


def _whole(stated: Stated, index: int, what: str) -> int | None:
    value = stated.constant(index, what)
    return None if value is None else int(np.ravel(value)[0])


@form("DFT")
def dft(stated: Stated) -> list[Node]:
    """Attributes ``axis`` counted from 0 and ``length``."""
    x = stated.tensor()
    stated_axis = _whole(stated, 2, "axis") if stated.version >= 20 else stated.attributes.get("axis", 1)
    axis = stated_axis if isinstance(stated_axis, int) else -2
    axis = axis + x.rank if axis < 0 else axis
    if not 0 <= axis < x.rank - 1:
        raise NotStatic(f"axis {axis} is outside the signal.")
    inverse, onesided = bool(stated.attributes.get("inverse")), bool(stated.attributes.get("onesided"))
    own = 2 * (x.shape[axis] - 1) if inverse and onesided else x.shape[axis]
    length = _whole(stated, 1, "length")
    return [
        stated.node("DFT", stated.inputs[:1], stated.outputs, axis=axis, length=own if length is None else length,
                    inverse=int(inverse), onesided=int(onesided))
    ]  # fmt: skip


@form("STFT")
def stft(stated: Stated) -> list[Node]:
    """Attributes ``length`` and ``step``."""
    step, length = _whole(stated, 1, "frame step"), _whole(stated, 3, "frame length")
    if length is None and stated.has(2):
        length = stated.tensor(2).shape[0]
    if step is None or length is None:
        raise NotStatic("its frame step or frame length is missing.")
    if stated.has(2) and stated.tensor(2).shape != (length,):
        raise NotStatic("its window is not as long as a frame.")
    inputs = (stated.inputs[0], *([stated.inputs[2]] if stated.has(2) else []))
    return [stated.node("STFT", inputs, stated.outputs, length=length, step=step)]
