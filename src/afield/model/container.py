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

# field numbers of onnx.proto: ModelProto, NodeProto, TensorProto
_GRAPH, _PROPERTIES = 7, 14
_OP_TYPE, _DOMAIN = 4, 7
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14

#: message -> field -> message, as far as nodes and tensors are reached
_INSIDE: dict[str, dict[int, str]] = {
    "model": {_GRAPH: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 10: "tensor", 6: "graph", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
_DEEPEST = 60  # a file from a stranger may nest graphs without end


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


def operators(content: bytes) -> set[Operator]:
    """Return the distinct operators of the graph and of the functions in the file, subgraphs included.

    Raises
    ------
    ModelFileError
        ``model.damaged``.
    """
    found: set[Operator] = set()
    try:
        for kind, view in _walk("model", memoryview(content)):
            if kind == "node":
                texts = {n: bytes(part(v)).decode() for n, v in fields_of(view) if n in (_OP_TYPE, _DOMAIN)}
                found.add(Operator(texts.get(_DOMAIN, ""), texts.get(_OP_TYPE, "")))
    except (WireFormatError, UnicodeDecodeError) as error:
        raise damaged(str(error)) from error
    return found


def refers_outside(content: bytes) -> bool:
    """Return True when a tensor of the file keeps its data in another file, which onnxruntime would open.

    Raises
    ------
    ModelFileError
        ``model.damaged``.
    """
    key = b"location"  # external data cannot do without it, so parts that lack these letters need no look
    if key not in content:
        return False
    try:
        return any(
            number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value == 1)
            for kind, view in _walk("model", memoryview(content), key)
            if kind == "tensor"
            for number, value in fields_of(view)
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


def _walk(kind: str, view: memoryview, within: bytes = b"", depth: int = 0) -> Iterator[tuple[str, memoryview]]:
    """Yield (kind, content) of all messages inside one, only of those that hold the bytes ``within``."""
    if depth > _DEEPEST:
        raise WireFormatError("its graphs are nested too deep")
    for number, value in fields_of(view):
        inner = _INSIDE[kind].get(number)
        if inner is None:
            continue
        body = part(value)
        if within and within not in bytes(body):
            continue
        yield inner, body
        if _INSIDE[inner]:
            yield from _walk(inner, body, within, depth + 1)
