"""The server as a process: signals under load, workers, slow clients, and requests that nobody should send."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from e2e.servers import Running, serving
from small_models import small_model
from unit.platforms.server.asked import body

pytest.importorskip("uvicorn")
pytestmark = pytest.mark.e2e

INFER = "/v2/models/small/infer"


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


class Load(threading.Thread):
    """One client that asks without pause until it is refused; every request must end in an answer."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.connection = http.client.HTTPConnection(address, timeout=20)
        self.statuses: list[int] = []
        self.lost: list[str] = []

    def run(self) -> None:
        content = json.dumps(body()).encode()
        self.connection.connect()
        with closing(self.connection):
            self.ask(content)

    def ask(self, content: bytes) -> None:
        while not self.statuses or self.statuses[-1] == 200:
            try:
                self.statuses.append(post(self.connection, INFER, content, {})[0])
            except ConnectionRefusedError:
                return  # a new connection after the end: nothing was accepted
            except (OSError, http.client.HTTPException) as error:
                self.lost.append(repr(error))
                return


def test_sigterm_under_load_loses_no_accepted_request(tmp_path: Path) -> None:
    (tmp_path / "small.onnx").write_bytes(small_model())
    with serving(tmp_path, str(tmp_path / "small.onnx")) as running:
        clients = [Load(running.address) for _ in range(8)]
        for client in clients:
            client.start()
        time.sleep(1.0)
        assert running.stop() == 0
        for client in clients:
            client.join(timeout=20)
        assert [c.lost for c in clients] == [[]] * 8
        assert all(set(c.statuses) <= {200, 503} and 200 in c.statuses for c in clients)
        events = [json.loads(line)["event"] for line in running.log.read_text().splitlines()]
        assert events[0] == "started"
        assert events[-1] == "stopped"
        assert "draining" in events


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
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with serving(tmp_path, str(tmp_path / "small.onnx"), "--workers", "2", port=port) as running:
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
