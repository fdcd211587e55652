"""One JSON object a line on stderr: time, level, event, and the facts of the event."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import Any

from afield.core.lazy import need

orjson: Any = need("orjson", purpose="The server")

NAME = "afield.server"
logger = logging.getLogger(NAME)


class Lines(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        facts: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            facts["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(facts, default=str).decode()


def start_logging(level: str) -> None:
    """Send what the server and uvicorn have to say to stderr, from ``level`` on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines())
    for name, floor in ((NAME, level), ("uvicorn.error", "warning")):
        target = logging.getLogger(name)
        target.handlers, target.propagate = [handler], False
        target.setLevel(max(logging.getLevelName(level.upper()), logging.getLevelName(floor.upper())))


def tell(level: int, event: str, **facts: Any) -> None:
    """Write one line."""
    if logger.isEnabledFor(level):
        logger.log(level, event, extra={"facts": facts})
