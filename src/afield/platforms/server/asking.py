"""Asks a server as a client would, in JSON or binary tensors: the other half of the proof."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.platforms.server.tensors import NUMBERS, to_binary, to_json

_NAMES = {"f8": "FP64", "f4": "FP32", "u1": "UINT8"}
_WORDS = {None: np.nan, "Infinity": np.inf, "-Infinity": -np.inf}


def ask(
    connection: http.client.HTTPConnection, model: str, feed: Mapping[str, NDArray[Any]], *, binary: bool
) -> dict[str, NDArray[Any]]:
    """Return the answers to a feed.

    Raises
    ------
    OSError
        The server refused, or broke off.
    """
    inputs: list[dict[str, Any]] = []
    tails: list[bytes] = []
    for name, values in feed.items():
        datatype = _NAMES.get(values.dtype.str[1:], "BYTES")
        entry: dict[str, Any] = {"name": name, "shape": list(values.shape), "datatype": datatype}
        if binary:
            tails.append(to_binary(values))
            entry["parameters"] = {"binary_data_size": len(tails[-1])}
        else:
            entry["data"] = to_json(values)
        inputs.append(entry)
    head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": binary}}).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))} if binary else {}
    connection.request("POST", f"/v2/models/{model}/infer", b"".join((head, *tails)), headers)
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise OSError(f"HTTP {response.status}: {body[:300].decode(errors='replace')}")
    return _answers(body, response.getheader("Inference-Header-Content-Length"))


def _answers(body: bytes, length: str | None) -> dict[str, NDArray[Any]]:
    at = int(length) if length else len(body)
    found: dict[str, NDArray[Any]] = {}
    for entry in json.loads(body[:at])["outputs"]:
        size = entry.get("parameters", {}).get("binary_data_size")
        texts = entry["datatype"] == "BYTES"
        if size is None:
            data = (
                entry["data"] if texts else [_WORDS.get(v, v) if not isinstance(v, float) else v for v in entry["data"]]
            )
            values = np.array(data, dtype=object if texts else NUMBERS[entry["datatype"]])
        else:
            part = body[at : at + size]
            values = _texts(part) if texts else np.frombuffer(part, dtype=NUMBERS[entry["datatype"]])
            at += size
        found[entry["name"]] = values.reshape(entry["shape"])
    return found


def _texts(part: bytes) -> NDArray[Any]:
    texts, at = [], 0
    while at < len(part):
        length = int.from_bytes(part[at : at + 4], "little")
        texts.append(part[at + 4 : at + 4 + length].decode())
        at += 4 + length
    return np.array(texts, dtype=object)
