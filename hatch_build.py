"""Puts the wasm runtime of exported pages into the wheel, so that a user needs no Node; the sources never hold it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = Path(__file__).parent / "src"
PLACE = "afield/platforms/browser/wasm"


class RuntimeHook(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the files that ``afield.platforms.browser.runtime`` pins, from its cache or by ``npm pack``."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Include the files; without npm and cache the wheel lacks them and says so."""
        if version == "editable":
            return
        sys.path.insert(0, str(SOURCE))
        try:
            from afield.core.errors import MissingDependencyError
            from afield.platforms.browser.runtime import fetch_runtime
        finally:
            sys.path.remove(str(SOURCE))
        try:
            folder = fetch_runtime()
        except MissingDependencyError as error:
            self.app.display_warning(f"This wheel cannot export pages for browsers. {error}")
            return
        for file in sorted(folder.glob("*.gz")):
            build_data["force_include"][str(file)] = f"{PLACE}/{file.name}"
