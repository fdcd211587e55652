"""The python platform: a folder that predicts with onnxruntime alone, proven in a process that has nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.core.findings import Finding
from afield.core.proofs import Proof
from afield.model.model import Model
from afield.model.selftest import proof_of
from afield.platforms.checking import check_operators, load_checked
from afield.platforms.judging import judge
from afield.platforms.protocol import Bundle, ExportOptions, Probe
from afield.platforms.writing import write_bundle
from afield.problem.schema import MEDIA_KINDS

HERE = Path(__file__).parent
REQUIREMENTS = "numpy>=2.0\nonnxruntime>=1.23\n"
TIME_LIMIT_S = 300


@dataclass(frozen=True, kw_only=True)
class PythonOptions(ExportOptions):
    """Nothing to choose."""


class PythonPlatform:
    """Runs models by onnxruntime in Python. See ``afield.platforms.protocol.Platform``."""

    name = "python"
    summary = "a folder with the model and a short script; needs onnxruntime and numpy"
    options = PythonOptions

    def check(self, model: bytes, device: str = "") -> list[Finding]:
        """Return a finding for each operator that onnxruntime's Python build is not known to run alike."""
        del device  # any machine that has Python will do
        return check_operators(model)

    def export(self, model: bytes, dest: Path, options: PythonOptions | None = None) -> Bundle:
        """Write model.onnx, predict.py, test_model.py and requirements.txt into the folder ``dest``.

        Raises
        ------
        UnsupportedError
            ``graph.operator``.
        AfieldError
            ``output.exists``, ``output.unwritable``, ``output.disk_full``.
        ModelFileError
            ``model.damaged``, ``model.foreign``, ``model.version``.
        """
        options = options or PythonOptions()
        loaded = load_checked(model, "Python")
        files = {
            "model.onnx": model,
            "predict.py": (HERE / "predict.py").read_bytes(),
            "requirements.txt": REQUIREMENTS.encode(),
        }
        if not any(c.kind in MEDIA_KINDS for c in loaded.schema.columns):
            files["test_model.py"] = (HERE / "test_model.py").read_bytes()
        return write_bundle(self.name, dest, files, force=options.force)

    def prove(self, bundle: Bundle, probe: Probe | None = None) -> Proof:
        """Run the probe's rows, or else the file's samples, in a new process with numpy and onnxruntime only.

        Batches of 1 and 4,096, one and two threads.
        """
        path = bundle.path / "model.onnx"
        model = Model.load(path)
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "answers.npz"
            command = [sys.executable, "-P", str(HERE / "replay.py"), str(path), str(out)]
            if probe is not None:
                rows = Path(folder) / "rows.json"
                rows.write_text(json.dumps({n: v.tolist() for n, v in probe.feed.items()}), encoding="ascii")
                command.append(str(rows))
            environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
            try:
                done = subprocess.run(  # noqa: S603 - our own script and a temporary folder
                    command, capture_output=True, text=True, timeout=TIME_LIMIT_S, env=environment, check=False
                )
            except subprocess.TimeoutExpired:
                return self._failed(f"no answer within {TIME_LIMIT_S} s")
            if done.returncode:
                return self._failed((done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1])
            with np.load(out, allow_pickle=False) as answers:
                runs = _runs(answers)
        versions = json.loads(done.stdout)
        how = f"onnxruntime {versions['onnxruntime']} and numpy {versions['numpy']} in a new process without afield"
        if probe is None:
            return proof_of(model, runs, how=how)
        first = {
            way: {n: v[: probe.rows] for n, v in found.items()} for way, found in runs.items()
        }  # 4,096 repeat them
        return judge(model, probe, first, platform=self.name, how=how)

    def _failed(self, reason: str) -> Proof:
        return Proof(platform=self.name, ran=True, how="a new process", passed=False, details=(reason,))


def _runs(answers: Mapping[str, NDArray[Any]]) -> dict[str, dict[str, NDArray[Any]]]:
    """Return answers by way of running."""
    runs: dict[str, dict[str, NDArray[Any]]] = {}
    for key in answers:
        threads, batch, name = key.split("/", 2)
        runs.setdefault(f"{threads} thread{'s' if threads != '1' else ''}, batch {batch}", {})[name] = answers[key]
    return runs
