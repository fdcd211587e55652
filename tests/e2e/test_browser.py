"""Exported pages in a real browser: opened from the disk, driven like a person would, held to Python's answers."""

from __future__ import annotations

import gzip
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import onnx
import pytest

from afield.api.export import export
from afield.model.model import Model
from afield.platforms.browser.chromium import ARGUMENTS, find_browser
from afield.platforms.browser.runtime import fetch_runtime
from small_models import one_row, small_model

pytestmark = pytest.mark.e2e

READY_MS = 3_000
PAGE_BYTES, MODEL_FACTOR = 6_300_000, 1.35


@pytest.fixture(scope="module")
def chromium():
    fetch_runtime()
    from playwright.sync_api import sync_playwright

    program = find_browser()
    assert program, "Chromium is not installed: Debian: apt install chromium"
    devices = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=[*ARGUMENTS, *devices])
        yield opened
        opened.close()


@pytest.fixture
def visit(chromium):
    """Open a page and collect what must not happen: errors, warnings of the policy, requests beyond the page."""
    contexts = []

    def opened(url: str, **options):
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.trouble, page.requests = [], []
        page.on("console", lambda m: page.trouble.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: page.trouble.append(str(e)))
        page.on("request", lambda r: page.requests.append(r.url))
        page.goto(url)
        page.proof = page.evaluate("afield.ready")
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def served():
    """Serve a folder on loopback; gives its address and the list of paths asked for."""
    servers = []

    def serve(folder: Path) -> tuple[str, list[str]]:
        seen: list[str] = []

        class Handler(SimpleHTTPRequestHandler):
            def __init__(self, *arguments):
                super().__init__(*arguments, directory=str(folder))

            def log_message(self, *_):
                seen.append(self.path)

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}", seen

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """The folder of a table model's page, and its proof."""
    fetch_runtime()
    folder = tmp_path_factory.mktemp("table")
    return folder, export(small_model(), "browser", folder).proof


def url_of(folder: Path) -> str:
    return (folder / "index.html").as_uri()


def test_the_bundle_is_proven_in_the_page(table):
    _, proof = table
    assert proof.passed, proof.details
    assert proof.rows > 300
    assert proof.largest <= 1e-6
    assert "Chromium" in proof.how


def test_a_page_works_by_double_click_and_asks_nobody(table, visit):
    page = visit(url_of(table[0]))
    assert page.proof["passed"]
    assert page.evaluate("afield.ms") < READY_MS
    assert page.trouble == []
    assert [u for u in page.requests if not u.startswith("blob:")] == [url_of(table[0])]
    assert "24 of 24" in page.inner_text("#state")


def test_the_policy_stops_whatever_would_leave_the_page(table, visit, served):
    page = visit(url_of(table[0]))
    url, seen = served(table[0])
    for attempt in (
        f"fetch('{url}').then(() => 'went', () => 'stopped')",
        f"new Promise(r => {{ const i = new Image(); i.onload = () => r('went'); i.onerror = () => r('stopped');"
        f" i.src = '{url}/x.png' }})",
        f"(() => {{ navigator.sendBeacon('{url}', 'x'); return 'stopped' }})()",
    ):
        assert page.evaluate(attempt) == "stopped"
    assert seen == []
    assert any("Content Security Policy" in line for line in page.trouble)


def test_the_page_is_small(table):
    packed = len(gzip.compress(small_model()))
    assert (table[0] / "index.html").stat().st_size <= PAGE_BYTES + MODEL_FACTOR * packed


def test_a_row_typed_into_the_form_gets_the_models_answer(table, visit):
    page = visit(url_of(table[0]))
    page.fill("#field-0", "4,5")
    page.fill("#field-1", "0,25 g")
    page.select_option("#field-2", "M")
    page.select_option("#field-3", "1")
    page.fill("#field-4", "17.05.2020")
    page.fill("#field-5", "good")
    page.keyboard.press("Tab")
    page.click("text=Predict")
    model = Model(small_model())
    labels, probabilities = model.label_and_probabilities(one_row())
    page.wait_for_selector(f"#answer .value:text-is({labels[0]!r})")
    shown = page.eval_on_selector_all("#answer meter", "meters => meters.map(m => m.value)")
    assert shown == pytest.approx(probabilities[0].tolist(), abs=1e-6)
    assert "understood as 4.5" in page.inner_text("#field-0-note")
    assert page.inner_text("#answer-spoken").startswith(f"rings: {labels[0]}")


def test_values_that_cannot_be_read_or_were_never_seen_are_flagged(table, visit):
    page = visit(url_of(table[0]))
    page.fill("#field-0", "12")
    page.select_option("#field-2", label="other …")
    page.fill("#field-2 ~ input", "X")
    page.fill("#field-4", "31.02.2020")
    page.wait_for_selector("#answer .note.wrong")
    assert "outside what training saw" in page.inner_text("#field-0-note")
    assert "not among the values" in page.inner_text("#field-2-note")
    assert "left out" in page.inner_text("#field-4-note")
    assert page.get_attribute("#field-4", "aria-invalid") == "true"


def corrupted(content: bytes) -> bytes:
    """Return the model with one weight changed, its metadata as they were."""
    proto = onnx.load_from_string(content)
    for tensor in proto.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype == np.float64 and values.size == 3:
            tensor.CopyFrom(onnx.numpy_helper.from_array(values * 1.01, tensor.name))
            return proto.SerializeToString()
    raise AssertionError("no weight to change")


def test_a_page_whose_answers_are_off_says_so(tmp_path, visit):
    proof = export(corrupted(small_model()), "browser", tmp_path).proof
    assert proof.ran
    assert not proof.passed
    page = visit(url_of(tmp_path))
    assert not page.proof["passed"]
    assert page.inner_text("#state").startswith("Do not use these answers")
    assert page.get_attribute("#state", "class") == "wrong"
