"""What the server counts, in the text form that Prometheus reads."""

from __future__ import annotations

import os
from typing import Any, final

from afield.core.lazy import need

client: Any = need("prometheus_client", purpose="The server")

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 256, 1024, 4096)


@final
class Metrics:
    """Counters of one process; several workers share theirs through PROMETHEUS_MULTIPROC_DIR."""

    def __init__(self) -> None:
        self.registry = registry = client.CollectorRegistry()
        self.requests = client.Counter("afield_requests", "Requests answered.", ["route", "status"], registry=registry)
        self.seconds = client.Histogram(
            "afield_request_seconds", "From headers to answer.", ["route"], buckets=_SECONDS, registry=registry
        )
        self.rows = client.Counter("afield_rows", "Rows answered.", ["model", "version"], registry=registry)
        self.batches = client.Histogram(
            "afield_batch_rows", "Rows that went through a graph at once.", ["model"], buckets=_ROWS, registry=registry
        )
        self.flying = client.Gauge(
            "afield_requests_in_flight", "Requests being answered.", registry=registry, multiprocess_mode="livesum"
        )
        self.models = client.Gauge(
            "afield_models", "Versions of models served.", registry=registry, multiprocess_mode="max"
        )
        self._bound: dict[tuple[str, str], Any] = {}
        self._timers: dict[str, Any] = {}

    def count(self, route: str, status: int, seconds: float) -> None:
        """Take down one answered request."""
        key = (route, str(status))
        if key not in self._bound:
            self._bound[key] = self.requests.labels(*key)
            self._timers[route] = self.seconds.labels(route)
        self._bound[key].inc()
        self._timers[route].observe(seconds)

    def text(self) -> tuple[bytes, str]:
        """Return (body, content type)."""
        registry = self.registry
        if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            registry = client.CollectorRegistry()
            need("prometheus_client.multiprocess", purpose="The server")
            client.multiprocess.MultiProcessCollector(registry)
        return client.generate_latest(registry), client.CONTENT_TYPE_LATEST
