"""Results of nodes whose inputs are all constant, computed by the ONNX reference at compile time."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from afield.platforms.microcontroller.ir import Array
from afield.platforms.microcontroller.reading.parse import BROKEN

if TYPE_CHECKING:
    import onnx

#: constants made at compile time may take this much each
FOLDED_BYTES = 64 * 2**20
#: what the reference raises on nodes that cannot be computed; such a node stays as it is
_FAILED = (*BROKEN, AssertionError, ArithmeticError, MemoryError)


def evaluate(node: onnx.NodeProto, values: dict[str, Array], model: onnx.ModelProto) -> dict[str, Array]:
    """Return the outputs of a node; nothing where the reference cannot compute it."""
    from onnx import TypeProto, ValueInfoProto, helper
    from onnx.reference import ReferenceEvaluator

    unknown = TypeProto()
    inputs = [ValueInfoProto(name=n, type=unknown) for n in values]
    outputs = [ValueInfoProto(name=n, type=unknown) for n in node.output if n]
    graph = helper.make_graph([node], "constant", inputs, outputs)
    alone = helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a mean of nothing is NaN, and no news to anybody
            results = ReferenceEvaluator(alone).run(None, values)
    except _FAILED:
        return {}
    names = [n for n in node.output if n]
    arrays = {n: np.asarray(r) for n, r in zip(names, results, strict=True)}
    return arrays if all(a.dtype.kind in "fiubOUS" for a in arrays.values()) else {}
