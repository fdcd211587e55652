"""JSON messages with a length before them: the language of a driver and its workers."""

from __future__ import annotations

import json
import struct
from typing import Any

HEADER = struct.Struct("!Q")


def frame(message: dict[str, Any]) -> bytes:
    """Return the bytes of one message.

    Raises
    ------
    TypeError, ValueError
        When ``message`` is not JSON; NaN and infinity are not.
    """
    # ASCII only, so that any str survives, lone surrogates of odd file names included
    body = json.dumps(message, allow_nan=False, separators=(",", ":")).encode("ascii")
    return HEADER.pack(len(body)) + body


class Frames:
    """Cuts a stream of bytes into messages, however it arrives."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, received: bytes) -> list[dict[str, Any]]:
        """Take bytes and return the messages that they complete."""
        self._held += received
        messages, start = [], 0
        while len(self._held) - start >= HEADER.size:
            (length,) = HEADER.unpack_from(self._held, start)
            end = start + HEADER.size + length
            if len(self._held) < end:
                break
            messages.append(json.loads(self._held[start + HEADER.size : end]))
            start = end
        del self._held[:start]
        return messages
