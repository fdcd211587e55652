"""Models answer over HTTP until the server is told to stop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from afield.core.lazy import need


def serve(sources: list[Path], **options: Any) -> None:
    """Serve model files and folders of them.

    Parameters
    ----------
    sources : list of Path
    **options
        Fields of ``afield.platforms.server.settings.ServeSettings``.

    Raises
    ------
    MissingDependencyError
        ``dependency.missing``.
    ProblemError
        ``problem.option``.
    ModelFileError
        A file cannot be served.
    """
    from afield.platforms.server.settings import ServeSettings

    settings = ServeSettings(sources=tuple(sources), **options)
    for package in ("starlette", "uvicorn", "httptools", "orjson", "prometheus_client"):
        need(package, purpose="The server")
    if settings.workers > 1:
        from afield.platforms.server.workers import supervise

        supervise(settings)
        return
    from afield.platforms.server.running import run

    run(settings)
