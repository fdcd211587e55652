"""Runs the rows on arm64 and holds the answers to those they should be."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from afield.core.proofs import Proof
from afield.model.model import Model
from afield.platforms.judging import judge
from afield.platforms.phone.arm64.answering import read, write
from afield.platforms.phone.arm64.machine import find_machine, lacking
from afield.platforms.phone.options import PhoneOptions
from afield.platforms.protocol import Bundle, Probe

NAME = "arm64"
TIME_LIMIT_S = 1_800  # seconds of work, but a busy machine may give them slowly
TOGETHER, ALONE = "all rows at once", "one row at a time"


class Arm64:
    """See ``afield.platforms.phone.piece.Piece``."""

    name = NAME

    def wanted(self, options: PhoneOptions) -> bool:
        """Every bundle's model is run on arm64."""
        del options
        return True

    def build(self, model: Model, options: PhoneOptions) -> Mapping[str, bytes]:
        """Return no files: what runs is the model itself."""
        del model, options
        return {}

    def prove(self, bundle: Bundle, model: Model, probe: Probe) -> list[Proof]:
        """Run all rows at once and the samples one by one."""
        return [prove_on_arm64(bundle.path / "model.onnx", model, probe)]


def prove_on_arm64(path: Path, model: Model, probe: Probe) -> Proof:
    """Return the proof of the file's answers on an arm64 machine; not run where there is none."""
    machine = find_machine()
    if machine is None:
        return Proof.not_run(NAME, needs=lacking())
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write(folder, "feed", {name: np.asarray(values) for name, values in probe.feed.items()})
        script = Path(__file__).with_name("answering.py")
        command = [*machine.command, str(script), str(path.resolve()), temporary, str(probe.samples)]
        try:
            done = subprocess.run(  # noqa: S603 - our own script and a temporary folder
                command, capture_output=True, text=True, timeout=TIME_LIMIT_S, check=False
            )
        except subprocess.TimeoutExpired:
            return _failed(machine.name, f"no answer within {TIME_LIMIT_S} s")
        if done.returncode:
            return _failed(machine.name, (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1])
        told = json.loads(done.stdout)
        runs = {TOGETHER: read(folder, "together"), ALONE: read(folder, "alone")}
    how = f"onnxruntime {told['onnxruntime']} on {machine.name}"
    proofs = [judge(model, probe, {TOGETHER: runs[TOGETHER]}, platform=NAME, how=how)]
    if probe.samples:
        samples = Probe(
            feed={n: v[: probe.samples] for n, v in probe.feed.items()},
            answers={n: v[: probe.samples] for n, v in probe.answers.items()},
            samples=probe.samples,
        )
        proofs.append(judge(model, samples, {ALONE: runs[ALONE]}, platform=NAME, how=how))
    return replace(
        proofs[0],
        rows=sum(p.rows for p in proofs),
        largest=float(np.max([p.largest for p in proofs])),
        passed=all(p.passed for p in proofs),
        details=tuple(line for p in proofs for line in p.details),
    )


def _failed(machine: str, reason: str) -> Proof:
    return Proof(platform=NAME, ran=True, how=machine, passed=False, details=(reason,))
