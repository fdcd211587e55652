"""The description of the interface in OpenAPI 3.1, made from the models that are served."""

from __future__ import annotations

import math
from typing import Any

import afield
from afield.model.selftest import stored_feed
from afield.platforms.server.served import Served
from afield.platforms.server.service import Service
from afield.platforms.server.tensors import NUMBERS
from afield.problem.schema import MEDIA_KINDS

_ERROR = {"$ref": "#/components/schemas/Error"}
_NUMBER = {"type": ["number", "null"]}
_TEXT = {"type": ["string", "null"]}


def describe(service: Service) -> dict[str, Any]:
    """Return the OpenAPI document."""
    paths: dict[str, Any] = {
        "/v2": _get("About the server", "Server"),
        "/v2/health/live": _get("Whether the process lives", "Server", open_to_all=True),
        "/v2/health/ready": _get("Whether requests are taken", "Server", open_to_all=True, also=("503",)),
        "/metrics": _get("Counters for Prometheus", "Server", kind="text/plain"),
        "/v2/repository/index": _post("Models and their states", "Models", {"type": "object"}, needed=False),
    }
    schemas: dict[str, Any] = {"Error": _error(), "Tensor": _tensor(), "Answer": _answer()}
    latest = {s.name: s for s in service.repository.served}
    for at, served in enumerate(latest.values()):
        row, request = f"Row{at}", f"Request{at}"
        schemas[row], schemas[request] = _row(served), _request(served)
        path = f"/v2/models/{_escaped(served.name)}"
        paths[path] = _get(f"Inputs and outputs of {served.name}", served.name)
        paths[f"{path}/ready"] = _get(f"Whether {served.name} is ready", served.name)
        paths[f"{path}/infer"] = _post(
            f"Answers of {served.name}, tensors", served.name, {"$ref": f"#/components/schemas/{request}"},
            answer={"$ref": "#/components/schemas/Answer"},
        )  # fmt: skip
        rows = {"type": "array", "minItems": 1, "items": {"$ref": f"#/components/schemas/{row}"}}
        paths[f"/models/{_escaped(served.name)}/predict"] = _post(
            f"Answers of {served.name}, rows",
            served.name,
            rows,
            csv=True,
            answer={"type": "array", "items": {"type": "object"}},
        )
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "afield",
            "version": afield.__version__,
            "description": "Models by the Open Inference Protocol (v2) with binary tensors, and rows as JSON or CSV.",
        },
        "paths": paths,
        "components": {"schemas": schemas},
    }
    if service.token:
        document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"token": []}]
    return document


def _escaped(name: str) -> str:
    from urllib.parse import quote

    return quote(name, safe="")


def _responses(kinds: dict[str, Any], also: tuple[str, ...]) -> dict[str, Any]:
    told = {"200": {"description": "Done", "content": kinds}}
    for status in also:
        told[status] = {"description": "Refused", "content": {"application/json": {"schema": _ERROR}}}
    return told


def _get(
    summary: str, tag: str, *, kind: str = "application/json", open_to_all: bool = False, also: tuple[str, ...] = ()
) -> dict[str, Any]:
    statuses = (*also, *(() if open_to_all else ("401", "404", "503")))
    entry: dict[str, Any] = {"summary": summary, "tags": [tag], "responses": _responses({kind: {}}, statuses)}
    if open_to_all:
        entry["security"] = []
    return {"get": entry}


def _post(
    summary: str, tag: str, schema: dict[str, Any], *, csv: bool = False, answer: dict[str, Any] | None = None,
    needed: bool = True,
) -> dict[str, Any]:  # fmt: skip
    content: dict[str, Any] = {"application/json": {"schema": schema}}
    kinds: dict[str, Any] = {"application/json": {"schema": answer or {}}}
    if csv:
        content["text/csv"] = {"schema": {"type": "string"}}
        kinds["text/csv"] = {"schema": {"type": "string"}}
    statuses = ("400", "401", "403", "404", "408", "413", "415", "422", "503", "504")
    return {
        "post": {
            "summary": summary,
            "tags": [tag],
            "requestBody": {"required": needed, "content": content},
            "responses": _responses(kinds, statuses),
        }
    }


def _row(served: Served) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for spec in served.schema.columns:
        told: dict[str, Any] = {"type": ["string", "number", "boolean", "null"]}
        if spec.kind == "number":
            told["description"] = f"A number{f' in {spec.unit}' if spec.unit else ''}, or its text; null: missing."
            if spec.low is not None and spec.high is not None:
                told["description"] += f" Training had {spec.low:g} to {spec.high:g}."
        elif spec.levels:
            told["description"] = "Training had " + ", ".join(repr(v) for v in spec.levels[:10]) + "."
        else:
            told["description"] = f"{spec.kind}; null: missing."
        properties[spec.name] = told
    found: dict[str, Any] = {"type": "object", "properties": properties, "required": list(properties)}
    return found | ({"example": example} if (example := _example(served)) else {})


def _example(served: Served) -> dict[str, Any]:
    """Return a row of the samples inside the file, which are made up; empty where there is none, or a picture in it."""
    columns = served.schema.columns
    if not served.model.selftest.rows or any(c.kind in MEDIA_KINDS for c in columns):
        return {}
    feed = stored_feed(served.model.selftest, served.schema)
    known = [not any(v[at] != v[at] or v[at] == "" for v in feed.values()) for at in range(served.model.selftest.rows)]
    at = known.index(True) if True in known else 0
    values = {c.name: feed[c.input_name][at] for c in columns}
    return {name: _short(value) for name, value in values.items()}


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return value or None
    return float(f"{value:.4g}") if math.isfinite(value) else None


def _request(served: Served) -> dict[str, Any]:
    tensors = [
        {
            "type": "object",
            "required": ["name", "shape", "datatype", "data"],
            "properties": {
                "name": {"const": i.name},
                "shape": {"type": "array", "items": {"type": "integer", "minimum": 1}},
                "datatype": {"enum": ["BYTES"] if i.datatype == "BYTES" else list(NUMBERS)},
                "data": {"type": "array", "items": _TEXT if i.datatype == "BYTES" else _NUMBER},
            },
        }
        for i in served.inputs
    ]
    count = len(tensors)
    return {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "id": {"type": "string"},
            "inputs": {"type": "array", "minItems": count, "maxItems": count, "prefixItems": tensors},
        },
    }


def _tensor() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["name", "shape", "datatype"],
        "properties": {
            "name": {"type": "string"},
            "shape": {"type": "array", "items": {"type": "integer"}},
            "datatype": {"enum": [*NUMBERS, "BYTES"]},
            "data": {"type": "array"},
        },
    }


def _answer() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["model_name", "model_version", "outputs"],
        "properties": {
            "model_name": {"type": "string"},
            "model_version": {"type": "string"},
            "id": {"type": "string"},
            "outputs": {"type": "array", "items": {"$ref": "#/components/schemas/Tensor"}},
        },
    }


def _error() -> dict[str, Any]:
    facts = {name: {"type": "string"} for name in ("error", "code", "where", "got", "expected", "fix")}
    return {"type": "object", "required": ["error", "code"], "properties": facts}
