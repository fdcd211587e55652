"""The page as an app that installs from the browser: the first answer for phones, with camera and microphone.

The browser platform makes and proves it. Platforms do not know each other, so it is asked for by name.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from afield.core.proofs import Proof
from afield.core.registry import load
from afield.model.model import Model
from afield.platforms.phone.options import PhoneOptions
from afield.platforms.protocol import Bundle, Probe

FOLDER = "app"


def build_pages(model: Model, **options: Any) -> dict[str, bytes]:
    """Return the files that the browser platform exports, name to content."""
    browser = load("platforms", "browser")
    with tempfile.TemporaryDirectory() as folder:
        bundle = browser.export(model.bytes, Path(folder), browser.options(force=True, **options))
        return {name: (Path(folder) / name).read_bytes() for name in bundle.files}


class App:
    """See ``afield.platforms.phone.piece.Piece``."""

    name = "app"

    def wanted(self, options: PhoneOptions) -> bool:
        """Every bundle has it."""
        del options
        return True

    def build(self, model: Model, options: PhoneOptions) -> Mapping[str, bytes]:
        """Return the page with what installs it."""
        del options
        return {f"{FOLDER}/{name}": content for name, content in build_pages(model, pwa=True).items()}

    def prove(self, bundle: Bundle, model: Model, probe: Probe) -> list[Proof]:
        """Run the rows in the page, in a browser of this machine."""
        del model
        folder = bundle.path / FOLDER
        names = tuple(n.removeprefix(f"{FOLDER}/") for n in bundle.files if n.startswith(f"{FOLDER}/"))
        size = sum((folder / name).stat().st_size for name in names)
        page = Bundle(platform="browser", path=folder, files=names, size_bytes=size)
        proof: Proof = load("platforms", "browser").prove(page, probe)
        return [proof]
