"""Asks the application in this process, without sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from afield.platforms.server.app import make_app
from afield.platforms.server.repository import Repository
from afield.platforms.server.service import Service
from afield.platforms.server.settings import ServeSettings
from small_models import small_model

ROW = {"length (mm)": 3, "weight": "1,5", "sex": "M", "site": 1.0, "caught": "17.05.2020", "label": None}


def make_service(
    folder: Path, *, token: str = "", models: Mapping[str, bytes] | None = None, **options: Any
) -> Service:
    for name, content in (models or {"small.onnx": small_model()}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    repository = Repository([folder])
    assert repository.load_all() == []
    return Service(ServeSettings(sources=(folder,), **options), repository, token)


def ask(service: Service, method: str, path: str, **options: Any) -> httpx.Response:
    return asks(service, [(method, path, options)])[0]


def asks(service: Service, requests: list[tuple[str, str, dict[str, Any]]]) -> list[httpx.Response]:
    """All at once."""

    async def run() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=make_app(service))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await asyncio.gather(*(client.request(m, p, **o) for m, p, o in requests))

    return asyncio.run(run())


def body(**changes: Any) -> dict[str, Any]:
    """Return a good request of one row; a key of the input's name replaces its entry's fields."""
    values = {"length (mm)": [3.0], "weight": [None], "sex": ["M"], "site": ["1"], "caught": [None], "label_": [""]}
    inputs = []
    for name, data in values.items():
        datatype = "FP64" if name in ("length (mm)", "weight") else "BYTES"
        entry = {"name": name, "shape": [1], "datatype": datatype, "data": data} | changes.get(name, {})
        inputs.append({k: v for k, v in entry.items() if v is not ...})
    return {"inputs": inputs} | {k: v for k, v in changes.items() if k not in values}
