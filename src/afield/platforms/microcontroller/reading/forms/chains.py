"""Operators that are made of others."""

from __future__ import annotations

import numpy as np

from afield.platforms.microcontroller.ir import Node
from afield.platforms.microcontroller.reading.canonical import form
from afield.platforms.microcontroller.reading.stating import NotStatic, Stated


@form("Max", "Min", "Sum", "Mean")
def variadic(stated: Stated) -> list[Node]:
    """Pairs from left to right; a mean is a sum times a constant."""
    op = "Add" if stated.op in ("Sum", "Mean") else stated.op
    y = stated.output()
    total, nodes = stated.inputs[0], []
    shape = stated.tensor().shape
    for index in range(1, len(stated.inputs)):
        shape = np.broadcast_shapes(shape, stated.tensor(index).shape)
        last = index == len(stated.inputs) - 1 and stated.op != "Mean"
        out = stated.outputs[0] if last else stated.add("part", y.dtype, tuple(shape))
        nodes.append(stated.node(op, (total, stated.inputs[index]), (out,)))
        total = out
    if stated.op == "Mean":
        count = np.array(len(stated.inputs), dtype=y.dtype.numpy)
        nodes.append(stated.node("Div", (total, stated.add("count", y.dtype, (), count)), stated.outputs))
    elif not nodes:
        nodes = [stated.node("View")]
    return nodes


@form("BatchNormalization")
def batch_normalization(stated: Stated) -> list[Node]:
    """Multiply and add, one constant each for every channel; convolutions take them in later."""
    if stated.attributes.get("training_mode") or len([o for o in stated.outputs if o]) > 1:
        raise NotStatic("it is in training mode; export the model for inference.")
    x = stated.tensor()
    parts = [stated.constant(i, "parameters") for i in range(1, 5)]
    if any(p is None for p in parts):
        raise NotStatic("its parameters are missing.")
    scale, bias, mean, variance = (np.asarray(p, dtype=np.float64) for p in parts)
    epsilon = stated.attributes.get("epsilon", 1e-5)
    factor = scale / np.sqrt(variance + float(epsilon if isinstance(epsilon, float) else 1e-5))
    shape = (-1,) + (1,) * max(0, x.rank - 2)
    times, plus = (np.asarray(v, x.dtype.numpy).reshape(shape) for v in (factor, bias - mean * factor))
    if x.rank == 1:
        times, plus = times.reshape(()), plus.reshape(())
    scaled = stated.add("scaled", x.dtype, x.shape)
    return [
        stated.node("Mul", (stated.inputs[0], stated.add("factor", x.dtype, times.shape, times)), (scaled,)),
        stated.node("Add", (scaled, stated.add("offset", x.dtype, plus.shape, plus)), stated.outputs[:1]),
    ]
