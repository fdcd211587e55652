"""What the onnx package knows of an operator: its version, attributes with defaults, and the shapes of its results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from afield.platforms.microcontroller.ir import Array, Attribute, DType, Tensor
from afield.platforms.microcontroller.reading.parse import BROKEN

if TYPE_CHECKING:
    import onnx

#: onnx.TensorProto.DataType -> type; others (float16, float8, int4, complex) have no place in C99
TYPES = {
    1: DType.FLOAT32, 2: DType.UINT8, 3: DType.INT8, 4: DType.UINT16, 5: DType.INT16, 6: DType.INT32, 7: DType.INT64,
    8: DType.STRING, 9: DType.BOOL, 11: DType.FLOAT64, 12: DType.UINT32, 13: DType.UINT64,
}  # fmt: skip
_NUMBERS = {dtype: number for number, dtype in TYPES.items()}
#: nodes that stay although their inputs are constant: dequantising weights would lose that they are integers
NOT_FOLDED = {"DequantizeLinear", "RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike"}
NOT_FOLDED |= {"Multinomial", "Bernoulli", "If", "Loop", "Scan"}
#: nodes whose shape follows from values: folded without knowing it beforehand, small inputs only
SHAPED_BY_DATA = {"NonZero", "Unique", "Compress"}


def array_of(tensor: onnx.TensorProto) -> Array:
    """Return a constant of the file."""
    from onnx import numpy_helper

    array: Array = np.asarray(numpy_helper.to_array(tensor))
    if tensor.data_type == 8:
        return np.array([v.decode() if isinstance(v, bytes) else str(v) for v in array.ravel()], dtype=object).reshape(
            array.shape
        )
    if tensor.data_type not in TYPES:
        raise ValueError(f"constant {tensor.name!r} has elements of type {tensor.data_type}")
    return array


def _schema(node: onnx.NodeProto, domain: str, opsets: Mapping[str, int]) -> Any:
    from onnx import defs

    version = opsets.get(domain)
    if version is None and not any(domain == d for d in opsets):
        return None
    try:
        return defs.get_schema(node.op_type, min(int(version or 1), 2**31 - 1), domain)
    except (defs.SchemaError, *BROKEN):
        return None


def version(node: onnx.NodeProto, domain: str, opsets: Mapping[str, int]) -> int:
    """Return the version of the operator that the stated opset means."""
    return int(_schema(node, domain, opsets).since_version)


def attributes(node: onnx.NodeProto, domain: str, opsets: Mapping[str, int]) -> dict[str, Attribute] | None:
    """Return the attributes with ONNX's defaults filled in; None for an operator that onnx does not know."""
    known = _schema(node, domain, opsets)
    if known is None:
        return None
    found: dict[str, Attribute] = {}
    for name in sorted(known.attributes):
        default = known.attributes[name].default_value
        if default.name:
            found[name] = _value(default)
    for attribute in node.attribute:
        found[attribute.name] = _value(attribute)
    return found


class _GraphInside(tuple[()]):
    """Stands for a graph held by an attribute."""

    __slots__ = ()


def is_graph(value: Attribute) -> bool:
    """Return whether an attribute holds a graph."""
    return isinstance(value, _GraphInside)


def _value(attribute: onnx.AttributeProto) -> Attribute:
    from onnx import AttributeProto, TensorProto, helper

    if attribute.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS):
        return _GraphInside()
    value = helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, TensorProto):
        return array_of(value)
    if isinstance(value, int | float | str):
        return value
    if attribute.type in (AttributeProto.INTS, AttributeProto.FLOATS, AttributeProto.STRINGS):
        return tuple(v.decode() if isinstance(v, bytes) else v for v in value)
    raise ValueError(f"attribute {attribute.name!r} is of a kind that is not supported")


def constant(found: Mapping[str, Attribute]) -> Array:
    """Return the value of a Constant node from its attributes."""
    kinds = {"value": None, "value_float": np.float32, "value_floats": np.float32, "value_int": np.int64,
             "value_ints": np.int64, "value_string": object, "value_strings": object}  # fmt: skip
    for key, kind in kinds.items():
        if key in found:
            return np.asarray(found[key], dtype=kind)
    raise ValueError("a Constant without a value")


def infer(
    node: onnx.NodeProto, domain: str, tensors: Mapping[str, Tensor], small: Mapping[str, Array], model: onnx.ModelProto
) -> dict[str, tuple[DType, tuple[int, ...]]] | str:
    """Return type and shape of each output, or one sentence that says why they are not known."""
    from onnx import helper, numpy_helper
    from onnx.checker import ValidationError
    from onnx.shape_inference import InferenceError, infer_node_outputs

    opsets = {("" if o.domain == "ai.onnx" else o.domain): o.version for o in model.opset_import}
    types = {n: helper.make_tensor_type_proto(_NUMBERS[t.dtype], t.shape) for n, t in tensors.items()}
    data = {n: numpy_helper.from_array(v, n) for n, v in small.items()}
    known = _schema(node, domain, opsets)
    whole = type(node).FromString(node.SerializeToString())
    stated = {a.name for a in node.attribute}
    # some of onnx's inference functions take another default than the operator's when an attribute is not stated
    whole.attribute.extend(known.attributes[n].default_value for n in sorted(known.attributes) if n not in stated
                           and known.attributes[n].default_value.name)  # fmt: skip
    try:
        found = infer_node_outputs(known, whole, types, data, None, list(model.opset_import), model.ir_version)
    except (InferenceError, ValidationError, *BROKEN) as error:
        return f"its result has no known shape ({(str(error).strip() or 'unknown').splitlines()[0]})."
    results: dict[str, tuple[DType, tuple[int, ...]]] = {}
    for name in filter(None, node.output):
        kind = found[name].tensor_type if name in found else None
        if kind is None or kind.elem_type not in TYPES:
            return f"its output {name!r} has a type that is not supported here."
        if not kind.HasField("shape") or not all(d.HasField("dim_value") for d in kind.shape.dim):
            return f"the shape of {name!r} depends on data; only fixed shapes can be compiled."
        results[name] = (TYPES[kind.elem_type], tuple(d.dim_value for d in kind.shape.dim))
    return results
