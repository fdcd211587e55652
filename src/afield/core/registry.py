"""Finds parts, engines and platforms by name, built in or from anyone's package.

They register through entry points (``afield.parts``, ``afield.engines``, ``afield.platforms``). A part's manifest is
a TOML file beside its module with the same stem, so listing reads manifests and imports nothing.
"""

from __future__ import annotations

import importlib.util
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points
from pathlib import Path
from typing import Any

from afield.core.errors import DataError, UnsupportedError, did_you_mean

NEEDED = {"name", "type", "version", "summary", "inputs", "output", "licence", "source"}
FIELDS = NEEDED | {"uses_target", "cost", "requires"}


@dataclass(frozen=True)
class Entry:
    """A registered part: its manifest, and where its object is."""

    name: str
    manifest: dict[str, Any]
    point: EntryPoint


@cache
def _points(group: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in sorted(entry_points(group=group), key=lambda p: p.name)}


def manifest_path(point: EntryPoint) -> Path:
    """Return the path of the manifest beside the part's module, importing nothing."""
    top, *rest = point.module.split(".")
    spec = importlib.util.find_spec(top)  # a top-level name: finds without importing
    if spec is None or not spec.origin:
        raise DataError("parts.manifest", f"The package {top} of part {point.name!r} is not there.", where=point.value)
    root = Path(spec.origin)
    return root.parent.joinpath(*rest).with_suffix(".toml") if rest else root.with_suffix(".toml")


def read_manifest(point: EntryPoint) -> dict[str, Any]:
    """Read and check a part's manifest.

    Raises
    ------
    DataError
        ``parts.manifest``.
    """
    path = manifest_path(point)
    try:
        manifest = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise DataError("parts.manifest", f"The manifest of part {point.name!r} cannot be read: {error}") from error
    lacking, unknown = NEEDED - manifest.keys(), manifest.keys() - FIELDS
    if lacking or unknown or manifest["name"] != point.name or manifest["type"] not in ("encoder", "learner"):
        raise DataError(
            "parts.manifest",
            f"The manifest of part {point.name!r} is wrong.",
            where=str(path),
            got=f"lacking {sorted(lacking)}, unknown {sorted(unknown)}, name {manifest.get('name')!r}",
            expected=f"the keys {sorted(NEEDED)}, and the entry point's name",
        )
    return manifest


@cache
def list_parts() -> tuple[Entry, ...]:
    """Return all registered parts by name."""
    return tuple(Entry(n, read_manifest(p), p) for n, p in _points("afield.parts").items())


def find_part(name: str) -> Entry | None:
    """Return a registered part, or None; reads no other part's manifest."""
    point = _points("afield.parts").get(name)
    return None if point is None else _entry(point)


@cache
def _entry(point: EntryPoint) -> Entry:
    return Entry(point.name, read_manifest(point), point)


def lacking(entry: Entry) -> tuple[str, ...]:
    """Return which of the packages that a part requires are not installed, importing nothing.

    A part that lacks one can be listed and read, not fitted.
    """
    return tuple(name for name in entry.manifest.get("requires", ()) if not _installed(name))


def is_ready(part: str) -> bool:
    """Return whether all packages that a registered part requires are installed."""
    entry = find_part(part)
    return entry is not None and not lacking(entry)


@cache
def _installed(package: str) -> bool:
    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True


def names(group: str) -> list[str]:
    """Return what is registered in "parts", "engines" or "platforms", importing nothing."""
    return list(_points(f"afield.{group}"))


@cache
def load(group: str, name: str) -> Any:
    """Import and return a registered object; ``group`` is "parts", "engines" or "platforms".

    Raises
    ------
    UnsupportedError
        ``parts.unknown``.
    """
    points = _points(f"afield.{group}")
    if name not in points:
        raise UnsupportedError(
            "parts.unknown", f"No part called {name!r} in {group}.", fix=did_you_mean(name, list(points))
        )
    return points[name].load()
