"""What the server does in a second on one core, where its time goes, and whether it leaks.

The server has core 0, the client (wrk; apt install wrk) core 1. An empty uvicorn endpoint runs in the same session, so
that the rest of its rate can be accounted for: reading, running and writing are timed alone, in this process.

    python benchmarks/server.py model.onnx --mlserver

lets MLServer answer the same requests with the same model and client, in an environment of its own that is made at the
first run from serving/mlserver.txt (500 MB).
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from machine import RESULTS

from afield.core.files import write_atomic
from afield.model.selftest import stored_feed
from afield.platforms.server.batching import gains
from afield.platforms.server.inference import read_request, write_answer
from afield.platforms.server.served import Served
from afield.platforms.server.tensors import to_json

WANTED_PER_S, WANTED_GROWTH = 2_000, 0.02
SERVING = Path(__file__).resolve().parent / "serving"
ENVIRONMENT = SERVING.parent / ".envs" / "mlserver"
EMPTY = """
import sys, uvicorn
async def app(scope, receive, send):
    while (await receive()).get("more_body"): pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"{}"})
uvicorn.run(app, port=int(sys.argv[1]), log_level="error", access_log=False, lifespan="off", http="httptools")
"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def running(command: list[str], port: int, path: str, core: int = 0, **options: Any) -> Iterator[psutil.Process]:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        ["taskset", "-c", str(core), *command],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **options,
    )
    try:
        end = time.monotonic() + 60
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                connection.request("GET", path)
                if connection.getresponse().status == 200:
                    break
            except OSError:
                pass
            if time.monotonic() > end or process.poll() is not None:
                raise SystemExit(f"did not start: {' '.join(command)[:200]}")
            time.sleep(0.1)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(timeout=60)


def load(url: str, body: bytes, seconds: float, connections: int) -> dict[str, Any]:
    """Return requests a second and latencies in ms, as wrk tells them."""
    with tempfile.TemporaryDirectory() as folder:
        script, content = Path(folder) / "post.lua", Path(folder) / "body.json"
        content.write_bytes(body)
        script.write_text(
            f'wrk.method = "POST"\nwrk.body = io.open("{content}", "rb"):read("*a")\n'
            'wrk.headers["Content-Type"] = "application/json"\n'
        )
        command = [
            "taskset",
            "-c",
            "1",
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{seconds:g}s",
            "--latency",
            "-s",
            str(script),
            url,
        ]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    times = {k: _ms(v) for k, v in re.findall(r"(50|99)%\s+([\d.]+\w+)", told)}
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", told)
    assert rate, told
    return {
        "per_s": round(float(rate[1]), 1), "p50_ms": times["50"], "p99_ms": times["99"],
        "wrong": int(wrong[1]) if wrong else 0, "broken": "Socket errors" in told,
    }  # fmt: skip


def watched(process: psutil.Process, *load_of: Any) -> dict[str, Any]:
    """Return what ``load`` does, and the server's CPU microseconds a request: other work does not enter."""
    before = sum(process.cpu_times()[:2])
    found = load(*load_of)
    used = sum(process.cpu_times()[:2]) - before
    return found | {"cpu_us": round(used / (found["per_s"] * load_of[2]) * 1e6, 1)}


def _ms(text: str) -> float:
    number, unit = re.match(r"([\d.]+)(\w+)", text).groups()  # type: ignore[union-attr]
    return float(number) * {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}[unit]


def one_row(served: Served) -> bytes:
    feed = stored_feed(served.model.selftest, served.schema)
    known = np.all([v == v for v in feed.values()], axis=0)  # MLServer takes no null
    row = slice(int(known.argmax()), int(known.argmax()) + 1)
    inputs = [
        {"name": i.name, "shape": [1], "datatype": i.datatype, "data": to_json(feed[i.name][row])}
        for i in served.inputs
    ]
    return json.dumps({"inputs": inputs}).encode()


def account(served: Served, body: bytes, turns: int = 3_000) -> dict[str, float]:
    """Return microseconds a request for each step of an answer, alone in this process."""
    request = read_request(served, body, None)
    answers = served.run(request.feed)
    steps = {
        "read": lambda: read_request(served, body, None), "run": lambda: served.run(request.feed),
        "write": lambda: write_answer(served, request, answers),
    }  # fmt: skip
    found = {}
    for name, step in steps.items():
        start = time.process_time()
        for _ in range(turns):
            step()
        found[f"{name}_us"] = round((time.process_time() - start) / turns * 1e6, 1)
    return found


def memory(process: psutil.Process, url: str, body: bytes, connections: int, first: int, last: int) -> dict[str, Any]:
    """Return resident bytes after ``first`` and ``last`` requests, and the growth between them."""
    done, sizes = 0, []
    for goal in (first, last):
        while done < goal:
            rate = load(url, body, 2, connections)["per_s"]
            done += int(rate * 2)
        sizes.append(process.memory_info().rss)
    return {
        "requests": done,
        "first_bytes": sizes[0],
        "last_bytes": sizes[1],
        "growth": round(sizes[1] / sizes[0] - 1, 4),
    }


def mlserver_environment() -> Path:
    """Return the folder of MLServer's own environment; it is made where it is not there."""
    done = ENVIRONMENT / "installed.txt"
    pins = (SERVING / "mlserver.txt").read_text()
    if not done.exists() or done.read_text() != pins:
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
        pip = [str(ENVIRONMENT / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "-r", str(SERVING / "mlserver.txt")], check=True)
        done.write_text(pins)
    return ENVIRONMENT


def mlserver(model: Path, body: bytes, seconds: float, connections: int) -> dict[str, Any]:
    environment = mlserver_environment()
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        shutil.copy(SERVING / "mlserver_runtime.py", place)
        told = {
            "name": "m",
            "implementation": "mlserver_runtime.OnnxRuntime",
            "parameters": {"uri": str(model.resolve())},
        }
        (place / "model-settings.json").write_text(json.dumps(told))
        settings = {
            "http_port": port, "grpc_port": free_port(), "metrics_port": free_port(), "parallel_workers": 0,
            "debug": False,
        }  # fmt: skip
        (place / "settings.json").write_text(json.dumps(settings))
        command = [str(environment / "bin" / "mlserver"), "start", folder]
        with running(command, port, "/v2/models/m/ready", cwd=folder) as process:
            return watched(process, f"http://127.0.0.1:{port}/v2/models/m/infer", body, seconds, connections)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--requests", type=int, nargs=2, default=(20_000, 200_000), help="memory is held between these")
    parser.add_argument("--batch", default="auto")
    parser.add_argument("--mlserver", action="store_true", help="let MLServer answer too, after afield")
    parser.add_argument("--out", type=Path, default=RESULTS / "server.json")
    given = parser.parse_args()
    served = Served("m", "1", given.model)
    body, name = one_row(served), given.model.stem
    found: dict[str, Any] = {
        "model": given.model.name, "load_before": os.getloadavg()[0], "seconds": given.seconds,
        "connections": given.connections, "row_us": round(served.row_s * 1e6, 1),
        "batched_row_us": round(served.batched_row_s * 1e6, 1), "batched": gains(served),
        "steps": account(served, body),
    }  # fmt: skip
    port = free_port()
    with running([sys.executable, "-c", EMPTY, str(port)], port, "/") as process:
        found["empty"] = watched(process, f"http://127.0.0.1:{port}/", body, given.seconds, given.connections)
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "afield.platforms.server",
        str(given.model),
        "--port",
        str(port),
        "--batch",
        given.batch,
    ]
    with running([*command, "--log-level", "error"], port, "/v2/health/ready") as process:
        url = f"http://127.0.0.1:{port}/v2/models/{name}/infer"
        found["afield"] = watched(process, url, body, given.seconds, given.connections)
        found["memory"] = memory(process, url, body, given.connections, *given.requests)
    empty_us, whole_us = found["empty"]["cpu_us"], found["afield"]["cpu_us"]
    if found["batched"] and given.batch != "off":
        found["steps"]["run_us"] = found["batched_row_us"]  # at best; small batches cost more
    found["steps"] |= {
        "empty_us": empty_us, "whole_us": whole_us,
        "rest_us": round(whole_us - empty_us - sum(found["steps"].values()), 1),
    }  # fmt: skip
    if given.mlserver:
        found["mlserver"] = mlserver(given.model, body, given.seconds, given.connections)
    missed = [
        text for text, kept in {
            "requests a second": found["afield"]["per_s"] >= WANTED_PER_S,
            "every request answered": not found["afield"]["wrong"] and not found["afield"]["broken"],
            "memory": found["memory"]["growth"] < WANTED_GROWTH,
            "mlserver": "mlserver" not in found or (
                found["afield"]["per_s"] >= found["mlserver"]["per_s"]
                and found["afield"]["p99_ms"] <= found["mlserver"]["p99_ms"]
                and not found["mlserver"]["wrong"]
            ),
        }.items() if not kept
    ]  # fmt: skip
    found["missed"] = missed
    write_atomic(given.out, json.dumps(found, indent=2).encode() + b"\n")
    print(json.dumps(found, indent=2))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
