"""Bytes to an ONNX message that is safe to look at: one file, functions inlined, sizes within reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from afield.core.errors import ModelFileError
from afield.platforms.microcontroller.reading.contributed import standard

if TYPE_CHECKING:
    import onnx

#: what onnx and protobuf raise on files that are not what they claim
BROKEN = (ValueError, TypeError, RuntimeError, KeyError, IndexError, AttributeError, NotImplementedError)


def damaged(reason: str) -> ModelFileError:
    """Return the error for a file that is not a model."""
    return ModelFileError("model.damaged", "The file is not a readable ONNX model.", got=reason)


def parse(data: bytes) -> onnx.ModelProto:
    """Return the model with its local functions inlined, and quantised operators of onnxruntime's own as ONNX.

    Raises
    ------
    ModelFileError
        ``model.damaged``.
    """
    import onnx
    from google.protobuf.message import DecodeError
    from onnx import inliner

    try:
        model = onnx.ModelProto.FromString(data)
    except (DecodeError, *BROKEN) as error:
        raise damaged(str(error) or "not protobuf") from error
    if not model.graph.output:
        raise damaged("a graph without outputs")
    if not model.opset_import:
        raise damaged("no opset is stated")
    if any(t.data_location == onnx.TensorProto.EXTERNAL for t in model.graph.initializer):
        raise damaged("constants lie in other files; save the model as one file")
    if model.functions:
        try:
            model = inliner.inline_local_functions(model)
        except (*BROKEN, DecodeError) as error:
            raise damaged(f"its functions cannot be inlined: {error}") from error
    try:
        return standard(model)
    except (*BROKEN, DecodeError) as error:
        raise damaged(f"its quantised operators are not what they say: {error}") from error
