"""Walks an ONNX graph once, in order: types every value, folds what is constant, and writes canonical nodes.

Whatever cannot be done becomes a problem in a list; nothing stops at the first one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from afield.platforms.microcontroller.ir import Array, Attribute, DType, Graph, Node, Tensor
from afield.platforms.microcontroller.reading import canonical, schema
from afield.platforms.microcontroller.reading.corrections import corrected, uninferred
from afield.platforms.microcontroller.reading.folding import FOLDED_BYTES, evaluate
from afield.platforms.microcontroller.reading.parse import BROKEN, damaged, parse
from afield.platforms.microcontroller.reading.stating import NotStatic, Stated

if TYPE_CHECKING:
    import onnx

#: no single value may take more than this, nor may a file claim so
LARGEST_BYTES = 2**31 - 1
#: constants up to this many elements take part in shape inference
SHAPED_BY = 4096


@dataclass
class Reading:
    """What was read: the graph, and one sentence for each thing that stands in the way."""

    graph: Graph
    problems: list[str] = field(default_factory=list)


def read(data: bytes, name: str = "network", dimensions: dict[str, int] | None = None) -> Reading:
    """Read an ONNX file.

    Parameters
    ----------
    data : bytes
    name : str
        Of the graph.
    dimensions : dict of str to int
        Sizes of symbolic dimensions; a symbolic first dimension of an input is 1 unless it is named here.

    Raises
    ------
    ModelFileError
        ``model.damaged``.
    """
    from google.protobuf.message import DecodeError

    model = parse(data)
    try:
        return _Walk(model, dimensions or {}).run(name)
    except (*BROKEN, UnicodeError, MemoryError, OverflowError, DecodeError) as error:
        raise damaged(f"{type(error).__name__}: {error}") from error


class _Walk:
    """The state of one walk."""

    def __init__(self, model: onnx.ModelProto, dimensions: dict[str, int]) -> None:
        self.model, self.dimensions = model, dimensions
        self.opsets = {("" if o.domain == "ai.onnx" else o.domain): o.version for o in model.opset_import}
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.problems: list[str] = []
        self.lost: set[str] = set()  # values behind something unsupported: what follows from them is not reported

    def run(self, name: str) -> Reading:
        graph = self.model.graph
        if graph.sparse_initializer:
            self.problems.append("Sparse constants are not supported: save the model with dense ones.")
        for tensor in graph.initializer:
            self.constant(tensor.name, schema.array_of(tensor))
        inputs = [value.name for value in graph.input if value.name not in self.tensors]
        for value in graph.input:
            if value.name in inputs:
                self.input(value)
        for index, node in enumerate(graph.node):
            self.node(node, index)
        outputs = [value.name for value in graph.output]
        for output in outputs:
            if output not in self.tensors and output not in self.lost:
                raise ValueError(f"output {output!r} is never written")
        if self.problems:
            return Reading(Graph(name=name, nodes=(), tensors={}, inputs=(), outputs=()), self.problems)
        if len(set(outputs)) != len(outputs):
            raise ValueError("an output is named twice")
        whole = Graph(
            name=name, nodes=tuple(self.nodes), tensors=self.tensors, inputs=tuple(inputs), outputs=tuple(outputs)
        )
        return Reading(whole.edited())

    def constant(self, name: str, array: Array) -> None:
        if not name or name in self.tensors:
            raise ValueError(f"{name!r} is written twice")
        if DType.of(array) is DType.STRING:
            array = array.astype(object)
        self.tensors[name] = Tensor(name=name, dtype=DType.of(array), shape=array.shape, value=array)

    def input(self, value: onnx.ValueInfoProto) -> None:
        if not value.name or value.name in self.tensors:
            raise ValueError(f"input {value.name!r} is named twice")
        kind = value.type.tensor_type
        if value.type.WhichOneof("value") != "tensor_type" or kind.elem_type not in schema.TYPES:
            self.problems.append(f"Input {value.name!r} is not a tensor of numbers, booleans or strings.")
            self.lost.add(value.name)
            return
        shape = []
        for axis, dim in enumerate(kind.shape.dim):
            if dim.HasField("dim_value"):
                shape.append(dim.dim_value)
            elif dim.dim_param in self.dimensions:
                shape.append(self.dimensions[dim.dim_param])
            elif axis == 0:
                shape.append(1)
            else:
                self.problems.append(
                    f"Input {value.name!r} has no fixed size along axis {axis} ({dim.dim_param or 'unnamed'}): "
                    "export the model with a fixed shape."
                )
                self.lost.add(value.name)
                return
        self.state(value.name, schema.TYPES[kind.elem_type], tuple(shape))

    def state(self, name: str, dtype: DType, shape: tuple[int, ...]) -> None:
        if not name or name in self.tensors:
            raise ValueError(f"{name!r} is written twice")
        tensor = Tensor(name=name, dtype=dtype, shape=shape)
        if any(n < 0 for n in shape) or tensor.size * max(1, dtype.size_bytes) > LARGEST_BYTES:
            raise ValueError(f"{name!r} has the shape {shape}")
        self.tensors[name] = tensor

    def node(self, node: onnx.NodeProto, index: int) -> None:
        name = node.name or next(filter(None, node.output), "") or f"{node.op_type}_{index}"
        domain = "" if node.domain == "ai.onnx" else node.domain
        for used in node.input:
            if used and used not in self.tensors and used not in self.lost:
                raise ValueError(f"{node.op_type} {name!r} reads {used!r} before anything wrote it")
        problem = self.attempt(node, domain, name)
        if problem:
            self.problems.append(f"{node.op_type} {name!r}: {problem}")
        for output in filter(None, node.output):
            if output not in self.tensors:
                self.lost.add(output)

    def attempt(self, node: onnx.NodeProto, domain: str, name: str) -> str:  # noqa: PLR0911 - a reason each
        """Take a node in, or return why it cannot be."""
        if any(used in self.lost for used in node.input):
            return ""
        attributes = schema.attributes(node, domain, self.opsets)
        if attributes is None:
            version = self.opsets.get(domain)
            return (
                f"there is no such operator in {domain or 'ai.onnx'} {version if version else '(version not stated)'}."
            )
        if any(schema.is_graph(value) for value in attributes.values()):
            return "operators with a graph inside (If, Loop, Scan) are not supported; export the model without them."
        if folded := self.folded(node, domain, attributes):
            for output, array in folded.items():
                self.constant(output, array)
            return ""
        inferred = self.inferred(node, domain)
        if isinstance(inferred, str) and domain == "ai.onnx.ml":
            given = [self.tensors[n] for n in node.input if n]
            inferred = uninferred(node.op_type, attributes, given, node.output[0]) or inferred
        if isinstance(inferred, str):
            return inferred
        if node.input:
            inferred = corrected(node.op_type, attributes, self.tensors[node.input[0]], inferred)
        before = dict(self.tensors)
        for output, (dtype, shape) in inferred.items():
            self.state(output, dtype, shape)
        op = f"{domain}.{node.op_type}" if domain else node.op_type
        stated = Stated(op=op, version=schema.version(node, domain, self.opsets), name=name, inputs=tuple(node.input),
                        outputs=tuple(node.output), attributes=attributes, tensors=self.tensors)  # fmt: skip
        try:
            self.nodes += canonical.forms(stated)
        except NotStatic as reason:
            self.tensors = before
            return str(reason)
        self.tensors |= {t.name: t for t in stated.added}
        return ""

    def folded(self, node: onnx.NodeProto, domain: str, attributes: dict[str, Attribute]) -> dict[str, Array]:
        """Return the node's results where they are constant, otherwise nothing."""
        values = {n: self.tensors[n].value for n in node.input if n}
        if node.op_type == "Constant" and not domain:
            return {node.output[0]: schema.constant(attributes)}
        if node.op_type in ("Shape", "Size") and not domain:
            shape = np.array(self.tensors[node.input[0]].shape, dtype=np.int64)
            start, end = attributes.get("start", 0), attributes.get("end")
            part = shape[start : end if isinstance(end, int) else None] if isinstance(start, int) else shape
            return {node.output[0]: part if node.op_type == "Shape" else np.array(shape.prod(), dtype=np.int64)}
        known = {n: v for n, v in values.items() if v is not None}
        if len(known) != len(values) or node.op_type in schema.NOT_FOLDED:
            return {}
        inferred = self.inferred(node, domain)
        if isinstance(inferred, str) and node.op_type not in schema.SHAPED_BY_DATA:
            return {}
        if not isinstance(inferred, str) and any(
            float(np.prod([float(n) for n in s])) * max(d.size_bytes, 1) > FOLDED_BYTES for d, s in inferred.values()
        ):
            return {}
        return evaluate(node, known, self.model)

    def inferred(self, node: onnx.NodeProto, domain: str) -> dict[str, tuple[DType, tuple[int, ...]]] | str:
        """Return type and shape of each output, or why they are not known."""
        tensors = {n: self.tensors[n] for n in node.input if n}
        small = {n: t.value for n, t in tensors.items() if t.value is not None and t.size <= SHAPED_BY}
        found: dict[str, Any] | str = schema.infer(node, domain, tensors, small, self.model)
        return found
