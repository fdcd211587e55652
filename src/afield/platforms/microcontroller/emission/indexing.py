"""Row-major and broadcast strides, axes that can be walked as one, and addresses as C text."""

from __future__ import annotations

from collections.abc import Sequence

Shape = tuple[int, ...]


def strides(shape: Sequence[int]) -> Shape:
    """Return the row-major strides of a shape, in elements."""
    found, step = [], 1
    for extent in reversed(shape):
        found.append(step)
        step *= extent
    return tuple(reversed(found))


def broadcast(shape: Sequence[int], result: Sequence[int]) -> Shape:
    """Return the strides by which ``shape`` is read while ``result`` is walked: 0 where it is repeated."""
    padded = (1,) * (len(result) - len(shape)) + tuple(shape)
    return tuple(0 if extent == 1 else step for extent, step in zip(padded, strides(padded), strict=True))


def collapsed(extents: Sequence[int], *walks: Sequence[int]) -> tuple[Shape, list[Shape]]:
    """Drop axes of one element and join neighbours that every walk goes through as one.

    Returns
    -------
    tuple
        Extents, and the strides of each walk. At least one axis remains.
    """
    kept: list[tuple[int, list[int]]] = []
    for axis, extent in enumerate(extents):
        if extent == 1:
            continue
        steps = [walk[axis] for walk in walks]
        if kept and all(outer == inner * extent for outer, inner in zip(kept[-1][1], steps, strict=True)):
            kept[-1] = (kept[-1][0] * extent, steps)
        else:
            kept.append((extent, steps))
    kept = kept or [(1, [0] * len(walks))]
    return tuple(extent for extent, _ in kept), [tuple(s[i] for _, s in kept) for i in range(len(walks))]


def address(indices: Sequence[str], steps: Sequence[int], base: int = 0) -> str:
    """Return ``i * 12 + j + 5`` as C; plain numbers among the indices are computed here."""
    words = []
    for index, step in zip(indices, steps, strict=True):
        if index.isdigit():
            base += int(index) * step
        elif step:
            words.append(index if step == 1 else f"{index} * {step}" if step > 0 else f"{index} * ({step})")
    if base or not words:
        words.append(str(base))
    return " + ".join(words).replace("+ -", "- ")
