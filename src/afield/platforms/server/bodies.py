"""The body of a request, within its limits: bytes, unpacked bytes, and time."""

from __future__ import annotations

import asyncio
import zlib
from typing import Any

from afield.platforms.server.failures import Refusal

#: Content-Encoding -> window bits of zlib
ENCODINGS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


async def read_body(request: Any, *, max_bytes: int, timeout_s: float) -> bytes:
    """Return the body, unpacked where it was packed.

    Raises
    ------
    Refusal
        ``request.too_large``, ``request.slow``, ``request.broken_off``, ``request.media_type``, ``request.form``.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", *ENCODINGS):
        raise Refusal(
            "request.media_type", f"The encoding {encoding[:20]!r} is not known.", expected=", ".join(ENCODINGS)
        )
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > max_bytes:
        raise _too_large(max_bytes)
    parts, size = [], 0
    try:
        async with asyncio.timeout(timeout_s):
            more = True
            while more:
                message = await request.receive()
                if message["type"] == "http.disconnect":
                    raise Refusal("request.broken_off", "The client left before its body was there.")
                parts.append(message.get("body", b""))
                size, more = size + len(parts[-1]), message.get("more_body", False)
                if size > max_bytes:
                    raise _too_large(max_bytes)
    except TimeoutError as error:
        raise Refusal("request.slow", f"The body did not arrive within {timeout_s:g} s.") from error
    body = parts[0] if len(parts) == 1 else b"".join(parts)
    return body if encoding == "identity" else _unpack(body, ENCODINGS[encoding], max_bytes)


def _unpack(body: bytes, window: int, max_bytes: int) -> bytes:
    engine = zlib.decompressobj(window)
    try:
        found = engine.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise Refusal("request.form", f"The body cannot be unpacked: {error}.") from error
    if len(found) > max_bytes:
        raise _too_large(max_bytes)
    if not engine.eof or engine.unused_data:
        raise Refusal("request.form", "The packed body ends too early, or goes on after its end.")
    return found


def _too_large(max_bytes: int) -> Refusal:
    return Refusal("request.too_large", f"The body is larger than {max_bytes} bytes.", fix="Send fewer rows at once.")
