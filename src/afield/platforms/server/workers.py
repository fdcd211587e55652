"""Several processes behind one socket: starts them, passes signals on, replaces those that die."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import fields
from pathlib import Path
from types import FrameType

from afield.platforms.server.logs import start_logging, tell
from afield.platforms.server.running import load_models, open_socket, run
from afield.platforms.server.settings import ServeSettings

ERROR, INFO = 40, 20
#: A worker that dies sooner after its start than this waits so long for its successor.
PAUSE_S = 1.0


def supervise(settings: ServeSettings) -> None:
    """Serve with several workers until a signal ends it; raises as ``running.run``."""
    start_logging(settings.log_level)
    settings.token()
    names = sorted({s.name for s in load_models(settings).served})  # told before any start
    opened = open_socket(settings)
    host, port = opened.getsockname()[:2]
    ending: list[int] = []
    workers: dict[int, subprocess.Popen[bytes]] = {}

    def pass_on(number: int, frame: FrameType | None) -> None:
        del frame
        if number != getattr(signal, "SIGHUP", None):
            ending.append(number)
        for worker in list(workers.values()):
            if worker.poll() is None:
                worker.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])):
        signal.signal(number, pass_on)
    with tempfile.TemporaryDirectory(prefix="afield-metrics-") as folder:
        environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": folder}
        command = [sys.executable, "-m", "afield.platforms.server.workers", str(opened.fileno()), *_words(settings)]

        def start() -> None:
            worker = subprocess.Popen(  # noqa: S603 - ourselves
                command, pass_fds=[opened.fileno()], env=environment, start_new_session=True
            )
            workers[worker.pid] = worker

        for _ in range(settings.workers):
            start()
        sys.stdout.write(f"http://{host}:{port}/ serves {', '.join(names)} with {settings.workers} workers\n")
        sys.stdout.flush()
        while workers:
            time.sleep(0.1)
            for pid in [pid for pid, worker in workers.items() if worker.poll() is not None]:
                code = workers.pop(pid).returncode
                if not ending:
                    tell(ERROR, "worker died", pid=pid, exit=code)
                    time.sleep(PAUSE_S)
                    start()
        opened.close()
    tell(INFO, "stopped", workers=settings.workers)


def _words(settings: ServeSettings) -> list[str]:
    """Return the settings as the command line of a worker."""
    told = {f.name: getattr(settings, f.name) for f in fields(settings)}
    return [json.dumps(told, default=str)]


def main(arguments: list[str]) -> None:
    """Run one worker: the number of the socket's file, and the settings as JSON."""
    told = json.loads(arguments[1])
    told["sources"] = tuple(map(Path, told["sources"]))
    told["token_file"] = Path(told["token_file"]) if told["token_file"] else None
    told["cors"] = tuple(told["cors"])
    run(ServeSettings(**told), socket.socket(fileno=int(arguments[0])))


if __name__ == "__main__":
    main(sys.argv[1:])
