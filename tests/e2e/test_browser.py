"""Exported pages in a real browser: opened from the disk, driven like a person would, held to Python's answers."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
import os
import subprocess
import threading
import time
import wave
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from afield.api.export import export
from afield.model.model import Model
from afield.platforms.browser.chromium import ARGUMENTS, find_browser
from afield.platforms.browser.platform import platform
from afield.platforms.browser.runtime import fetch_runtime
from media_models import image_model, sound_model
from node_packages import install, program
from small_models import one_row, small_model

pytestmark = pytest.mark.e2e

HERE = Path(__file__).parent
READY_MS, ANSWERED_S = 30_000, 30.0  # a page that hangs; speed is for benchmarks, on a quiet machine
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
    shown = page.eval_on_selector_all("#answer [role=meter]", "all => all.map(m => Number(m.ariaValueNow))")
    assert shown == pytest.approx(probabilities[0].tolist(), abs=1e-6)
    assert "understood as 4.5" in page.inner_text("#field-0-note")
    assert page.inner_text("#answer-spoken").startswith(f"rings: {labels[0]}")


def test_a_regression_shows_its_interval_where_the_model_has_one(tmp_path, visit):
    proto = onnx.load_from_string(small_model(regression=True))
    for name, by in (("lower", -1.5), ("upper", 1.5)):
        proto.graph.initializer.append(onnx.numpy_helper.from_array(np.array(by), f"by_{name}"))
        proto.graph.node.append(onnx.helper.make_node("Add", ["prediction", f"by_{name}"], [name]))
        proto.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.DOUBLE, ["N"]))
    platform.export(proto.SerializeToString(), tmp_path)
    page = visit(url_of(tmp_path))
    page.fill("#field-0", "5")
    page.wait_for_selector("#answer .interval")
    assert page.inner_text("#answer .value") == "5 years"
    assert page.inner_text("#answer .interval") == "between 3.5 and 6.5 years"
    assert page.inner_text("#answer-spoken") == "rings: 5 years, between 3.5 and 6.5 years"


def test_values_that_cannot_be_read_or_were_never_seen_are_flagged(table, visit):
    page = visit(url_of(table[0]))
    page.fill("#field-0", "12")
    page.select_option("#field-2", label="other …")
    page.fill("#field-2 ~ input", "X")
    page.fill("#field-4", "31.02.2020")
    page.wait_for_selector("#answer .note.wrong")
    assert "outside what training saw" in page.inner_text("#field-0-note")
    assert "not among the values" in page.inner_text("#field-2-note")
    assert page.inner_text("#field-4-note") == "not a date; write it as YYYY-MM-DD or DD.MM.YYYY: left out"
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


def test_a_thousand_rows_of_csv_are_answered(table, visit, tmp_path):
    columns = write_csv(tmp_path / "shells.csv", 1_000)
    page = visit(url_of(table[0]))
    started = time.monotonic()
    found = answered(page, tmp_path / "shells.csv", tmp_path / "out.csv")
    taken = time.monotonic() - started
    assert taken < ANSWERED_S
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


def test_a_file_that_was_corrected_is_read_anew(table, visit, tmp_path):
    page = visit(url_of(table[0]))
    page.click("text=Many rows")
    path = tmp_path / "some.csv"
    path.write_text("sex,weight\nM,1\n")
    for told in (".wrong", "a"):
        with page.expect_file_chooser() as chooser:
            page.click("#batch-file")
        chooser.value.set_files(path)
        page.wait_for_selector(f"#batch-result {told}")
        write_csv(path, 3)


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
    runs = [line.partition(",")[0] for line in exported.proof.details]
    assert runs.count("the module") == runs.count("the module in Node") == 2  # samples, hostile rows
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
    assert set(seen) <= {"/sw.js"}  # the browser itself may look for a newer worker
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


def test_the_module_runs_in_node_from_bytes(app, tmp_path):
    (tmp_path / "run.mjs").write_text(f"""
import {{ readFileSync }} from "node:fs";
const folder = {json.dumps(str(app[0] / "module"))};
const {{ open }} = await import(folder + "/index.js");
const model = await open({{ model: readFileSync(folder + "/model.onnx"), wasm: readFileSync(folder + "/ort.wasm") }});
console.log(JSON.stringify([await model.selfTest(), await model.predictMany([{json.dumps(one_row())}])]));
""")
    done = subprocess.run(
        [program("node"), tmp_path / "run.mjs"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    proof, (answer,) = json.loads(done.stdout)
    assert proof["passed"]
    assert answer["label"] == Model(small_model()).predict(one_row())[0]


# Texts, pictures and sounds -------------------------------------------------------------------------------------------

MODELS = HERE.parent / "models"
SHARED = HERE.parents[2] / "shared" / "data" / "models"


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Export a model once: gives its folder and proof."""
    done = {}

    def once(name: str):
        if name not in done:
            folder = tmp_path_factory.mktemp("bundle")
            done[name] = (folder, export(model_file(name), "browser", folder).proof)
        return done[name]

    return once


def model_file(name: str) -> bytes:
    networks = {"vww": image_model, "kws": sound_model}
    if name in networks:
        return networks[name](onnx.load(SHARED / f"mlperf_{name}_float.onnx"))
    return (MODELS / f"{name}.onnx").read_bytes()


shared = pytest.mark.shared_data
absent = pytest.mark.skipif(not SHARED.is_dir(), reason="the development data is not here")


@pytest.mark.parametrize(
    "name",
    ["format-1-classes", "format-1-regression", "format-2-image", "format-2-sound",
     pytest.param("vww", marks=[shared, absent]), pytest.param("kws", marks=[shared, absent])],
)  # fmt: skip
def test_texts_pictures_and_sounds_are_proven_in_the_page(exported, name):
    """All kinds of columns, held to the samples inside and, of tables, to hostile rows."""
    folder, proof = exported(name)
    assert proof.passed, proof.details
    table = "format-1" in name
    assert proof.largest <= (1e-6 if table else 1e-5)
    assert (proof.rows > 400) == table
    packed = len(gzip.compress(model_file(name)))
    assert (folder / "index.html").stat().st_size <= PAGE_BYTES + MODEL_FACTOR * packed


def test_a_model_of_texts_answers_the_form_and_a_thousand_rows(exported, visit, tmp_path):
    page, model = visit(url_of(exported("format-1-classes")[0])), Model(model_file("format-1-classes"))
    row = {"length (mm)": 150.5, "pen": "north", "caught": "2023-05-01", "remark": "ill fin, øyelus 👍🏽"}
    page.fill("#field-0", "150,5")
    page.select_option("#field-1", "north")
    page.fill("#field-2", "2023-05-01")
    page.fill("#field-3", row["remark"])
    page.click("text=Predict")
    page.wait_for_selector(f"#answer .value:text-is({model.predict(row)[0]!r})")

    rng = np.random.default_rng(4)
    words = np.array(["ill", "fin", "fine", "Öyelus", "lice", "👍🏽", "zu klein", "-"])
    rows = {
        "length (mm)": rng.uniform(50, 250, 1_000).round(1).tolist(),
        "pen": rng.choice(["north", "east", "west", "elsewhere"], 1_000).tolist(),
        "caught": [f"2023-{m:02d}-{d:02d}" for m, d in rng.integers(1, 12, (1_000, 2))],
        "remark": [" ".join(rng.choice(words, 6)) for _ in range(1_000)],
    }
    with (tmp_path / "texts.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([rows, *zip(*rows.values(), strict=True)])
    page.click("text=Many rows")
    started = time.monotonic()
    page.set_input_files("#batch-file", tmp_path / "texts.csv")
    with page.expect_download() as download:
        page.click("text=Save the answers")
    assert time.monotonic() - started < ANSWERED_S
    found = list(csv.DictReader(Path(download.value.path()).read_text(encoding="utf-8").splitlines()))
    for k, name in enumerate(model.classes):
        ours = [float(answer[f"probability_{name}"]) for answer in found]
        assert ours == pytest.approx(model.predict_proba(rows)[:, k].tolist(), abs=1e-6)


def photo() -> Image.Image:
    """A picture of 400 by 300 with edges and gradients."""
    rows, columns = np.mgrid[0:300, 0:400]
    red = np.where((rows - 150) ** 2 + (columns - 200) ** 2 < 90**2, 230, columns * 255 // 399)
    return Image.fromarray(np.stack([red, rows * 255 // 299, 255 - columns * 255 // 399], axis=2).astype(np.uint8))


def wait_for_answer(page) -> list[float]:
    page.wait_for_selector("#answer .value")
    shares = page.eval_on_selector_all(
        "#answer [role=meter]", "all => all.map(m => [m.ariaLabel, Number(m.ariaValueNow)])"
    )
    return dict(shares)


def asked_array(page, expression: str, dtype: str):
    """Return an array that the page holds."""
    packed = page.evaluate(
        f"(() => {{ const b = new Uint8Array(({expression}).buffer); let s = ''; for (const x of b)"
        " s += String.fromCharCode(x); return btoa(s) })()"
    )
    return np.frombuffer(base64.b64decode(packed), dtype)


def same_shares(found: dict[str, float], model: Model, feed: dict[str, np.ndarray], tolerance: float) -> float:
    wanted = dict(zip(model.classes, model.predict_proba(feed)[0].tolist(), strict=True))
    largest = max(abs(found[name] - wanted[name]) for name in found)
    assert largest <= tolerance
    return largest


@pytest.mark.parametrize("name", ["format-2-image", pytest.param("vww", marks=[shared, absent])])
def test_a_picture_file_gives_the_models_answer(exported, visit, tmp_path, name, capsys):
    page, model = visit(url_of(exported(name)[0])), Model(model_file(name))
    photo().save(tmp_path / "photo.png")
    page.set_input_files("#field-0", tmp_path / "photo.png")
    found = wait_for_answer(page)
    pixels = asked_array(page, "afield.row.photo.data", "uint8").reshape(300, 400, 3)
    assert np.array_equal(pixels, np.asarray(photo()))  # nothing is lost in a PNG
    same_shares(found, model, {"photo": pixels[None]}, 1e-5)
    assert "400 \u00d7 300 pixels" in page.inner_text("#field-0-note")

    # a JPEG is decoded by each library in its own way: what that does to the answer is told apart
    photo().save(tmp_path / "photo.jpg", quality=85)
    page.click("text=Clear")
    page.wait_for_selector("#answer .value", state="detached")
    page.set_input_files("#field-0", tmp_path / "photo.jpg")
    found = wait_for_answer(page)
    theirs = asked_array(page, "afield.row.photo.data", "uint8").reshape(1, 300, 400, 3)
    ours = np.asarray(Image.open(tmp_path / "photo.jpg"))[None]
    same_shares(found, model, {"photo": theirs}, 1e-5)
    off = same_shares(found, model, {"photo": ours}, 0.02)
    levels = np.abs(ours.astype(int) - theirs).max()
    assert levels <= 12
    with capsys.disabled():
        print(f"[{name}: JPEG decoding differs by {levels} levels, {off:.1e} in the answer]", end="")
    assert page.trouble == []


def test_a_picture_can_be_dropped_onto_the_page(exported, visit):
    page = visit(url_of(exported("format-2-image")[0]))
    content = io.BytesIO()
    photo().save(content, "png")
    drop = """content => {
      const data = new DataTransfer();
      const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
      data.items.add(new File([bytes], "photo.png", { type: "image/png" }));
      document.querySelector(".drop").dispatchEvent(new DragEvent("drop", { dataTransfer: data, cancelable: true }));
    }"""
    page.evaluate(drop, base64.b64encode(content.getvalue()).decode())
    wait_for_answer(page)
    assert page.evaluate("[afield.row.photo.width, afield.row.photo.height]") == [400, 300]


def test_the_camera_takes_a_picture_that_is_not_black(exported, visit):
    page, model = visit(url_of(exported("format-2-image")[0])), Model(model_file("format-2-image"))
    page.click("text=Use the camera")
    page.click("text=Take the picture")
    found = wait_for_answer(page)
    height, width = page.evaluate("[afield.row.photo.height, afield.row.photo.width]")
    pixels = asked_array(page, "afield.row.photo.data", "uint8").reshape(1, height, width, 3)
    assert pixels.max() > 100
    same_shares(found, model, {"photo": pixels}, 1e-5)
    assert page.is_hidden("video")


def test_what_is_no_picture_is_told(exported, visit, tmp_path):
    (tmp_path / "photo.png").write_text("no picture")
    page = visit(url_of(exported("format-2-image")[0]))
    page.set_input_files("#field-0", tmp_path / "photo.png")
    page.wait_for_selector(".drop .note.wrong:has-text('not a picture')")
    assert "Give photo" in page.inner_text("#answer-body")


def write_wave(path: Path, rate: int, channels: int) -> np.ndarray:
    time = np.arange(rate) / rate
    sound = np.rint(8_000 * np.sin(2 * np.pi * 440 * time) * np.exp(-2 * time)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, rate, len(sound), "NONE", ""))
        file.writeframes(np.repeat(sound, channels).tobytes())
    return (sound / 32_768).astype(np.float32)


@pytest.mark.parametrize("name", ["format-2-sound", pytest.param("kws", marks=[shared, absent])])
def test_a_sound_file_gives_the_models_answer(exported, visit, tmp_path, name):
    page, model = visit(url_of(exported(name)[0])), Model(model_file(name))
    sound = write_wave(tmp_path / "word.wav", 16_000, 1)
    page.set_input_files("#field-0", tmp_path / "word.wav")
    found = wait_for_answer(page)
    samples = asked_array(page, "afield.row.sound", "float32")
    assert samples == pytest.approx(sound, abs=2e-5)  # Chromium takes 32,767 for full scale where Python takes 32,768
    same_shares(found, model, {"sound": samples[None]}, 1e-5)

    write_wave(tmp_path / "other.wav", 44_100, 2)
    page.click("text=Clear")
    page.wait_for_selector("#answer .value", state="detached")
    page.set_input_files("#field-0", tmp_path / "other.wav")
    found = wait_for_answer(page)
    resampled = asked_array(page, "afield.row.sound", "float32")
    assert len(resampled) == 16_000
    assert resampled[100:-100] == pytest.approx(sound[100:-100], abs=2e-3)  # the same tone at another rate
    same_shares(found, model, {"sound": resampled[None]}, 1e-5)
    assert page.trouble == []


def test_the_microphone_is_recorded_at_the_models_rate(exported, visit):
    page, model = visit(url_of(exported("format-2-sound")[0])), Model(model_file("format-2-sound"))
    page.click("text=Record 1 s")
    found = wait_for_answer(page)
    samples = asked_array(page, "afield.row.sound", "float32")
    assert len(samples) == 16_000
    assert np.abs(samples).max() > 0.01  # the fake microphone beeps
    same_shares(found, model, {"sound": samples[None]}, 1e-5)


# For everybody --------------------------------------------------------------------------------------------------------

LOOKS = {
    "desktop": ({"width": 1100, "height": 800}, "light", {}),
    "phone": ({"width": 390, "height": 844}, "dark", {"runOnly": ["color-contrast", "target-size", "region"]}),
}


@pytest.mark.parametrize("name", ["format-1-classes", "format-1-regression", "format-2-image", "format-2-sound"])
def test_pages_have_no_accessibility_violation(exported, visit, name):
    """Also makes the pictures of the docs, where AFIELD_PICTURES names their folder."""
    page = visit(url_of(exported(name)[0]))
    page.click("#example")
    page.wait_for_selector("#answer .value")
    if folder := os.environ.get("AFIELD_PICTURES"):
        for look, (size, scheme, _) in LOOKS.items():
            page.set_viewport_size(size)
            page.emulate_media(color_scheme=scheme)
            shot = Image.open(io.BytesIO(page.screenshot(full_page=True)))
            shot.save(Path(folder) / f"browser-{name.split('-', 2)[2]}-{look}.webp", quality=80)
    if "format-1" in name:
        page.fill("#field-0", "99999")  # every state of a field, and every panel open
        page.wait_for_selector(".note.outside")
    page.evaluate("for (const panel of document.querySelectorAll('details')) panel.open = true")
    page.evaluate((install(HERE / "web") / "axe-core" / "axe.min.js").read_text(encoding="utf-8"))
    for size, scheme, options in LOOKS.values():
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        found = page.evaluate("options => axe.run(options)", options)
        assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in found["violations"]] == []
        assert len(found["passes"]) > (15 if not options else 0)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")  # nothing sticks out


def test_the_keyboard_reaches_everything_in_the_order_of_the_page(table, visit):
    page = visit(url_of(table[0]))
    reached = []
    for _ in range(18):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
    fields = [f"field-{i}" for i in range(6)]
    assert [r for r in reached if r in fields] == fields
    for name in ("Skip to the form", "Predict", "Clear", "example", "How the answer is decided", "About this model"):
        assert name in reached
