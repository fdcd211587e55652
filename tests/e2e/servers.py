"""A served folder for tests: starts ``afield serve`` as anyone would, and stops it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Running:
    process: subprocess.Popen[str]
    address: str  # host:port
    log: Path

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)


@contextmanager
def serving(folder: Path, *arguments: str, port: int = 0) -> Iterator[Running]:
    log = folder / "server.log"
    command = [sys.executable, "-m", "afield", "serve", *arguments, "--port", str(port)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with open(log, "w") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search("http://([^/]+)/", line)
        assert found, log.read_text()
        yield Running(process, found[1], log)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()
