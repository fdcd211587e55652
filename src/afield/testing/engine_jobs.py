"""What the engine kit lets workers do: answer, fail, take long, die. Imported by workers under this name."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = "afield.testing.engine_jobs:"


def echo(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config."""
    return dict(config)


def noise(config: Mapping[str, Any]) -> dict[str, Any]:
    """Print to every stream, by Python and past it, and return the config."""
    print("noise on stdout" * 100)
    print("noise on stderr" * 100, file=sys.stderr)
    os.write(1, b"\0\1\2 raw noise")
    os.write(2, b"\xff\xfe raw noise")
    return dict(config)


def fail(config: Mapping[str, Any]) -> dict[str, Any]:
    """Raise the exception called ``config["type"]`` with ``config["text"]``."""
    kind = {"ValueError": ValueError, "MemoryError": MemoryError, "SystemExit": SystemExit}[config["type"]]
    raise kind(config["text"])


def text(config: Mapping[str, Any]) -> Any:
    """Return what is not a JSON object."""
    return "text"


def nan(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what JSON cannot say."""
    return {"score": float("nan")}


def large(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``config["bytes"]`` characters."""
    return {"text": "ä" * config["bytes"]}


def die(config: Mapping[str, Any]) -> dict[str, Any]:
    """Print a last word and end the process by signal ``config["signal"]``, or with code ``config["code"]``."""
    print("last words", file=sys.stderr, flush=True)
    if "signal" in config:
        os.kill(os.getpid(), getattr(signal, config["signal"]))
        time.sleep(60)
    os._exit(config["code"])


def beat(config: Mapping[str, Any]) -> dict[str, Any]:
    """Write the own process id to the file ``config["path"]``, then touch it until ``config["seconds"]`` are over."""
    path, end = Path(config["path"]), time.monotonic() + config["seconds"]
    part = path.with_suffix(".part")
    part.write_text(str(os.getpid()))
    part.replace(path)  # whoever sees the file sees all of it
    while time.monotonic() < end:
        os.utime(path)
        time.sleep(0.005)
    return {"done": config["seconds"]}


def read(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is in the file ``config["path"]``."""
    return {"text": Path(config["path"]).read_text(encoding="utf-8")}


def threads(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the thread count that numerical libraries will see."""
    return {"threads": os.environ.get("OMP_NUM_THREADS"), "pid": os.getpid()}
