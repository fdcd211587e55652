"""The server platform: a folder that serves one model, proven by starting its server and asking it."""

from __future__ import annotations

import http.client
import importlib.util
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.core.findings import Finding
from afield.core.proofs import Proof
from afield.model.model import Model
from afield.model.selftest import stored_answers, stored_feed
from afield.platforms.checking import check_operators, load_checked
from afield.platforms.judging import judge
from afield.platforms.protocol import Bundle, ExportOptions, Probe
from afield.platforms.server.asking import ask
from afield.platforms.server.files import bundle_files
from afield.platforms.writing import write_bundle

PACKAGES = ("starlette", "uvicorn", "httptools", "orjson", "prometheus_client")
START_S = 60.0
CHUNK = 64


@dataclass(frozen=True, kw_only=True)
class ServerOptions(ExportOptions):
    """How the server is called, and where it listens.

    Parameters
    ----------
    name : str
        Of the model and the service.
    port : int
    """

    name: str = field(default="model", metadata={"help": "Name of the model and its service.", "metavar": "NAME"})
    port: int = field(default=8080, metadata={"help": "Port that it listens on.", "metavar": "N"})


class ServerPlatform:
    """Serves models over HTTP. See ``afield.platforms.protocol.Platform``."""

    name = "server"
    summary = "a folder that serves the model over HTTP, with files for containers, systemd, Kubernetes and KServe"
    options = ServerOptions

    def check(self, model: bytes, device: str = "") -> list[Finding]:
        """Return a finding for each operator that onnxruntime's Python build is not known to run alike."""
        del device  # any machine that has Python will do
        return check_operators(model)

    def export(self, model: bytes, dest: Path, options: ServerOptions | None = None) -> Bundle:
        """Write the folder.

        Raises
        ------
        UnsupportedError
            ``graph.operator``.
        ProblemError
            ``problem.option``.
        OutputError
            ``output.exists``, ``output.unwritable``, ``output.disk_full``.
        ModelFileError
            ``model.damaged``, ``model.foreign``, ``model.version``.
        """
        options = options or ServerOptions()
        load_checked(model, "servers")
        files = bundle_files(model, name=options.name, port=options.port)
        return write_bundle(self.name, dest, files, force=options.force)

    def prove(self, bundle: Bundle, probe: Probe | None = None) -> Proof:
        """Start the server in the folder and ask it all rows: JSON and binary, one by one and many at once."""
        if lacking := [p for p in PACKAGES if importlib.util.find_spec(p) is None]:
            return Proof.not_run(self.name, f"{', '.join(lacking)} (pip install 'afield[server]')")
        path = next(bundle.path / f for f in bundle.files if f.startswith("models/"))
        model, name = Model.load(path), path.parent.parent.name
        if probe is None:
            feed = stored_feed(model.selftest, model.schema)
            probe = Probe(feed=feed, answers=stored_answers(model.selftest), samples=model.selftest.rows)
        try:
            with _started(bundle.path) as connection:
                runs = {
                    f"{'binary' if binary else 'JSON'}, {'single rows' if size == 1 else f'{size} rows'}":
                    _all_rows(connection, name, probe, size=size, binary=binary)
                    for binary in (False, True) for size in (1, CHUNK)
                }  # fmt: skip
        except (OSError, http.client.HTTPException) as error:
            return Proof(platform=self.name, ran=True, how="its own server", passed=False, details=(str(error),))
        proof = judge(model, probe, runs, platform=self.name, how="the folder's own server, asked over loopback")
        return Proof(**{**vars(proof), "details": (*proof.details, "image: not run here: needs podman or docker")})


def _all_rows(
    connection: http.client.HTTPConnection, name: str, probe: Probe, *, size: int, binary: bool
) -> dict[str, NDArray[Any]]:
    parts = [
        ask(connection, name, {n: v[at : at + size] for n, v in probe.feed.items()}, binary=binary)
        for at in range(0, probe.rows, size)
    ]
    return {n: np.concatenate([part[n] for part in parts]) for n in parts[0]}


@contextmanager
def _started(folder: Path) -> Iterator[http.client.HTTPConnection]:
    """Start the folder's server on a free port of this machine, and end it."""
    environment = os.environ | {"PYTHONPATH": str((folder / "app").resolve()), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "afield.platforms.server", "models", "--port", "0", "--log-level", "warning"]
    process = subprocess.Popen(  # noqa: S603 - the server that was just written
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        connection = http.client.HTTPConnection("127.0.0.1", _port(process), timeout=START_S)
        yield connection
        connection.close()
    finally:
        process.terminate()
        try:
            process.communicate(timeout=START_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _port(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    assert process.stderr is not None
    end = time.monotonic() + START_S
    if not select.select([process.stdout], [], [], max(0.0, end - time.monotonic()))[0]:
        raise OSError(f"the server did not start within {START_S:g} s")
    found = re.search(r":(\d+)/", process.stdout.readline())
    if not found:
        raise OSError(f"the server did not start: {process.stderr.read()[-500:].strip()}")
    return int(found[1])


platform = ServerPlatform()
