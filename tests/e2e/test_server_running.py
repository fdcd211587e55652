"""The server as a process: signals under load, workers, slow clients, and requests that nobody should send."""

from __future__ import annotations

import asyncio
import collections
import http.client
import json
import re
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from e2e.servers import Running, serving
from small_models import small_model
from unit.platforms.server.asked import body

pytest.importorskip("uvicorn")
pytestmark = pytest.mark.e2e

INFER = "/v2/models/small/infer"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("served")
    (folder / "small.onnx").write_bytes(small_model())
    with serving(folder, str(folder / "small.onnx"), "--timeout", "2", "--max-bytes", "100000") as running:
        yield running


def post(
    connection: http.client.HTTPConnection, path: str, content: bytes, headers: dict[str, str]
) -> tuple[int, bytes]:
    connection.request("POST", path, content, headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


async def exchange(streams: Streams, content: bytes, hold: asyncio.Event | None = None) -> tuple[int, bool]:
    """Send a request, its second half only after ``hold``; return (status, whether the connection stays open)."""
    reader, writer = streams
    head = f"POST {INFER} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(content)}\r\n\r\n".encode()
    half = len(content) // 2
    writer.write(head + content[:half])
    if hold is not None:
        await hold.wait()
    writer.write(content[half:])
    told = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = re.search(r"content-length: (\d+)", told)
    assert length, told
    json.loads(await reader.readexactly(int(length[1])))  # the answer is whole
    return int(told.split()[1]), "connection: close" not in told


@dataclass
class Crowd:
    """Clients that ask without pause over connections that they keep, until they are told to go."""

    host: str
    port: int
    statuses: collections.Counter[int] = field(default_factory=collections.Counter)
    lost: list[str] = field(default_factory=list)

    async def ask(self, content: bytes, hold: asyncio.Event | None = None) -> int:
        """Ask until a refusal, or once where the request is held; return the last status."""
        streams = await asyncio.open_connection(self.host, self.port)
        status, stays = 0, True
        try:
            while stays and status in (0, 200):
                status, stays = await asyncio.wait_for(exchange(streams, content, hold), 120)
                self.statuses[status] += 1
                stays = stays and hold is None
        except (OSError, EOFError) as error:
            self.lost.append(repr(error))
        finally:
            streams[1].close()
        return status


async def under_load(running: Running) -> tuple[Crowd, list[int]]:
    """Stop the server while 64 clients ask; return them, and what the requests got that were half sent by then."""
    host, port = running.address.split(":")
    crowd, hold = Crowd(host, int(port)), asyncio.Event()
    one, many = json.dumps(body()).encode(), json.dumps(wide_body(3_000)).encode()
    assert len(many) > 65_536  # read and answered in a thread
    held = [asyncio.create_task(crowd.ask(one, hold)) for _ in range(8)]
    others = [asyncio.create_task(crowd.ask(content)) for content in [one] * 52 + [many] * 4]
    while crowd.statuses[200] < 400:
        await asyncio.sleep(0.01)
        assert not crowd.lost
    running.process.send_signal(signal.SIGTERM)
    while not crowd.statuses[503]:
        await asyncio.sleep(0.01)  # it is draining
    hold.set()
    await asyncio.gather(*others)
    return crowd, list(await asyncio.gather(*held))


def wide_body(rows: int) -> dict[str, Any]:
    """Return a request of many rows."""
    entries = [entry | {"shape": [rows], "data": entry["data"] * rows} for entry in body()["inputs"]]
    return {"inputs": entries}


@pytest.mark.parametrize("options", [("--batch", "on"), ("--workers", "2")], ids=" ".join)
def test_sigterm_under_load_loses_no_accepted_request(tmp_path: Path, options: tuple[str, ...]) -> None:
    (tmp_path / "small.onnx").write_bytes(small_model())
    with serving(tmp_path, str(tmp_path / "small.onnx"), *options, port=free_port()) as running:
        crowd, held = asyncio.run(under_load(running))
        assert running.process.wait(timeout=120) == 0
        events = [json.loads(line) for line in running.log.read_text().splitlines()]
    assert crowd.lost == []
    assert held == [200] * 8  # their first half was there before the signal
    assert set(crowd.statuses) == {200, 503}
    named = [e["event"] for e in events]
    assert named[-1] == "stopped"
    assert "draining" in named
    assert sum(e.get("requests", 0) for e in events) == crowd.statuses.total()  # none was lost, none asked twice


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def test_sighup_loads_models_anew(tmp_path: Path) -> None:
    (tmp_path / "small.onnx").write_bytes(small_model())
    with serving(tmp_path, str(tmp_path)) as running:
        connection = http.client.HTTPConnection(running.address, timeout=20)
        (tmp_path / "small.onnx").write_bytes(small_model(regression=True))
        running.process.send_signal(signal.SIGHUP)
        with closing(connection):
            await_prediction(connection)


def await_prediction(connection: http.client.HTTPConnection) -> None:
    end = time.monotonic() + 20
    while b"prediction" not in post(connection, INFER, json.dumps(body()).encode(), {})[1]:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_workers_share_a_socket_and_counters_and_end_together(tmp_path: Path) -> None:
    (tmp_path / "small.onnx").write_bytes(small_model())
    with serving(tmp_path, str(tmp_path / "small.onnx"), "--workers", "2", port=free_port()) as running:
        for _ in range(10):
            with closing(http.client.HTTPConnection(running.address, timeout=20)) as connection:
                assert post(connection, INFER, json.dumps(body()).encode(), {})[0] == 200
        with closing(http.client.HTTPConnection(running.address, timeout=20)) as connection:
            connection.request("GET", "/metrics")
            assert b'afield_rows_total{model="small",version="1"} 10.0' in connection.getresponse().read()
            assert post(connection, "/v2/repository/models/small/load", b"", {})[0] == 403
        assert running.stop() == 0


def test_a_slow_body_is_not_waited_for(server: Running) -> None:
    host, port = server.address.split(":")
    with socket.create_connection((host, int(port)), timeout=20) as slow:
        slow.sendall(f"POST {INFER} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{".encode())
        assert b" 408 " in slow.recv(1000)


def test_a_client_that_leaves_in_the_middle_is_no_defect(server: Running) -> None:
    host, port = server.address.split(":")
    with socket.create_connection((host, int(port)), timeout=20) as leaving:
        leaving.sendall(f"POST {INFER} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{".encode())
    end = time.monotonic() + 60
    while "request.broken_off" not in server.log.read_text():
        assert time.monotonic() < end
        time.sleep(0.05)
    assert "defect" not in server.log.read_text()
