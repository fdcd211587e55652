"""Opens the file in onnxruntime: fixed threads, no spinning, no files beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from afield.core.errors import ModelFileError
from afield.model.container import damaged, refers_outside

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


def open_session(content: bytes, *, threads: int = 1, plain: bool = False) -> InferenceSession:
    """Return a CPU session over the file; a ``plain`` one computes operator by operator, as the file says.

    Raises
    ------
    ModelFileError
        ``model.damaged``: onnxruntime refuses it, or it keeps data in other files.
    """
    import onnxruntime

    if refers_outside(content):
        raise damaged("it keeps data in other files, and an afield model is one file")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if plain:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads must not burn shared cores
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except _refusals() as error:
        raise _refused(error) from error


def run_session(session: InferenceSession, outputs: Sequence[str], feed: Mapping[str, NDArray[Any]]) -> list[Any]:
    """Return the outputs of the graph for a feed.

    Raises
    ------
    ModelFileError
        ``model.damaged``: the graph fails; ``model.cell``: a text is not valid Unicode.
    """
    try:
        return list(session.run(list(outputs), dict(feed)))
    except UnicodeEncodeError as error:
        shown = repr(error.object)[:60]
        raise ModelFileError("model.cell", f"A text is not valid Unicode ({error.reason}).", got=shown) from error
    except _refusals() as error:
        raise _refused(error) from error


def _refusals() -> tuple[type[Exception], ...]:
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return (
        state.Fail, state.InvalidArgument, state.InvalidGraph, state.InvalidProtobuf, state.NotImplemented,
        state.RuntimeException, state.NoModel,
    )  # fmt: skip


def _refused(error: Exception) -> ModelFileError:
    return damaged(f"onnxruntime says {' '.join(str(error).split())[:300]}")
