"""A model with inputs and outputs that Swift can give and take: onnxruntime's binding there knows no float64 tensors.

Numbers come in as the 64 bits of each, one matrix for all columns, and are put together again in the graph, exactly.
Texts come in as one matrix too. A float64 answer goes out as two whole numbers, mantissa and exponent: as a text it
would be rounded to 8 digits. What is between is the model as it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

NUMBERS, TEXTS = "afield_numbers", "afield_texts"  # uint64 [N, C], string [N, T]
MANTISSA, EXPONENT = "_mantissa", "_exponent"  # a number is mantissa x 2^(exponent - 52)
BEYOND = 9_999  # the exponent of what is no number: NaN with mantissa 0, infinities with 1 and -1
_BITS = 52  # of a float64's fraction


def with_doors(content: bytes) -> bytes:
    """Return the model with the inputs ``afield_numbers`` and ``afield_texts``, as far as it has such columns.

    Columns keep their order. Inputs of other types stay. Metadata is left out: it describes the model's own inputs.
    """
    proto = onnx.load_from_string(content)
    graph = proto.graph
    numbers, texts = columns_of(graph, TensorProto.DOUBLE), columns_of(graph, TensorProto.STRING)
    nodes: list[onnx.NodeProto] = []
    kept = [i for i in graph.input if i.name not in {*numbers, *texts}]
    doors = []
    if numbers:
        doors.append(helper.make_tensor_value_info(NUMBERS, TensorProto.UINT64, ["N", len(numbers)]))
        nodes += _floats(graph)
        nodes += _columns(graph, "afield_floats", numbers)
    if texts:
        doors.append(helper.make_tensor_value_info(TEXTS, TensorProto.STRING, ["N", len(texts)]))
        nodes += _columns(graph, TEXTS, texts)
    old = list(graph.node)
    outputs = []
    for output in graph.output:
        if output.type.tensor_type.elem_type == TensorProto.DOUBLE:
            old += _whole(graph, output.name)
            for end in (MANTISSA, EXPONENT):
                outputs.append(helper.make_tensor_value_info(output.name + end, TensorProto.INT64, ["N"]))
        else:
            outputs.append(output)
    made = helper.make_graph([*nodes, *old], graph.name or "model", [*doors, *kept], outputs, list(graph.initializer))
    wrapped = helper.make_model(
        made, opset_imports=list(proto.opset_import), ir_version=proto.ir_version, functions=list(proto.functions)
    )
    return wrapped.SerializeToString()


def columns_of(graph: onnx.GraphProto, kind: int) -> list[str]:
    """Return the names of the inputs [N] of a type, in their order."""
    return [
        i.name
        for i in graph.input
        if i.type.tensor_type.elem_type == kind and len(i.type.tensor_type.shape.dim) == 1
    ]  # fmt: skip


def through_doors(feed: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the model's own inputs as the inputs of the model with doors, the way Swift makes them."""
    numbers = [np.asarray(v, np.float64).view(np.uint64) for v in feed.values() if v.dtype == np.float64]
    texts = [v for v in feed.values() if v.dtype == object]
    kept = {n: v for n, v in feed.items() if v.dtype not in (np.float64, object)}
    if numbers:
        kept[NUMBERS] = np.stack(numbers, axis=1)
    if texts:
        kept[TEXTS] = np.stack(texts, axis=1)
    return kept


def out_of_doors(answers: Mapping[str, NDArray[Any]], names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Return the answers under the model's own names, numbers put together the way Swift does it."""
    found = {}
    for name in names:
        if name in answers:
            found[name] = answers[name]
        else:
            mantissa, exponent = answers[name + MANTISSA], answers[name + EXPONENT]
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # of what the other side of where takes
                whole = mantissa.astype(np.float64)
                found[name] = np.where(exponent == BEYOND, whole / 0.0, np.ldexp(whole, exponent - _BITS))
    return found


def _floats(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """Return nodes from the bits to the float64 that they are; every value on the way is exact."""
    shift = numpy_helper.from_array(np.array([_BITS], np.uint64), "afield_52")
    top = numpy_helper.from_array(np.array([63], np.uint64), "afield_63")
    exponents = numpy_helper.from_array(np.array([2047], np.uint64), "afield_exponents")
    fractions = numpy_helper.from_array(np.array([2**_BITS - 1], np.uint64), "afield_fractions")
    # a number is fraction x 2^(exponent - 1075); exponent 0 has no leading one and counts as 1
    powers = [math.ldexp(1.0, max(e, 1) - 1075) for e in range(2047)] + [1.0]
    table = numpy_helper.from_array(np.array(powers), "afield_powers")
    leading = numpy_helper.from_array(np.array([0.0] + [2.0**_BITS] * 2047), "afield_leading")
    signs = numpy_helper.from_array(np.array([1.0, -1.0]), "afield_signs")
    last = numpy_helper.from_array(np.array([2047], np.int64), "afield_last")
    zero = numpy_helper.from_array(np.array([0.0]), "afield_zero")
    infinite = numpy_helper.from_array(np.array([np.inf]), "afield_infinite")
    unknown = numpy_helper.from_array(np.array([np.nan]), "afield_unknown")
    graph.initializer.extend(
        [shift, top, exponents, fractions, table, leading, signs, last, zero, infinite, unknown]
    )  # fmt: skip
    steps: list[tuple[str, list[str], str, dict[str, Any]]] = [
        ("BitShift", [NUMBERS, "afield_52"], "afield_high", {"direction": "RIGHT"}),
        ("BitwiseAnd", ["afield_high", "afield_exponents"], "afield_e", {}),
        ("Cast", ["afield_e"], "afield_exponent", {"to": TensorProto.INT64}),
        ("BitwiseAnd", [NUMBERS, "afield_fractions"], "afield_f", {}),
        ("Cast", ["afield_f"], "afield_fraction", {"to": TensorProto.DOUBLE}),
        ("BitShift", [NUMBERS, "afield_63"], "afield_s", {"direction": "RIGHT"}),
        ("Cast", ["afield_s"], "afield_signed", {"to": TensorProto.INT64}),
        ("Gather", ["afield_signs", "afield_signed"], "afield_sign", {}),
        ("Gather", ["afield_leading", "afield_exponent"], "afield_one", {}),
        ("Gather", ["afield_powers", "afield_exponent"], "afield_power", {}),
        ("Add", ["afield_fraction", "afield_one"], "afield_whole", {}),
        ("Mul", ["afield_whole", "afield_power"], "afield_size", {}),
        ("Equal", ["afield_exponent", "afield_last"], "afield_special", {}),
        ("Equal", ["afield_fraction", "afield_zero"], "afield_no_fraction", {}),
        ("Where", ["afield_no_fraction", "afield_infinite", "afield_unknown"], "afield_odd", {}),
        ("Where", ["afield_special", "afield_odd", "afield_size"], "afield_absolute", {}),
        ("Mul", ["afield_absolute", "afield_sign"], "afield_floats", {}),
    ]
    return [helper.make_node(kind, inputs, [output], **settings) for kind, inputs, output, settings in steps]


def _whole(graph: onnx.GraphProto, name: str) -> list[onnx.NodeProto]:
    """Return nodes from a float64 output to its mantissa and exponent; every value on the way is exact.

    The logarithm may be off by one at powers of two, so the exponent is one less than it says: the mantissa then ends
    in up to two zeros and stays below 2^55. Two factors scale it, since one power of two cannot reach far enough.
    """
    lowest, highest = -1022, 1000  # of the first factor; what is left for the second is no more than 126
    constants: dict[str, tuple[Any, type[np.generic]]] = {
        "powers": ([math.ldexp(1.0, e) for e in range(lowest, 1024)], np.float64),
        "zero": ([0.0], np.float64),
        "one": ([1.0], np.float64),
        "log_of_2": ([math.log(2.0)], np.float64),
        "step": ([1], np.int64),
        "bits": ([_BITS], np.int64),
        "lowest": ([lowest], np.int64),
        "highest": ([highest], np.int64),
        "offset": ([-lowest], np.int64),
        "beyond": ([BEYOND], np.int64),
    }
    steps: list[tuple[str, str, str, dict[str, Any]]] = [
        ("Abs", "", "size", {}),
        ("IsNaN", "", "is_nan", {}),
        ("IsInf", "", "is_infinite", {}),
        ("Or", "is_nan is_infinite", "is_beyond", {}),
        ("Equal", "size zero", "is_zero", {}),
        ("Or", "is_beyond is_zero", "is_odd", {}),
        ("Where", "is_odd one size", "safe", {}),
        ("Log", "safe", "log", {}),
        ("Div", "log log_of_2", "log2", {}),
        ("Floor", "log2", "floor", {}),
        ("Cast", "floor", "whole", {"to": TensorProto.INT64}),
        ("Sub", "whole step", "power", {}),
        ("Sub", "bits power", "shift", {}),
        ("Max", "shift lowest", "not_low", {}),
        ("Min", "not_low highest", "first", {}),
        ("Sub", "shift first", "second", {}),
        ("Add", "first offset", "first_at", {}),
        ("Add", "second offset", "second_at", {}),
        ("Gather", "powers first_at", "first_factor", {}),
        ("Gather", "powers second_at", "second_factor", {}),
        ("Mul", "safe first_factor", "scaled_once", {}),
        ("Mul", "scaled_once second_factor", "scaled", {}),
        ("Where", "is_odd one scaled", "number", {}),
        ("Cast", "number", "digits", {"to": TensorProto.INT64}),
        ("Where", "is_nan zero ", "signed", {}),
        ("Sign", "signed", "sign_of", {}),
        ("Cast", "sign_of", "sign", {"to": TensorProto.INT64}),
        ("Mul", "digits sign", MANTISSA, {}),
        ("Where", "is_beyond beyond power", EXPONENT, {}),
    ]

    def named(short: str) -> str:
        return name if not short else name + (short if short.startswith("_") else f"_afield_{short}")

    for short, (value, dtype) in constants.items():
        graph.initializer.append(numpy_helper.from_array(np.array(value, dtype), named(short)))
    return [
        helper.make_node(kind, [named(short) for short in inputs.split(" ")], [named(output)], **settings)
        for kind, inputs, output, settings in steps
    ]


def _columns(graph: onnx.GraphProto, matrix: str, names: Sequence[str]) -> list[onnx.NodeProto]:
    """Return nodes that give each column of a matrix its name."""
    nodes = []
    for number, name in enumerate(names):
        index = f"{matrix}_{number}"
        graph.initializer.append(numpy_helper.from_array(np.array(number, np.int64), index))
        nodes.append(helper.make_node("Gather", [matrix, index], [name], axis=1))
    return nodes
