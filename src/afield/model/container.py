"""Reads and writes what stands around the graph in an ONNX file, without onnx.

The runtime stands alone (numpy and onnxruntime), yet the card must be readable without starting a session, and a
file from a stranger must not make onnxruntime open other files. So this walks the file itself.

Source: field numbers from onnx.proto (IR 10).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from afield.core.errors import ModelFileError
from afield.model.wire import WireFormatError, encode_field, fields_of, part, spans_of

# field numbers of onnx.proto
_GRAPH, _OPSETS, _PROPERTIES, _FUNCTIONS = 7, 8, 14, 25  # ModelProto
_NODES, _INITIALIZERS, _SPARSE, _INPUTS, _OUTPUTS = 1, 5, 15, 11, 12  # GraphProto
_OP_TYPE, _ATTRIBUTES, _DOMAIN = 4, 5, 7  # NodeProto
_TENSORS, _GRAPHS, _SPARSE_TENSORS = (5, 10), (6, 11), (22, 23)  # AttributeProto
_FUNCTION_NODES = 7  # FunctionProto
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14  # TensorProto


@dataclass(frozen=True)
class Operator:
    """The operator of one node."""

    domain: str
    name: str


def read_properties(content: bytes) -> dict[str, str]:
    """Return ``metadata_props`` of a serialised model.

    Raises
    ------
    ModelFileError
        ``model.damaged``.
    """
    found: dict[str, str] = {}
    graph = False
    try:
        for number, value in fields_of(memoryview(content)):
            graph |= number == _GRAPH
            if number == _PROPERTIES:
                entry = {n: bytes(v).decode("utf-8") for n, v in fields_of(part(value)) if not isinstance(v, int)}
                found[entry.get(1, "")] = entry.get(2, "")
    except (WireFormatError, UnicodeDecodeError) as error:
        raise damaged(str(error)) from error
    if not graph:
        raise damaged("it holds no graph")
    return found


def write_properties(content: bytes, properties: Mapping[str, str]) -> bytes:
    """Return the model with these ``metadata_props`` (sorted by key) in place of all that it had."""
    view = memoryview(content)
    kept = [bytes(view[a:b]) for n, a, b in spans_of(view) if n != _PROPERTIES]
    for key in sorted(properties):
        entry = encode_field(1, key.encode()) + encode_field(2, properties[key].encode())
        kept.append(encode_field(_PROPERTIES, entry))
    return b"".join(kept)


def input_names(content: bytes) -> list[str]:
    """Return the names of the graph's inputs."""
    return _names(content, _INPUTS)


def output_names(content: bytes) -> list[str]:
    """Return the names of the graph's outputs."""
    return _names(content, _OUTPUTS)


def operators(content: bytes) -> set[Operator]:
    """Return the distinct operators of the graph and of the functions in the file, subgraphs included."""
    found: set[Operator] = set()
    for node in _all_nodes(content):
        texts = {
            n: bytes(v).decode() for n, v in fields_of(node) if n in (_OP_TYPE, _DOMAIN) and not isinstance(v, int)
        }
        found.add(Operator(texts.get(_DOMAIN, ""), texts.get(_OP_TYPE, "")))
    return found


def opset_domains(content: bytes) -> set[str]:
    """Return the operator domains that the file states."""
    return {
        "".join(bytes(v).decode() for n, v in fields_of(part(value)) if n == 1 and not isinstance(v, int))
        for number, value in fields_of(memoryview(content))
        if number == _OPSETS
    }


def refers_outside(content: bytes) -> bool:
    """Return True when a tensor of the file keeps its data in another file, which onnxruntime would open."""
    if b"location" not in content:  # the key that external data cannot do without; spares the walk nearly always
        return False
    try:
        return any(
            number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value == 1)
            for tensor in _all_tensors(content)
            for number, value in fields_of(tensor)
        )
    except WireFormatError as error:
        raise damaged(str(error)) from error


def damaged(reason: str) -> ModelFileError:
    """Return the error for a file that is not a readable ONNX model."""
    return ModelFileError(
        "model.damaged",
        f"This is not a readable ONNX model: {reason}.",
        expected="an .onnx file that afield wrote",
        fix="Copy or export the file again; a partial download is the usual reason.",
    )


# Walking the model ----------------------------------------------------------------------------------------------------


def _names(content: bytes, which: int) -> list[str]:
    graph = _only(memoryview(content), _GRAPH)
    infos = [part(v) for n, v in fields_of(graph) if n == which]
    return [bytes(v).decode() for info in infos for n, v in fields_of(info) if n == 1 and not isinstance(v, int)]


def _all_nodes(content: bytes) -> Iterator[memoryview]:
    for number, value in fields_of(memoryview(content)):
        if number == _GRAPH:
            yield from _nodes(part(value), _NODES)
        elif number == _FUNCTIONS:
            yield from _nodes(part(value), _FUNCTION_NODES)


def _nodes(body: memoryview, field: int) -> Iterator[memoryview]:
    for number, value in fields_of(body):
        if number == field:
            node = part(value)
            yield node
            for graph in _in_attributes(node, _GRAPHS):
                yield from _nodes(graph, _NODES)


def _in_attributes(node: memoryview, wanted: tuple[int, ...]) -> Iterator[memoryview]:
    for number, value in fields_of(node):
        if number == _ATTRIBUTES:
            for inner, content in fields_of(part(value)):
                if inner in wanted:
                    yield part(content)


def _all_tensors(content: bytes) -> Iterator[memoryview]:
    graphs = [_only(memoryview(content), _GRAPH)]
    for node in _all_nodes(content):
        yield from _in_attributes(node, _TENSORS)
        for sparse in _in_attributes(node, _SPARSE_TENSORS):
            yield from _sparse(sparse)
        graphs += _in_attributes(node, _GRAPHS)
    for graph in graphs:
        for number, value in fields_of(graph):
            if number == _INITIALIZERS:
                yield part(value)
            elif number == _SPARSE:
                yield from _sparse(part(value))


def _sparse(tensor: memoryview) -> Iterator[memoryview]:
    yield from (part(v) for n, v in fields_of(tensor) if n in (1, 2))  # values, indices


def _only(view: memoryview, field: int) -> memoryview:
    return next((part(v) for n, v in fields_of(view) if n == field), memoryview(b""))
