"""Activations that were fused into the node before them: how they are stored, and how an emitter applies them."""

from __future__ import annotations

import re

from afield.platforms.microcontroller.elements import Scalars, expression
from afield.platforms.microcontroller.ir import DType, Node

#: attribute of a node that holds the name of its activation; the activation's own attributes follow under this prefix
KEY = "activation"
PREFIX = "activation_"


def fused(node: Node, activation: Node) -> Node:
    """Return ``node`` with ``activation`` applied to its result, under the activation's output."""
    own = {f"{PREFIX}{name}": value for name, value in activation.attributes.items()}
    merged = node.changed(**{KEY: activation.op, **own})
    return Node(op=merged.op, name=merged.name, inputs=merged.inputs, outputs=activation.outputs,
                attributes=merged.attributes)  # fmt: skip


def name(node: Node) -> str:
    """Return the name of the fused activation, or ""."""
    value = node.attributes.get(KEY)
    return value if isinstance(value, str) else ""


def apply(node: Node, variable: str, dtype: DType = DType.FLOAT32) -> str:
    """Return the C expression of the activated ``variable``; the variable itself where nothing is fused."""
    op = name(node)
    if not op:
        return variable
    attributes = {k.removeprefix(PREFIX): v for k, v in node.attributes.items() if k.startswith(PREFIX)}
    text = expression(op, Scalars(dtype=dtype, result=dtype, attributes=attributes))
    return re.sub(r"\ba\b", variable, text)
