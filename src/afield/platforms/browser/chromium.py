"""Drives Chromium by Playwright: opens the exported page and runs rows inside it."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from afield.platforms.browser.passing import from_json, to_json
from afield.platforms.protocol import Probe

if TYPE_CHECKING:
    from playwright.sync_api import Page

PAGE = Path(__file__).parent / "page"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ("--no-sandbox", "--disable-dev-shm-usage") if hasattr(os, "geteuid") and os.geteuid() == 0 else ()
TIME_LIMIT_MS = 120_000

TOGETHER, ALONE, MODULE = "all rows at once", "one row at a time", "the module"
_LIMITED = "new Promise((_, fail) => setTimeout(() => fail(new Error(`nothing after ${ms} ms`)), ms))"
READY = f"ms => Promise.race([afield.ready, {_LIMITED}])"
OPEN_MODULE = (
    "async ms => { const module = await import('/index.js');"
    f" globalThis.afield = await Promise.race([module.open(), {_LIMITED}]) }}"
)

Answers = dict[str, NDArray[Any]]


def find_browser() -> str | None:
    """Return the program of a Chromium on this machine."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def run_page(browser: str, folder: Path, probe: Probe) -> tuple[str, dict[str, Answers], str]:
    """Return (what ran, answers by way of running, why it failed)."""
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as playwright:
        try:
            opened = playwright.chromium.launch(executable_path=browser, args=list(ARGUMENTS))
        except Error as error:
            return "Chromium", {}, f"Chromium does not start: {error.message.splitlines()[0]}"
        version = f"Chromium {opened.version}"
        try:
            page = opened.new_page()
            page.goto((folder / "index.html").resolve().as_uri())
            page.evaluate(READY, TIME_LIMIT_MS)
            runs = {TOGETHER: run_rows(page, probe.feed)}
            rows = [{n: v[row : row + 1] for n, v in probe.feed.items()} for row in range(probe.samples)]
            singly = [run_rows(page, row) for row in rows]
            if singly:
                runs[ALONE] = {name: np.concatenate([answers[name] for answers in singly]) for name in singly[0]}
            if (folder / "module").is_dir():
                with served(folder / "module") as url:
                    page = opened.new_page()
                    page.goto(f"{url}/package.json")
                    page.evaluate(OPEN_MODULE, TIME_LIMIT_MS)
                    runs[MODULE] = run_rows(page, probe.feed)
        except Error as error:
            return version, {}, error.message.splitlines()[0]
        finally:
            opened.close()
    return version, runs, ""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on loopback while the block runs; gives its address. Modules load from no ``file://``."""

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given, directory=str(folder))

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    Handler.extensions_map = {**Handler.extensions_map, ".js": "text/javascript", ".mjs": "text/javascript"}
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def run_rows(page: Page, feed: Mapping[str, NDArray[Any]]) -> Answers:
    """Return the outputs of the graph inside an opened page."""
    script = (PAGE / "proving.js").read_text(encoding="utf-8")
    found = page.evaluate(script, {name: to_json(values) for name, values in feed.items()})
    return {name: from_json(tensor) for name, tensor in found.items()}
