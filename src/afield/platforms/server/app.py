"""The routes: the Open Inference Protocol, rows for people, metrics and the description of all of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import afield
from afield.core.errors import AfieldError
from afield.core.lazy import need
from afield.platforms.server import openapi, page, rows
from afield.platforms.server.bodies import read_body
from afield.platforms.server.failures import Refusal
from afield.platforms.server.guard import Guard
from afield.platforms.server.inference import HEADER, read_json
from afield.platforms.server.logs import tell
from afield.platforms.server.served import Served
from afield.platforms.server.service import Service

orjson: Any = need("orjson", purpose="The server")
responses: Any = need("starlette.responses", purpose="The server")
routing: Any = need("starlette.routing", purpose="The server")

EXTENSIONS = ["binary_tensor_data", "model_repository", "model_repository(unload_dependents)"]
JSON, CSV, BINARY = "application/json", "text/csv", "application/octet-stream"
UNTOLD = "application/x-www-form-urlencoded"  # what curl says where it was told nothing: the body tells by itself

Handler = Callable[[Any], Awaitable[Any]]


def make_app(service: Service) -> Any:
    """Return the ASGI application."""
    handlers = Handlers(service)
    routes = []
    for path, (method, handler) in handlers.table().items():
        route = routing.Route(path, _only(method, handler))
        route.methods = None  # a wrong method is refused as JSON, like everything else
        routes.append(route)
    app: Any = routing.Router(routes, redirect_slashes=False, default=_no_route)
    if service.settings.cors:
        cors: Any = need("starlette.middleware.cors", purpose="The server")
        app = cors.CORSMiddleware(
            app,
            allow_origins=list(service.settings.cors),
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type", HEADER],
            expose_headers=[HEADER],
        )
    return Guard(app, service)


async def _no_route(scope: Any, receive: Any, send: Any) -> None:
    raise Refusal("request.not_found", "There is nothing at this address.", expected="see /docs or /openapi.json")


class Handlers:
    """One method a route; all raise ``Refusal``."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def table(self) -> dict[str, tuple[str, Handler]]:
        """Return path to (method, handler); the busiest first."""
        model, version = "/v2/models/{model}", "/v2/models/{model}/versions/{version}"
        get, post = "GET", "POST"
        routes: dict[str, tuple[str, Handler]] = {
            f"{model}/infer": (post, self.infer), f"{version}/infer": (post, self.infer),
            "/predict": (post, self.predict), "/models/{model}/predict": (post, self.predict),
            "/v2/health/live": (get, self.live), "/v2/health/ready": (get, self.ready), "/v2": (get, self.about),
            model: (get, self.metadata), version: (get, self.metadata),
            f"{model}/ready": (get, self.model_ready), f"{version}/ready": (get, self.model_ready),
            "/v2/repository/index": (post, self.index),
            "/v2/repository/models/{model}/load": (post, self.load),
            "/v2/repository/models/{model}/unload": (post, self.unload),
            "/metrics": (get, self.metrics), "/openapi.json": (get, self.description), "/docs": (get, self.docs),
            "/": (get, self.docs),
        }  # fmt: skip
        return routes

    # The protocol -----------------------------------------------------------------------------------------------------

    async def infer(self, request: Any) -> Any:
        """Answer tensors with tensors."""
        served = self._served(request)
        body, length = await self.service.infer(served, await self._body(request), request.headers.get(HEADER))
        if length is None:
            return _json(body)
        return responses.Response(body, media_type=BINARY, headers={"Inference-Header-Content-Length": str(length)})

    async def live(self, request: Any) -> Any:
        """Say that the process lives."""
        return _json(b'{"live":true}')

    async def ready(self, request: Any) -> Any:
        """Say whether requests are taken."""
        if not self.service.ready:
            raise Refusal("server.draining" if self.service.draining else "server.not_ready", "Not ready.")
        return _json(b'{"ready":true}')

    async def about(self, request: Any) -> Any:
        """Name the server and its extensions."""
        return _json({"name": "afield", "version": afield.__version__, "extensions": EXTENSIONS[:2]})

    async def metadata(self, request: Any) -> Any:
        """Tell of a model's inputs and outputs."""
        served = self._served(request)
        return _json(served.metadata(self.service.repository.versions(served.name)))

    async def model_ready(self, request: Any) -> Any:
        """Say that a model is there."""
        served = self._served(request)
        return _json({"name": served.name, "version": served.version, "ready": True})

    async def index(self, request: Any) -> Any:
        """List models and their states."""
        wanted = read_json(await self._body(request) or b"{}").get("ready", False) is True
        repository = self.service.repository
        found = [
            {"name": s.name, "version": s.version, "state": "READY", "reason": ""} for s in repository.served
        ] + [
            {"name": name, "version": "", "state": "UNAVAILABLE", "reason": reason}
            for name, reason in repository.idle.items() if not wanted
        ]  # fmt: skip
        return _json(found)

    async def load(self, request: Any) -> Any:
        """Load a model anew from its files."""
        name = await self._controlled(request)
        try:
            versions = await asyncio.to_thread(self.service.repository.load, name)
        except AfieldError as error:
            raise Refusal("request.form", error.what, where=error.where, got=error.got) from error
        self.service.metrics.models.set(len(self.service.repository.served))
        tell(logging.INFO, "loaded", model=name, versions=list(versions))
        return _json(b"{}")

    async def unload(self, request: Any) -> Any:
        """Serve a model no more."""
        name = await self._controlled(request)
        self.service.repository.unload(name)
        self.service.metrics.models.set(len(self.service.repository.served))
        tell(logging.INFO, "unloaded", model=name)
        return _json(b"{}")

    # For people -------------------------------------------------------------------------------------------------------

    async def predict(self, request: Any) -> Any:
        """Answer rows, JSON or CSV."""
        service = self.service
        served = self._served(request) if "model" in request.path_params else service.repository.only()
        kind = request.headers.get("content-type", UNTOLD).partition(";")[0].strip().lower()
        if kind not in (JSON, CSV, UNTOLD):
            raise Refusal("request.media_type", f"The media type {kind[:60]!r} is not read.", expected=f"{JSON}, {CSV}")
        body = await self._body(request)
        if kind == UNTOLD:
            kind = JSON if body.lstrip()[:1] in (b"{", b"[", b"") else CSV
        if len(body) > 65_536:
            found = await service.in_thread(lambda: rows.read_rows(served, body, as_csv=kind == CSV))
        else:
            found = rows.read_rows(served, body, as_csv=kind == CSV)
        columns = rows.columns_of(served, await service.answers(served, found))
        accepted = request.headers.get("accept", "*/*").lower()
        wanted = CSV if CSV in accepted else JSON if JSON in accepted else kind
        if wanted == CSV:
            return responses.Response(rows.as_csv(columns), media_type=CSV)
        return _json(rows.as_json(columns))

    async def metrics(self, request: Any) -> Any:
        """Give the counters."""
        metrics = self.service.metrics
        metrics.flying.set(self.service.flying)
        metrics.models.set(len(self.service.repository.served))
        body, kind = metrics.text()
        return responses.Response(body, headers={"content-type": kind})

    async def description(self, request: Any) -> Any:
        """Give the OpenAPI document."""
        return _json(openapi.describe(self.service))

    async def docs(self, request: Any) -> Any:
        """Give the page."""
        host = request.headers.get("host", "localhost")
        return responses.HTMLResponse(
            page.render(openapi.describe(self.service), f"http://{host}"), headers=page.HEADERS
        )

    # Shared -----------------------------------------------------------------------------------------------------------

    def _served(self, request: Any) -> Served:
        given = request.path_params
        return self.service.repository.get(given["model"], given.get("version"))

    async def _body(self, request: Any) -> bytes:
        settings = self.service.settings
        return await read_body(request, max_bytes=settings.max_bytes, timeout_s=settings.timeout_s)

    async def _controlled(self, request: Any) -> str:
        """Return the model's name, where the asker may exchange models; raises ``request.forbidden``."""
        settings = self.service.settings
        if settings.workers > 1:
            raise Refusal("request.forbidden", "With several workers models are exchanged by SIGHUP.")
        if not self.service.token and not settings.is_loopback:
            raise Refusal("request.forbidden", "Without a token models are exchanged from this machine alone.",
                          fix="Start with --token-file, or send SIGHUP.")  # fmt: skip
        if "origin" in request.headers and request.headers["origin"] not in settings.cors:
            raise Refusal("request.forbidden", "A web page may not exchange models.")
        await self._body(request)  # its content does not matter
        return str(request.path_params["model"])


def _only(method: str, handler: Handler) -> Handler:
    async def run(request: Any) -> Any:
        if request.method != method and (method, request.method) != ("GET", "HEAD"):
            raise Refusal("request.method", f"The method {request.method[:20]!r} is not known here.", expected=method)
        return await handler(request)

    return run


def _json(content: Any) -> Any:
    return responses.Response(content if isinstance(content, bytes) else orjson.dumps(content), media_type=JSON)
