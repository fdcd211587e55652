"""The browser platform: a page, an app or a module around one model file, proven in Chromium."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from afield.core.findings import Finding
from afield.core.proofs import Proof
from afield.platforms.browser.app_files import build_app
from afield.platforms.browser.module_files import build_module
from afield.platforms.browser.runtime import find_runtime
from afield.platforms.browser.single import build_page, read_page
from afield.platforms.checking import check_operators, load_checked
from afield.platforms.protocol import Bundle, ExportOptions, Probe
from afield.platforms.writing import write_bundle


@dataclass(frozen=True, kw_only=True)
class BrowserOptions(ExportOptions):
    """What the page is to be beside one file.

    Parameters
    ----------
    pwa : bool
        Add what a browser needs to install the page as an app that works offline.
    module : bool
        Add an ES module with TypeScript types for a developer's own page.
    """

    pwa: bool = field(default=False, metadata={"help": "Add what installs the page as an app that works offline."})
    module: bool = field(default=False, metadata={"help": "Add an ES module with types for a page of your own."})


class BrowserPlatform:
    """Runs models by onnxruntime's wasm build. See ``afield.platforms.protocol.Platform``."""

    name = "browser"
    summary = "one page that works by double-click and offline; also as an app (--pwa) or an ES module (--module)"
    options = BrowserOptions

    def check(self, model: bytes, device: str = "") -> list[Finding]:
        """Return a finding for each operator that the wasm build is not known to run alike."""
        del device  # any browser of the last years will do
        return check_operators(model)

    def export(self, model: bytes, dest: Path, options: BrowserOptions | None = None) -> Bundle:
        """Write ``index.html``, and what the options ask for, into the folder ``dest``.

        Raises
        ------
        UnsupportedError
            ``graph.operator``.
        MissingDependencyError
            ``dependency.missing``: the wasm runtime is not on this machine.
        OutputError
            ``output.exists``, ``output.unwritable``, ``output.disk_full``.
        ModelFileError
            ``model.damaged``, ``model.foreign``, ``model.version``.
        """
        options = options or BrowserOptions()
        loaded = load_checked(model, "browsers")
        runtime = find_runtime()
        files = build_app(loaded, runtime) if options.pwa else {"index.html": build_page(loaded, runtime)}
        if options.module:
            files |= {f"module/{name}": content for name, content in build_module(loaded, runtime).items()}
        return write_bundle(self.name, dest, files, force=options.force)

    def prove(self, bundle: Bundle, probe: Probe | None = None) -> Proof:
        """Open the page in Chromium, run the probe's rows inside it, and hold the answers to those they should be."""
        from afield.platforms.browser.proving import prove_page

        return prove_page(bundle, read_page(bundle.path / "index.html"), probe)


platform = BrowserPlatform()
