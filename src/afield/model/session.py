"""Opens the file in onnxruntime: fixed threads, no spinning, no files beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from afield.model.container import damaged, refers_outside

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


def open_session(content: bytes, *, threads: int = 1) -> InferenceSession:
    """Return a CPU session over the file.

    Raises
    ------
    ModelFileError
        ``model.damaged``: onnxruntime refuses it, or it keeps data in other files.
    """
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    if refers_outside(content):
        raise damaged("it keeps data in other files, and an afield model is one file")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads must not burn shared cores
    refusals = (
        state.Fail, state.InvalidArgument, state.InvalidGraph, state.InvalidProtobuf, state.NotImplemented,
        state.RuntimeException, state.NoModel,
    )  # fmt: skip
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except refusals as error:
        raise damaged(" ".join(str(error).split())[:300]) from error
