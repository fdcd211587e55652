"""Builds ONNX graphs node by node.

Plain protobuf underneath, so that large tree attributes are never copied, names depend on nothing but the order
of calls, and equal calls give equal bytes. Types are stated where an operator changes them; the finished model is
checked by ``onnx.checker`` with strict shape inference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from afield.graph.profile import IR_VERSION, MICROSOFT, ML, ML_OPSET, OPERATORS, OPSET

DTYPES: dict[str, int] = {
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
    "int32": TensorProto.INT32,
    "int64": TensorProto.INT64,
    "uint8": TensorProto.UINT8,
    "int8": TensorProto.INT8,
    "bool": TensorProto.BOOL,
    "string": TensorProto.STRING,
}

_COMPARED_BYTES = 4_096


@dataclass(frozen=True)
class Value:
    """The result of a node, an input or a constant: its name in the graph and its element type."""

    name: str
    dtype: str


class Builder:
    """Collects nodes; ``build`` returns the checked model.

    Examples
    --------
    >>> b = Builder()
    >>> x = b.input("length", "float64", ["N"])
    >>> b.output(b.op("Mul", x, b.constant(np.float64(2.0))), "prediction", ["N"])
    >>> len(b.build(name="double").graph.node)
    1
    """

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._initializers: dict[tuple[str, tuple[int, ...], bytes], TensorProto] = {}
        self._made: dict[tuple[object, ...], tuple[Value, ...]] = {}
        self._scopes: list[str] = []
        self._count = 0

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Name the nodes made inside ``scope/...``: readable in Netron and in generated code."""
        self._scopes.append(name)
        try:
            yield
        finally:
            self._scopes.pop()

    def _name(self, kind: str) -> str:
        self._count += 1
        return "/".join(["", *self._scopes, f"{kind}_{self._count}"])  # the leading / keeps clear of column names

    def input(self, name: str, dtype: str, shape: Sequence[int | str]) -> Value:
        """Declare a graph input; a str in ``shape`` is a free dimension."""
        self._inputs.append(helper.make_tensor_value_info(name, DTYPES[dtype], list(shape)))
        return Value(name, dtype)

    def output(self, value: Value, name: str, shape: Sequence[int | str]) -> None:
        """Declare a graph output under ``name``."""
        self._nodes.append(helper.make_node("Identity", [value.name], [name], name=f"/output/{len(self._outputs)}"))
        self._outputs.append(helper.make_tensor_value_info(name, DTYPES[value.dtype], list(shape)))

    def constant(self, array: NDArray[Any] | np.generic | Sequence[Any], dtype: str | None = None) -> Value:
        """Return a constant; equal constants are stored once. Object and str arrays become string tensors."""
        array = np.asarray(array, dtype=None if dtype in (None, "string") else dtype)
        if array.dtype.kind in "OU":
            texts = [str(s).encode() for s in array.ravel()]
            key = ("string", array.shape, b"\0".join(b"%d:%s" % (len(t), t) for t in texts))
            if key not in self._initializers:
                self._initializers[key] = helper.make_tensor(
                    self._name("const"),
                    TensorProto.STRING,
                    list(array.shape),
                    texts,  # type: ignore[arg-type]
                )
            return Value(self._initializers[key].name, "string")
        array = np.ascontiguousarray(array).reshape(array.shape)
        key = (str(array.dtype), array.shape, array.tobytes())
        if key not in self._initializers:
            self._initializers[key] = numpy_helper.from_array(array, self._name("const"))
        return Value(self._initializers[key].name, str(array.dtype))

    def op(self, kind: str, *inputs: Value | None, dtype: str | None = None, **attributes: Any) -> Value:
        """Add a node with one output and return it; a node that is there already is returned again.

        ``dtype`` is the element type of the result; by default that of the first input. None among ``inputs``
        is an omitted optional input. Attributes may be numpy arrays (stored as tensors).
        """
        return self.op_many(kind, *inputs, dtypes=[dtype or _first_dtype(inputs)], **attributes)[0]

    def op_many(self, kind: str, *inputs: Value | None, dtypes: Sequence[str], **attributes: Any) -> tuple[Value, ...]:
        """Add a node with one output for each of ``dtypes`` and return them."""
        if kind not in OPERATORS:
            raise KeyError(f"operator {kind!r} is not in the profile: see afield/graph/profile.py")
        names = [v.name if v else "" for v in inputs]
        node = helper.make_node(kind, names, [], domain=OPERATORS[kind])
        for key, value in attributes.items():
            tensor = numpy_helper.from_array(value, key) if isinstance(value, np.ndarray) else value
            node.attribute.append(helper.make_attribute(key, tensor))
        same: tuple[object, ...] = ()
        if node.ByteSize() <= _COMPARED_BYTES:  # no two tables of trees are equal
            same = (node.SerializeToString(deterministic=True), *dtypes)
            if same in self._made:
                return self._made[same]
        node.name = self._name(kind)
        node.output.extend(f"{node.name}:{i}" if i else f"{node.name}:out" for i in range(len(dtypes)))
        self._nodes.append(node)
        values = tuple(Value(r, d) for r, d in zip(node.output, dtypes, strict=True))
        if same:
            self._made[same] = values
        return values

    # The operators that every part needs, with their types settled.

    def cast(self, value: Value, dtype: str) -> Value:
        """Cast, or return the value itself when it has the type."""
        return value if value.dtype == dtype else self.op("Cast", value, dtype=dtype, to=DTYPES[dtype])

    def concat(self, values: Sequence[Value], axis: int) -> Value:
        """Concat; a single value passes through."""
        return values[0] if len(values) == 1 else self.op("Concat", *values, axis=axis)

    def reshape(self, value: Value, shape: Sequence[int]) -> Value:
        """Reshape to a constant shape; 0 keeps a dimension, -1 is inferred."""
        return self.op("Reshape", value, self.constant(np.asarray(shape, dtype=np.int64)))

    def transpose(self, value: Value, order: Sequence[int]) -> Value:
        """Transpose."""
        return self.op("Transpose", value, perm=list(order))

    def gather(self, value: Value, index: Value, axis: int) -> Value:
        """Gather."""
        return self.op("Gather", value, index, axis=axis)

    def stack_columns(self, values: Sequence[Value]) -> Value:
        """Return [C, N] from C values of shape [N], in two nodes however many there are."""
        return self.reshape(self.concat(values, axis=0), [len(values), -1])

    def build(self, name: str, metadata: Mapping[str, str] | None = None, *, check: bool = True) -> onnx.ModelProto:
        """Return the model.

        Raises
        ------
        onnx.checker.ValidationError, onnx.shape_inference.InferenceError
            A part lowered itself wrongly.
        """
        graph = helper.make_graph(
            self._nodes, name, self._inputs, self._outputs, initializer=list(self._initializers.values())
        )
        domains = {n.domain for n in self._nodes}
        opsets = [helper.make_opsetid("", OPSET)]
        opsets += [helper.make_opsetid(ML, ML_OPSET)] if ML in domains else []
        opsets += [helper.make_opsetid(MICROSOFT, 1)] if MICROSOFT in domains else []
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="afield")
        helper.set_model_props(model, dict(metadata or {}))
        if check:
            onnx.checker.check_model(model, full_check=MICROSOFT not in domains)
        return model


def _first_dtype(inputs: Sequence[Value | None]) -> str:
    for value in inputs:
        if value is not None:
            return value.dtype
    raise ValueError("an operator without inputs needs a dtype")
