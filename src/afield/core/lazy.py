"""Imports that wait until they are used, and a clear error when an extra is missing."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import Any

from afield.core.errors import MissingDependencyError

#: top-level module -> extra of afield that installs it
EXTRAS = {
    "polars": "polars",
    "pyarrow": "arrow",
    "s3fs": "s3",
    "torch": "neural",
    "playwright": "browser",
} | dict.fromkeys(("starlette", "uvicorn", "orjson", "prometheus_client"), "server")


def need(module: str, *, purpose: str) -> ModuleType:
    """Import ``module`` and return it.

    Raises
    ------
    MissingDependencyError
        ``dependency.missing``, with the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        top = module.partition(".")[0]
        package = f"'afield[{EXTRAS[top]}]'" if top in EXTRAS else top
        raise MissingDependencyError(
            "dependency.missing",
            f"{purpose} needs the package {top}, which is not installed ({error}).",
            fix=f"pip install {package}",
        ) from error


def attribute(path: str) -> Any:
    """Import a module and return what ``package.module:name`` names in it."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


def modules(package: str) -> list[ModuleType]:
    """Import every module directly inside a package, by name, so that they can register themselves."""
    home = importlib.import_module(package)
    found = sorted(m.name for m in pkgutil.iter_modules(home.__path__))
    return [importlib.import_module(f"{package}.{name}") for name in found]
