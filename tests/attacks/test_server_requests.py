"""Requests that nobody should send: each is refused with a reason, none breaks the server, none stays in its memory.

By what the server's own OpenAPI document forbids (schemathesis), and by faults in the binary tensor extension
(hypothesis). A few hundred here; ``AFIELD_FULL=1 pytest tests/attacks/test_server_requests.py -s`` sends 10,000.
"""

from __future__ import annotations

import asyncio
import collections
import gc
import gzip
import http.client
import json
import os
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from e2e.servers import serving
from small_models import small_model
from unit.platforms.server.asked import body, make_service

pytest.importorskip("uvicorn")
from afield.platforms.server.app import make_app
from afield.platforms.server.failures import STATUS
from afield.platforms.server.openapi import describe
from afield.platforms.server.service import Service

FULL = bool(os.environ.get("AFIELD_FULL"))
BINARY, DESCRIBED = (6_600, 3_600) if FULL else (300, 120)
OVER_SOCKET = 10  # every tenth is sent over a socket too
INFER, HEADER = "/v2/models/small/infer", "inference-header-content-length"


@dataclass(frozen=True)
class Sent:
    method: str
    path: str
    content: bytes
    headers: dict[str, str] = field(default_factory=dict)


# The binary extension -------------------------------------------------------------------------------------------------

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
SIZES = st.sampled_from([-1, 0, 1, 2, 7, 8, 9, 2**31, 2**63, 10**40, 1.0, True, None, "8", [8], {}])
SHAPES = st.sampled_from([
    [], [0], [-1], [2], [1, 1, 1], [1, 2], [2**31], [2**62, 2**62], [10**30], [1.0], [True], ["1"], [[1]], "1", 1, {},
    None,
])  # fmt: skip
DATATYPES = st.sampled_from(["BYTES", "FP64", "FP8", "fp64", "", "INT64", None, 64, ["FP64"], {}])
ALL_LENGTHS = struct.Struct("<I")


def tensors(rows: int) -> dict[str, bytes]:
    """Return a right tensor of each input, as its bytes."""
    texts = b"".join(ALL_LENGTHS.pack(len(v)) + v for v in (b"M", "ærlig".encode(), b"")[:rows])
    return {
        e["name"]: struct.pack(f"<{rows}d", *range(rows)) if e["datatype"] == "FP64" else texts
        for e in body()["inputs"]
    }


def message_of(parts: dict[str, bytes], rows: int) -> dict[str, Any]:
    inputs = []
    for entry in body()["inputs"]:
        entry |= {"shape": [rows], "parameters": {"binary_data_size": len(parts[entry["name"]])}}
        del entry["data"]
        inputs.append(entry)
    return {"inputs": inputs}


Fault = Callable[[Any, dict[str, Any], dict[str, bytes]], None]


def _size(draw: Any, entry: dict[str, Any], parts: dict[str, bytes]) -> None:
    true = entry["parameters"]["binary_data_size"]
    entry["parameters"]["binary_data_size"] = draw(SIZES.filter(lambda v: v != true or type(v) is not int))


def _shape(draw: Any, entry: dict[str, Any], parts: dict[str, bytes]) -> None:
    true = entry["shape"]
    entry["shape"] = draw(SHAPES.filter(lambda v: str(v) not in (str(true), str([*true, 1]))))


def _datatype(draw: Any, entry: dict[str, Any], parts: dict[str, bytes]) -> None:
    true = entry["datatype"]  # a column of numbers takes INT64 as well: as many bytes
    entry["datatype"] = draw(DATATYPES.filter(lambda v: v != true and (v != "INT64" or true == "BYTES")))


def _name(draw: Any, entry: dict[str, Any], parts: dict[str, bytes]) -> None:
    true = entry["name"]
    entry["name"] = draw(ANY.filter(lambda v: v != true))


def _data(draw: Any, entry: dict[str, Any], parts: dict[str, bytes]) -> None:
    entry["data"] = draw(ANY)  # beside the bytes: which of them should count?


def _parameters(draw: Any, entry: dict[str, Any], parts: dict[str, bytes]) -> None:
    entry["parameters"] = draw(st.sampled_from([1, "x", [], {"shared_memory_region": "r"}, {}, None]))  # no data at all


def _absent(draw: Any, entry: dict[str, Any], parts: dict[str, bytes]) -> None:
    del entry[draw(st.sampled_from(["name", "shape", "datatype", "parameters"]))]


def _bytes(draw: Any, entry: dict[str, Any], parts: dict[str, bytes]) -> None:
    true = parts[entry["name"]]
    wrong = [true[:-1], true + b"\0", b"", true * 2]
    if entry["datatype"] == "BYTES":
        wrong += [b"\x01\0\0\0\xff" + true[5:], b"\xff\xff\xff\xff" + true[4:], b"\0\0\0\0" + true[4:]]
    parts[entry["name"]] = draw(st.sampled_from(wrong))
    if draw(st.booleans()):
        entry["parameters"]["binary_data_size"] = len(parts[entry["name"]])


FAULTS: list[Fault] = [_size, _shape, _datatype, _name, _data, _parameters, _absent, _bytes]


@st.composite
def faulty_tensors(draw: Any) -> Sent:
    """Return a binary request with a fault in one of its tensors."""
    rows = draw(st.integers(1, 3))
    parts = tensors(rows)
    message = message_of(parts, rows)
    entry = draw(st.sampled_from(message["inputs"]))
    draw(st.sampled_from(FAULTS))(draw, entry, parts)
    head = json.dumps(message).encode()
    return Sent("POST", INFER, head + b"".join(parts.values()), {HEADER: str(len(head))})


@st.composite
def faulty_frames(draw: Any) -> Sent:
    """Return a binary request whose header, message or packing is wrong."""
    parts = tensors(1)
    message: Any = message_of(parts, 1)
    kind = draw(st.sampled_from(["header", "message", "inputs", "outputs", "cut", "packed"]))
    if kind == "message":
        message = draw(ANY.filter(lambda v: not isinstance(v, dict) or "inputs" not in v))
    elif kind == "inputs":
        message["inputs"] = draw(ANY | st.just(message["inputs"][1:]) | st.just(message["inputs"] * 2))
    elif kind == "outputs":
        message["outputs"] = draw(ANY.filter(lambda v: v not in (None, [])))
    head = json.dumps(message).encode()
    content, headers = head + b"".join(parts.values()), {HEADER: str(len(head))}
    if kind == "header":
        wrong = st.integers(-5, len(content) + 60).map(str) | st.sampled_from(
            ["", "1e2", "0x10", "٣", "9" * 40, "+1", "1.0"]
        )
        headers[HEADER] = draw(wrong.filter(lambda v: v != str(len(head))))
    elif kind == "cut":
        content = content[: draw(st.integers(0, len(content) - 1))]
    elif kind == "packed":
        packing = draw(st.sampled_from(["gzip", "deflate", "br", "gzip, gzip", ""]))
        headers["content-encoding"] = packing
        content = content if draw(st.booleans()) else gzip.compress(content)[: draw(st.integers(0, 40))]
    return Sent("POST", INFER, content, headers)


def drawn(strategy: st.SearchStrategy[Sent], count: int) -> list[Sent]:
    """Return so many requests, the same in every run."""
    found: list[Sent] = []

    @settings(max_examples=count, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(strategy)
    def collect(sent: Sent) -> None:
        found.append(sent)

    collect()
    return found


# What the description forbids -----------------------------------------------------------------------------------------


def described(service: Service, count: int) -> list[Sent]:
    """Return requests that the OpenAPI document forbids, spread over all operations that take a body."""
    schemathesis = pytest.importorskip("schemathesis")
    requests = pytest.importorskip("requests")
    operations = [found.ok() for found in schemathesis.openapi.from_dict(describe(service)).get_all_operations()]
    asking = [o for o in operations if o.method == "post"]
    found = []
    for operation in asking:
        strategy = operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)
        for case in drawn(strategy, count // len(asking)):
            prepared = requests.Request(**case.as_transport_kwargs(base_url="http://localhost")).prepare()
            content = prepared.body or b""
            if not content and not operation.body[0].is_required:
                continue  # nothing where nothing is needed is right
            headers = {n.lower(): v if isinstance(v, str) else v.decode("latin-1") for n, v in prepared.headers.items()}
            content = content.encode() if isinstance(content, str) else content
            found.append(Sent(prepared.method, prepared.path_url, content, headers))
    return found


# Sending --------------------------------------------------------------------------------------------------------------


class Here:
    """The application in this process, one request after the other."""

    def __init__(self, service: Service) -> None:
        self.service, self.app, self.loop = service, make_app(service), asyncio.new_event_loop()

    def ask(self, sent: Sent) -> tuple[int, bytes]:
        return self.loop.run_until_complete(self._ask(sent))

    async def _ask(self, sent: Sent) -> tuple[int, bytes]:
        path, _, query = sent.path.partition("?")
        headers = [(n.encode("latin-1", "replace"), v.encode("latin-1", "replace")) for n, v in sent.headers.items()]
        scope = {
            "type": "http", "http_version": "1.1", "method": sent.method, "scheme": "http", "path": path,
            "raw_path": path.encode(), "query_string": query.encode(), "root_path": "", "headers": headers,
        }  # fmt: skip
        told: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": sent.content, "more_body": False}

        async def send(message: Any) -> None:
            told.append(message)

        await self.app(scope, receive, send)
        return told[0]["status"], b"".join(m.get("body", b"") for m in told[1:])


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    found = Here(make_service(tmp_path_factory.mktemp("served")))
    yield found
    found.loop.close()


@pytest.fixture(scope="module")
def binary() -> list[Sent]:
    return drawn(faulty_tensors(), BINARY * 2 // 3) + drawn(faulty_frames(), BINARY // 3)


@pytest.fixture(scope="module")
def forbidden(here: Here) -> list[Sent]:
    return described(here.service, DESCRIBED)


def outcome(here: Here, requests: list[Sent]) -> collections.Counter[int]:
    found: collections.Counter[int] = collections.Counter()
    for sent in requests:
        status, answer = here.ask(sent)
        assert 400 <= status < 500, (status, sent, answer)
        told = json.loads(answer)
        assert told["error"], sent
        assert told["code"] in STATUS or told["code"].startswith("model."), told
        found[status] += 1
    return found


def shown(capsys: pytest.CaptureFixture[str], what: str, statuses: collections.Counter[int]) -> None:
    with capsys.disabled():
        print(f"[{what}: {dict(sorted(statuses.items()))}]", end="")


def test_faults_in_the_binary_extension_are_refused(
    here: Here, binary: list[Sent], capsys: pytest.CaptureFixture[str]
) -> None:
    good = tensors(2)
    head = json.dumps(message_of(good, 2)).encode()
    right = Sent("POST", INFER, head + b"".join(good.values()), {HEADER: str(len(head))})
    assert here.ask(right)[0] == 200  # else anything would be refused
    statuses = outcome(here, binary)
    assert statuses.total() >= 0.95 * BINARY  # the strategies were not exhausted
    shown(capsys, "binary", statuses)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_the_description_forbids_is_refused(
    here: Here, forbidden: list[Sent], capsys: pytest.CaptureFixture[str]
) -> None:
    statuses = outcome(here, forbidden)
    assert statuses.total() >= 0.8 * DESCRIBED
    shown(capsys, "described", statuses)


def test_refused_requests_leave_nothing_behind(here: Here, binary: list[Sent], forbidden: list[Sent]) -> None:
    """What a first pass left behind may stay (caches, counters); a second pass over the same requests adds nothing."""
    requests = binary + forbidden
    outcome(here, requests)
    gc.collect()
    before, threads = len(gc.get_objects()), threading.active_count()
    outcome(here, requests)
    gc.collect()
    assert len(gc.get_objects()) - before < len(requests) / 20
    assert threading.active_count() == threads
    assert here.service.flying == 0
    assert here.ask(Sent("GET", "/v2/health/ready", b""))[0] == 200


@pytest.mark.e2e
def test_a_real_server_refuses_them_alike_and_lives(
    here: Here, binary: list[Sent], forbidden: list[Sent], tmp_path: Path
) -> None:
    some = [s for s in (binary + forbidden)[::OVER_SOCKET] if "".join(s.headers.values()).isascii()]
    (tmp_path / "small.onnx").write_bytes(small_model())
    with serving(tmp_path, str(tmp_path / "small.onnx"), "--log-level", "error") as running:
        process = psutil.Process(running.process.pid)
        sizes = []
        for _ in range(2):
            with closing(http.client.HTTPConnection(running.address, timeout=60)) as connection:
                for sent in some:
                    connection.request(sent.method, sent.path, sent.content, sent.headers)
                    answer = connection.getresponse()
                    content = answer.read()
                    assert (answer.status, content) == here.ask(sent), sent
            sizes.append(process.memory_info().rss)
        assert sizes[1] <= sizes[0] * 1.02
        assert process.num_fds() < 64
        with closing(http.client.HTTPConnection(running.address, timeout=60)) as connection:
            connection.request("POST", INFER, json.dumps(body()))
            assert connection.getresponse().status == 200
        assert running.stop() == 0
        assert "defect" not in running.log.read_text()
