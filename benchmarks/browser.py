"""Exported pages in Chromium: bytes, time from opening to ready, and rows of a CSV answered in the Worker.

The page is opened from the disk, each time in a browser that was just started. Times are those of the page's own clock,
from the start of the navigation, or from the choice of the file, until the answer is there; beside them the processor
seconds of the whole browser, which a busy machine changes little.

    python benchmarks/browser.py                      # a table, a text, a picture and a sound model of the tests
    python benchmarks/browser.py shellfish.onnx
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import math
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from machine import RESULTS, ROOT
from playwright.sync_api import Browser, sync_playwright

from afield.core.files import write_atomic
from afield.model.model import Model
from afield.model.samples import synthesise
from afield.platforms.browser.chromium import ARGUMENTS, find_browser
from afield.platforms.browser.platform import platform
from afield.platforms.browser.runtime import fetch_runtime, pin

DEFAULTS = [ROOT / "tests" / "models" / f"{n}.onnx" for n in
            ("format-1-regression", "format-1-classes", "format-2-image", "format-2-sound")]  # fmt: skip
PAGE_BYTES, MODEL_FACTOR, READY_S, ANSWERED_S = 6_300_000, 1.35, 3.0, 2.0
LIMIT_MS = 300_000

#: Answers a file and gives (seconds, the longest time in ms that the page itself stood still).
ANSWER = """async () => {
  const pause = (ms) => new Promise((next) => setTimeout(next, ms));
  let [longest, last] = [0, performance.now()];
  const beat = setInterval(() => {
    const now = performance.now();
    [longest, last] = [Math.max(longest, now - last), now];
  }, 10);
  const chosen = { capture: true, once: true };
  const file = document.getElementById("batch-file");
  const start = await new Promise((told) => file.addEventListener("change", () => told(performance.now()), chosen));
  while (!document.querySelector("#batch-result a, #batch-result .wrong")) await pause(5);
  clearInterval(beat);
  return [(performance.now() - start) / 1000, longest];
}"""


def write_csv(path: Path, model: Model, rows: int) -> None:
    """Write made-up rows as a spreadsheet would."""
    feed = synthesise(model.schema, rows, seed=2)
    columns = {c.name: feed[c.input_name].tolist() for c in model.schema.columns}
    cells = [["" if isinstance(v, float) and math.isnan(v) else v for v in values] for values in columns.values()]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([list(columns), *zip(*cells, strict=True)])


def measure(start: Any, path: Path, folder: Path, counts: list[int], tries: int) -> dict[str, Any]:
    model = Model.load(path)
    platform.export(model.bytes, folder)
    size, allowed = (folder / "index.html").stat().st_size, PAGE_BYTES + MODEL_FACTOR * len(gzip.compress(model.bytes))
    found: dict[str, Any] = {"model_bytes": len(model.bytes), "page_bytes": size, "allowed_bytes": round(allowed)}
    times, used = [], []
    for _ in range(tries):
        browser = start()
        before = cpu_s()
        page = opened(browser, folder)
        times.append(page.evaluate("afield.ready.then(() => performance.now())") / 1000)
        used.append(cpu_s() - before)
        browser.close()
    found["ready_s"], found["ready_cpu_s"] = round(median(times), 2), round(median(used), 2)
    if any(c.kind in ("image", "audio") for c in model.schema.columns):
        return found
    browser = start()
    page = opened(browser, folder)
    page.evaluate("afield.ready")
    page.click("text=Many rows")
    for rows in counts:
        write_csv(folder / f"{rows}.csv", model, rows)  # a name of its own: a file chosen again changes nothing
        page.evaluate("document.getElementById('batch-result').replaceChildren()")
        told = page.evaluate_handle(f"({{ answered: ({ANSWER})() }})")
        before = cpu_s()
        page.set_input_files("#batch-file", folder / f"{rows}.csv")
        seconds, still_ms = told.evaluate("told => told.answered")
        assert page.is_visible("#batch-result a"), page.inner_text("#batch-result")
        found[f"{rows}_rows_cpu_s"] = round(cpu_s() - before, 2)
        found[f"{rows}_rows_s"], found[f"{rows}_rows_page_stood_ms"] = round(seconds, 2), round(still_ms)
    browser.close()
    return found


def cpu_s() -> float:
    """Return the processor seconds of all programs that this one started: on a busy machine they tell more."""
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            total += sum(process.cpu_times()[:2])
    return total


def opened(browser: Browser, folder: Path) -> Any:
    page = browser.new_page()
    page.set_default_timeout(LIMIT_MS)
    page.goto((folder / "index.html").as_uri())
    return page


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", type=Path, default=DEFAULTS)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 100_000])
    parser.add_argument("--tries", type=int, default=3, help="the median of so many openings")
    parser.add_argument("--out", type=Path, default=RESULTS / "browser.json")
    given = parser.parse_args()
    fetch_runtime()
    program = find_browser() or sys.exit("Chromium is not installed: Debian: apt install chromium")
    cells = {}
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as temporary:

        def start() -> Browser:
            return playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS), timeout=LIMIT_MS)

        browser = start()
        version = browser.version
        browser.close()
        for path in given.models:
            folder = Path(temporary) / path.stem
            folder.mkdir()
            cells[path.stem] = measure(start, path, folder, given.rows, given.tries)
            print(path.stem, json.dumps(cells[path.stem]), flush=True)
    missed = [
        f"{name}: {text}"
        for name, cell in cells.items()
        for text, kept in {
            "page_bytes": cell["page_bytes"] <= cell["allowed_bytes"], "ready_s": cell["ready_s"] < READY_S,
            "1000_rows_s": cell.get("1000_rows_s", 0.0) < ANSWERED_S,
        }.items()
        if not kept
    ]  # fmt: skip
    found = {"chromium": version, "onnxruntime_web": pin().version, "load": os.getloadavg()[0], "models": cells}
    write_atomic(given.out, json.dumps(found | {"missed": missed}, indent=2).encode() + b"\n")
    if missed:
        print("missed:", "; ".join(missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
