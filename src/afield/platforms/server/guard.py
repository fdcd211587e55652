"""What every request goes through: draining, token, counters, log lines, and refusals as JSON."""

from __future__ import annotations

import hmac
import logging
import time
from typing import Any, final

from afield.core.lazy import need
from afield.platforms.server.failures import Refusal
from afield.platforms.server.logs import tell
from afield.platforms.server.service import Service

orjson: Any = need("orjson", purpose="The server")

HEALTH = ("/v2/health/live", "/v2/health/ready")
_OPEN_WHILE_DRAINING = (*HEALTH, "/metrics")


@final
class Guard:
    """ASGI middleware around the routes."""

    def __init__(self, app: Any, service: Service) -> None:
        self.app, self.service = app, service

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        service, start, status, begun = self.service, time.perf_counter(), 0, False
        service.flying += 1
        service.arrivals += 1

        async def sending(message: Any) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                if service.draining:
                    message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
            await send(message)

        code = ""
        try:
            self._admit(scope)
            await self.app(scope, receive, sending)
        except Refusal as refusal:
            code = refusal.code
            await answer_refusal(refusal, sending)
        except Exception:
            code = "server.defect"
            logging.getLogger("afield.server").exception("defect", extra={"facts": {"path": scope["path"][:200]}})
            if not begun:
                await answer_refusal(Refusal(code, "This is a defect of the server; its log tells more."), sending)
        finally:
            service.flying -= 1
            seconds = time.perf_counter() - start
            route = getattr(scope.get("route"), "path", "none")
            service.metrics.count(route, status, seconds)
            level = logging.DEBUG if status < 400 else logging.INFO if status < 500 else logging.WARNING
            tell(level, "request", method=scope["method"], path=scope["path"][:200], status=status,
                 seconds=round(seconds, 6), **({"code": code} if code else {}))  # fmt: skip

    def _admit(self, scope: Any) -> None:
        """Let the request in, or raise ``server.draining``, ``request.token``."""
        path, service = scope["path"], self.service
        if service.draining and path not in _OPEN_WHILE_DRAINING:
            raise Refusal("server.draining", "The server is on its way out.", fix="Ask again: another will answer.")
        if service.token and path not in HEALTH:
            given = next((v for n, v in scope["headers"] if n == b"authorization"), b"")
            kind, _, token = given.partition(b" ")
            if kind.lower() != b"bearer" or not hmac.compare_digest(token.strip(), service.token):
                raise Refusal("request.token", "A bearer token is needed, and this one is missing or wrong.")


async def answer_refusal(refusal: Refusal, send: Any) -> None:
    """Send the refusal as JSON."""
    body = orjson.dumps(refusal.to_json(), option=orjson.OPT_NON_STR_KEYS)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    if refusal.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if refusal.status == 405:
        headers.append((b"allow", refusal.fields["expected"].encode()))
    if refusal.status == 503:
        headers.append((b"retry-after", b"1"))
    if refusal.status in (408, 413):
        headers.append((b"connection", b"close"))  # what is left of the body is not read
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
