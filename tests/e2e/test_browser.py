"""Exported pages in a real browser: opened from the disk, driven like a person would, held to Python's answers."""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import onnx
import pytest

from afield.api.export import export
from afield.model.model import Model
from afield.platforms.browser.chromium import ARGUMENTS, find_browser
from afield.platforms.browser.runtime import fetch_runtime
from node_packages import install, program
from small_models import one_row, small_model

pytestmark = pytest.mark.e2e

HERE = Path(__file__).parent
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


# Many rows ------------------------------------------------------------------------------------------------------------


def write_csv(path: Path, rows: int, delimiter: str = ";") -> dict[str, list]:
    """Write rows as a German Excel would, and return the columns as typed values."""
    rng = np.random.default_rng(3)
    columns = {
        "length (mm)": rng.uniform(1, 9, rows).round(3).tolist(),
        "weight": rng.uniform(-2, 2, rows).round(2).tolist(),
        "sex": rng.choice(["M", "F", "I", "", "new"], rows).tolist(),
        "site": rng.choice(["1", "1.0", "2.5"], rows).tolist(),
        "caught": rng.choice(["2020-05-17", "17.05.2020", "NA"], rows).tolist(),
        "label": rng.choice(["good", 'he said "no"; left', "zwei\nZeilen"], rows).tolist(),
        "id": list(range(rows)),
    }
    with path.open("w", encoding="cp1252", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(columns)
        for row in zip(*columns.values(), strict=True):
            cells = list(row)
            cells[1] = f"{cells[1]:.2f} g".replace(".", ",")
            writer.writerow(cells)
    return columns


def answered(page, path: Path, into: Path) -> list[dict[str, str]]:
    if not page.is_visible("#batch-file"):
        page.click("text=Many rows")
    page.set_input_files("#batch-file", path)
    with page.expect_download() as download:
        page.click("text=Save the answers")
    download.value.save_as(into)
    assert download.value.suggested_filename == f"{path.stem}_answers.csv"
    with into.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def test_a_thousand_rows_of_csv_are_answered_in_two_seconds(table, visit, tmp_path):
    columns = write_csv(tmp_path / "shells.csv", 1_000)
    page = visit(url_of(table[0]))
    started = time.monotonic()
    found = answered(page, tmp_path / "shells.csv", tmp_path / "out.csv")
    taken = time.monotonic() - started
    assert taken < 2.0
    model = Model(small_model())
    labels, probabilities = model.label_and_probabilities({n: v for n, v in columns.items() if n != "id"})
    assert [row["label_of_model"] for row in found] == labels.tolist()
    for k, name in enumerate(model.classes):
        ours = [float(row[f"probability_{name}"].replace(",", ".")) for row in found]
        assert ours == pytest.approx(probabilities[:, k].tolist(), abs=1e-6)
    assert [row["id"] for row in found] == [str(i) for i in range(1_000)]
    assert [row["label"] for row in found] == columns["label"]
    assert page.trouble == []


def test_rows_that_cannot_be_read_are_named_and_the_rest_answered(table, visit, tmp_path):
    write_csv(tmp_path / "some.csv", 20)
    lines = (tmp_path / "some.csv").read_bytes().decode("cp1252").split("\r\n")
    lines[3] = lines[3].replace(lines[3].split(";")[0], "long", 1)
    (tmp_path / "some.csv").write_text("\r\n".join(lines), encoding="utf-8", newline="")
    page = visit(url_of(table[0]))
    found = answered(page, tmp_path / "some.csv", tmp_path / "out.csv")
    assert len(found) == 20
    wrong = [row for row in found if row["problem"]]
    assert [row["problem"] for row in wrong] == ['column "length (mm)": not a number']
    assert wrong[0]["label_of_model"] == ""
    assert all(row["label_of_model"] for row in found if row not in wrong)
    assert "row 3" in page.inner_text("#batch-result")


def test_a_csv_without_the_columns_is_told_which(table, visit, tmp_path):
    (tmp_path / "other.csv").write_text("sex,weight\nM,1\n")
    page = visit(url_of(table[0]))
    page.click("text=Many rows")
    page.set_input_files("#batch-file", tmp_path / "other.csv")
    page.wait_for_selector("#batch-result .wrong")
    assert "lacks the columns length (mm), site, caught, label" in page.inner_text("#batch-result")


# App and module -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    folder = tmp_path_factory.mktemp("app")
    return folder, export(small_model(), "browser", folder, options={"pwa": True, "module": True})


def test_the_app_works_offline_after_the_first_visit(app, visit, served):
    folder, exported = app
    assert exported.proof.passed
    url, seen = served(folder)
    page = visit(f"{url}/")
    page.wait_for_selector("#offline")
    assert {"/", "/sw.js", "/manifest.webmanifest", "/icon-512.png"} <= set(seen)
    page.context.set_offline(True)
    seen.clear()
    page.reload()
    assert page.evaluate("afield.ready")["passed"]
    page.fill("#field-0", "4.5")
    page.wait_for_selector("#answer .value")
    assert seen == []
    manifest = page.evaluate("document.querySelector('link[rel=manifest]').href")
    assert manifest == f"{url}/manifest.webmanifest"
    assert page.trouble == []


def test_the_browser_finds_nothing_that_hinders_installing(app, visit, served):
    url, _ = served(app[0])
    page = visit(f"{url}/")
    page.wait_for_selector("#offline")
    session = page.context.new_cdp_session(page)
    assert session.send("Page.getAppManifest")["errors"] == []
    errors = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [e for e in errors if e["errorId"] != "in-incognito"] == []  # the test's own window keeps nothing


APP = """import { open, predict, predictMany, type Answer, type Row } from "rings-model";

const row: Row = DATA;

async function main() {
  const one: Answer = await predict(row);
  const label: "low" | "high" | "ærlig" = one.label;
  const model = await open();
  const proof = await model.selfTest();
  const many = await predictMany([row, { ...row, sex: null, weight: "0,25 g", caught: "17.05.2020" }]);
  const wrong = await predict({ ...row, weight: "heavy" }).catch((error: Error) => error.message);
  return { label, one, many, proof, wrong };
}

Object.assign(globalThis, { afield: { ready: main() } });
"""


def test_the_module_works_in_a_vite_app_with_its_types(app, visit, served, tmp_path):
    tools = install(HERE / "web")
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "rings-model").symlink_to(app[0] / "module")
    (tmp_path / "index.html").write_text(
        '<!doctype html><title>x</title><link rel="icon" href="data:,"><script type="module" src="/main.ts"></script>'
    )
    (tmp_path / "main.ts").write_text(APP.replace("DATA", json.dumps(one_row())), encoding="utf-8")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    checked = [str(tools / "typescript" / "bin" / "tsc"), "--noEmit", "--strict", "--target", "es2022", "--module",
               "esnext", "--moduleResolution", "bundler", "--lib", "es2022,dom", "main.ts"]  # fmt: skip
    build = [str(tools / "vite" / "bin" / "vite.js"), "build", "--logLevel", "error", "--target", "es2022"]
    for command in (checked, build):
        done = subprocess.run(
            [program("node"), *command], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    url, _ = served(tmp_path / "dist")
    page = visit(url)
    found, model = page.proof, Model(small_model())
    labels, probabilities = model.label_and_probabilities(one_row())
    assert found["proof"]["passed"]
    assert found["one"]["label"] == labels[0]
    assert list(found["one"]["probabilities"].values()) == pytest.approx(probabilities[0].tolist(), abs=1e-6)
    second = model.predict_proba(one_row(sex=None))[0].tolist()
    assert list(found["many"][1]["probabilities"].values()) == pytest.approx(second, abs=1e-6)
    assert found["wrong"] == 'row 1, column "weight": not a number'
    assert page.trouble == []
