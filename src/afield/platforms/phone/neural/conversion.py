"""Calls the workers inside the environments: a network in, a converted file out; a file and rows in, answers out."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.core.errors import UnsupportedError
from afield.platforms.phone.neural.environments import Environment, require

HERE = Path(__file__).parent
TIME_LIMIT_S = 1_800

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Form:
    """A form that a network is shipped in.

    Parameters
    ----------
    name, file, environment : str
        ``environment`` has its converter and its runtime.
    int8 : bool
        Weights and activations are 8-bit integers.
    """

    name: str
    file: str
    environment: str
    int8: bool = False


LITERT = Form(name="LiteRT float32", file="network.tflite", environment="litert")
LITERT_INT8 = Form(name="LiteRT int8", file="network_int8.tflite", environment="litert", int8=True)
EXECUTORCH = Form(name="ExecuTorch float32", file="network.pte", environment="executorch")
FORMS = (LITERT, LITERT_INT8, EXECUTORCH)


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a runtime answered.

    Parameters
    ----------
    answers : float32 [N, ...]
    runtime : str
        With its version.
    sides : dict
        How ``input`` and ``output`` are stored: shape, dtype, and scale and zero point of integers.
    """

    answers: Floats
    runtime: str
    sides: dict[str, Any]


def convert(core: bytes, form: Form, rows: Floats) -> bytes:
    """Return the network in a form; ``rows`` float32 [N, ...] are what an int8 form is fitted to.

    Raises
    ------
    MissingDependencyError
        ``dependency.missing``: its environment is not there.
    UnsupportedError
        ``phone.conversion``: its converter refuses.
    """
    home = require(form.environment)
    with tempfile.TemporaryDirectory() as folder:
        graph, out, feed = (str(Path(folder) / name) for name in ("core.onnx", form.file, "rows.npy"))
        Path(graph).write_bytes(core)
        if form.int8:
            floats = str(Path(folder) / LITERT.file)
            np.save(feed, rows, allow_pickle=False)
            _call(home, form, "convert", graph, floats)
            _call(home, form, "quantise", floats, feed, out)
        else:
            _call(home, form, "convert", graph, out)
        return Path(out).read_bytes()


def answers(content: bytes, form: Form, rows: Floats) -> Run:
    """Return what the form's own runtime answers to each of ``rows`` float32 [N, ...].

    Raises
    ------
    MissingDependencyError
        ``dependency.missing``: its environment is not there.
    UnsupportedError
        ``phone.conversion``: its runtime refuses the file.
    """
    home = require(form.environment)
    with tempfile.TemporaryDirectory() as folder:
        network, feed, out = (str(Path(folder) / name) for name in (form.file, "rows.npy", "answers.npy"))
        Path(network).write_bytes(content)
        np.save(feed, rows, allow_pickle=False)
        told = json.loads(_call(home, form, "answer", network, feed, out).splitlines()[-1])
        found = np.load(out, allow_pickle=False)
    return Run(answers=found, runtime=told.pop("runtime"), sides=told)


def _call(home: Environment, form: Form, *arguments: str) -> str:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    environment = kept | {
        "PYTHONPATH": str(HERE), "PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1",
    }  # fmt: skip
    command = [str(home.python), "-m", f"workers.{home.name}", *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - our own script in an environment that we made
            command, capture_output=True, text=True, timeout=TIME_LIMIT_S, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        raise _refused(form, arguments[0], f"no answer within {TIME_LIMIT_S} s") from None
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]
        passing = str(Path(arguments[-1]).parent) + os.sep  # another name each time
        raise _refused(form, arguments[0], said.replace(passing, ""))
    return done.stdout


def _refused(form: Form, step: str, reason: str) -> UnsupportedError:
    return UnsupportedError(
        "phone.conversion",
        f"{form.name}: the step {step!r} failed.",
        got=reason[-400:],
        fix="Leave this form out: the whole model runs on onnxruntime on every phone.",
    )
