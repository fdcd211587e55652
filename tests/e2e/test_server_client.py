"""The protocol's own client, tritonclient, talks to the server unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from afield.api.proving import make_probe
from afield.model.model import Model
from e2e.servers import Running, serving
from small_models import small_model

http = pytest.importorskip("tritonclient.http")
pytest.importorskip("uvicorn")
pytestmark = [pytest.mark.e2e, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

MODEL = Model(small_model())
PROBE = make_probe(MODEL.bytes)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("served")
    (folder / "small.onnx").write_bytes(MODEL.bytes)
    with serving(folder, str(folder / "small.onnx")) as running:
        yield running


@pytest.fixture
def client(server: Running) -> Iterator[Any]:
    with http.InferenceServerClient(server.address) as found:
        yield found


def close(found: Any, wanted: Any) -> bool:
    return found.shape == wanted.shape and np.allclose(found, wanted, rtol=0, atol=1e-6, equal_nan=True)


def inputs(rows: slice, *, binary: bool) -> list[Any]:
    found = []
    for name, values in PROBE.feed.items():
        part = values[rows]
        numbers = part.dtype.kind == "f"
        entry = http.InferInput(name, [len(part)], "FP64" if numbers else "BYTES")
        entry.set_data_from_numpy(part.astype(np.float64) if numbers else part, binary_data=binary)
        found.append(entry)
    return found


def test_health_and_metadata(client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("small")
    assert client.is_model_ready("small", "1")
    assert not client.is_model_ready("large")
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    told = client.get_model_metadata("small")
    assert [i["name"] for i in told["inputs"]] == list(PROBE.feed)
    assert [(o["name"], o["datatype"], o["shape"]) for o in told["outputs"]] == [
        ("label", "BYTES", [-1]), ("probabilities", "FP32", [-1, 3])
    ]  # fmt: skip
    assert client.get_model_repository_index() == [{"name": "small", "version": "1", "state": "READY", "reason": ""}]


@pytest.mark.parametrize("asked", [True, False], ids=["binary out", "JSON out"])
@pytest.mark.parametrize("packed", [None, "gzip", "deflate"])
def test_binary_inference_equals_python(client: Any, asked: bool, packed: str | None) -> None:
    outputs = [http.InferRequestedOutput(n, binary_data=asked) for n in PROBE.answers]
    answer = client.infer(
        "small", inputs(slice(None), binary=True), outputs=outputs, request_compression_algorithm=packed, request_id="7"
    )
    assert answer.get_response()["id"] == "7"
    assert close(answer.as_numpy("probabilities"), PROBE.answers["probabilities"])
    labels = [v.decode() if isinstance(v, bytes) else v for v in answer.as_numpy("label")]
    assert labels == PROBE.answers["label"].tolist()


def test_json_inference_equals_python(client: Any) -> None:
    numbers_of = [v.astype(float) for v in PROBE.feed.values() if v.dtype.kind == "f"]
    whole = np.flatnonzero(np.isfinite(numbers_of).all(axis=0))  # what this client can write as JSON
    found = []
    for name, values in PROBE.feed.items():
        numbers = values.dtype.kind == "f"
        entry = http.InferInput(name, [len(whole)], "FP64" if numbers else "BYTES")
        entry.set_data_from_numpy(values[whole], binary_data=False)
        found.append(entry)
    answer = client.infer("small", found, model_version="1")
    assert close(answer.as_numpy("probabilities"), PROBE.answers["probabilities"][whole])


def test_what_is_wrong_is_told_to_the_client(client: Any) -> None:
    with pytest.raises(http.InferenceServerException, match="lacks the inputs 'weight'"):
        client.infer("small", [i for i in inputs(slice(1), binary=True) if i.name() != "weight"])
    with pytest.raises(http.InferenceServerException, match="no model 'large'"):
        client.get_model_metadata("large")


def test_models_are_exchanged(server: Running, client: Any) -> None:
    client.unload_model("small")
    assert not client.is_model_ready("small")
    assert client.get_model_repository_index()[0]["state"] == "UNAVAILABLE"
    client.load_model("small")
    assert client.is_model_ready("small")
