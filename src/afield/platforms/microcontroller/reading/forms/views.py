"""Operators that only give the same elements another shape: all are ``View``."""

from __future__ import annotations

from afield.platforms.microcontroller.ir import DType, Node
from afield.platforms.microcontroller.reading.canonical import form
from afield.platforms.microcontroller.reading.stating import NotStatic, Stated


@form("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity")
def view(stated: Stated) -> list[Node]:
    """Return a view of the first input; the shape stands in the output."""
    return [stated.node("View", stated.inputs[:1], stated.outputs[:1])]


@form("Dropout")
def dropout(stated: Stated) -> list[Node]:
    """Return a view: dropout does nothing after training."""
    training = stated.constant(2, "training mode")
    if training is not None and bool(training):
        raise NotStatic("it is in training mode; export the model for inference.")
    if len(stated.outputs) > 1 and stated.outputs[1]:
        mask = stated.output(1)
        kept = stated.add("kept", mask.dtype, (), value=mask.dtype.numpy.type(1).reshape(()))
        return [*view(stated), stated.node("Expand", (kept,), (stated.outputs[1],))]
    return view(stated)


@form("Cast", "CastLike")
def cast(stated: Stated) -> list[Node]:
    """Return a view where the type stays, otherwise a Cast without attributes: the types stand in the tensors."""
    if (
        DType.STRING in (stated.tensor().dtype, stated.output().dtype)
        and stated.tensor().dtype is not stated.output().dtype
    ):
        return [stated.node()]  # tabular.py makes codes of strings
    same = stated.tensor().dtype is stated.output().dtype
    return [stated.node("View" if same else "Cast", stated.inputs[:1], stated.outputs[:1])]


@form("Expand")
def expand(stated: Stated) -> list[Node]:
    """Return a view where nothing is repeated, otherwise an Expand to the output's shape."""
    op = "View" if stated.tensor().size == stated.output().size else "Expand"
    return [stated.node(op, stated.inputs[:1], stated.outputs[:1])]
