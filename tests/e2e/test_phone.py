"""A bundle for phones with all that Debian can run of it: arm64 under qemu, the packed page, Kotlin on Java."""

from __future__ import annotations

import json
import re
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest

from afield.api.export import Exported, export
from afield.api.proving import make_probe
from afield.core.errors import ProblemError
from afield.model.model import Model
from afield.platforms.browser.chromium import ARGUMENTS, find_browser
from afield.platforms.browser.runtime import fetch_runtime
from afield.platforms.phone.apk import programs
from afield.platforms.phone.apk.building import PAGE
from afield.platforms.phone.apk.checking import check_apk, packed_page
from afield.platforms.phone.arm64.machine import fetch_machine, find_machine, lacking
from afield.platforms.phone.arm64.proof import prove_on_arm64
from afield.platforms.phone.developers.gradle import gradle_files
from media_models import image_model
from small_models import small_model

pytestmark = pytest.mark.e2e

STUBS = Path(__file__).parents[1] / "unit" / "platforms" / "phone" / "java_stubs.txt"
HOME = "https://appassets.androidplatform.net/"
KOTLIN = Path("/usr/share/java/kotlin-stdlib.jar")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    fetch_runtime()
    fetch_machine()
    assert find_machine(), lacking()
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(home))  # a debug key of its own
        model, out = tmp_path_factory.mktemp("model") / "m.onnx", tmp_path_factory.mktemp("out") / "phone"
        model.write_bytes(image_model())
        return export(model, "phone", out, options={"apk": True, "kotlin": True, "swift": True})


def test_all_that_can_run_here_ran_and_the_rest_says_so(bundle: Exported) -> None:
    assert bundle.proof.passed
    told = "\n".join(bundle.proof.details)
    for ran in ("browser: passed", "arm64: passed", "page in the apk: passed", "model of the Swift package: passed"):
        assert ran in told
    for not_run in ("apk: not run here: needs a phone", "kotlin: not run here", "swift: not run here"):
        assert not_run in told
    assert told.count("not compiled here") == 2
    assert re.search(r"onnxruntime 1\.24\.4 on arm64", told)
    stored = json.loads((bundle.bundle.path / "proof.json").read_text())
    assert stored["proof"]["needs"].startswith("apk: a phone")
    assert "manifest: afield.model.answer, starts a screen, runs from Android API 24, made for 34" in told
    assert "permissions: CAMERA" in told
    readme = (bundle.bundle.path / "README.md").read_text()
    assert "adb install answer.apk" in readme


def test_a_model_that_is_off_fails_on_arm64(tmp_path: Path) -> None:
    content = small_model()
    proto = onnx.load_from_string(content)
    weights = next(
        i for i in proto.graph.initializer if onnx.numpy_helper.to_array(i).dtype.kind == "f" and np.prod(i.dims) > 2
    )
    weights.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(weights) * 1.01, weights.name))
    (tmp_path / "m.onnx").write_bytes(proto.SerializeToString())
    proof = prove_on_arm64(tmp_path / "m.onnx", Model(content), make_probe(content))
    assert proof.ran
    assert not proof.passed
    assert "qemu" in proof.how


# The app --------------------------------------------------------------------------------------------------------------


def test_an_app_that_was_tampered_with_is_found_out(bundle: Exported, tmp_path: Path) -> None:
    [app] = bundle.bundle.path.glob("*.apk")
    model = Model(image_model())
    assert all(good for good, _ in check_apk(app, model))
    changed = tmp_path / app.name
    with zipfile.ZipFile(app) as source, zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content + b" " if name == PAGE else content)
    assert check_apk(changed, model)[0][0] is False
    assert check_apk(app, Model(small_model()))[-1] == (False, "another model is packed")
    assert [good for good, told in check_apk(app, Model(small_model())) if "permissions" in told] == [False]


def test_the_key_stays_and_a_wrong_password_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    first = programs.debug_key()
    made = first.store.read_bytes()
    assert programs.debug_key() == first
    assert first.store.read_bytes() == made
    (tmp_path / "x.apk").write_bytes(b"no app")
    with pytest.raises(ProblemError, match="cannot be signed"):
        programs.sign(tmp_path / "x.apk", programs.Key(store=first.store, password="wrong"))


def test_the_packed_page_works_as_the_app_shows_it(bundle: Exported) -> None:
    """As the WebView does: answered under an https address that no network has, with the phone's side stood in for."""
    from playwright.sync_api import sync_playwright

    [app] = bundle.bundle.path.glob("*.apk")
    page_bytes = packed_page(app)
    asked: list[str] = []

    def answer(route, request) -> None:
        asked.append(request.url)
        route.fulfill(body=page_bytes if request.url == HOME else b"", content_type="text/html; charset=utf-8")

    devices = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=[*ARGUMENTS, *devices])
        page = browser.new_context(offline=True).new_page()
        page.route("**/*", answer)
        page.add_init_script("globalThis.afieldPhone = { saved: [], save(...given) { this.saved.push(given) } }")
        page.goto(HOME)
        assert page.evaluate("afield.ready")["passed"]
        assert page.evaluate("isSecureContext")
        width = page.evaluate(
            "navigator.mediaDevices.getUserMedia({ video: true }).then(s => s.getVideoTracks()[0].getSettings().width)"
        )
        assert width > 0
        saved = page.evaluate(
            """async () => {
              const link = document.createElement("a");
              link.download = "a.csv";
              link.href = URL.createObjectURL(new Blob(["grade,æ\\n"], { type: "text/csv" }));
              document.body.append(link);
              link.click();
              while (!afieldPhone.saved.length) await new Promise(done => setTimeout(done, 10));
              return afieldPhone.saved;
            }"""
        )
        browser.close()
    assert saved == [["a.csv", "grade,æ\n"]]
    assert set(asked) <= {HOME, HOME + "favicon.ico"}


# Kotlin ---------------------------------------------------------------------------------------------------------------

MAIN = """
package afield.model.rings
fun main() {
    val row = Row(lengthMm = 1.5, weight = null, sex = "M", site = "2.5", caught = null, label = "æ")
    println(RingsModel(ByteArray(0)).predict(row))
}
"""
FED = [
    "length (mm) = double[1.5]",
    "weight = double[NaN]",
    "sex = string[M]",
    "site = string[2.5]",
    "caught = string[]",
    "label_ = string[æ]",
    "Answer(label=chosen, probabilities={low=0.25, high=0.5, ærlig=0.25})",
]


def test_the_kotlin_compiles_and_feeds_what_the_model_takes(tmp_path: Path) -> None:
    """Against stand-ins with the signatures of onnxruntime's Java binding and of Android: neither is in Debian."""
    sources = {"Main.kt": MAIN} | {
        name: content.decode() for name, content in gradle_files(Model(small_model())).items() if name.endswith(".kt")
    }
    for part in STUBS.read_text().split("=== ")[1:]:
        name, _, body = part.partition("\n")
        sources[f"java/{name}"] = body
    for name, text in sources.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    java = [str(path) for path in tmp_path.rglob("*.java")]
    run("javac", "-encoding", "UTF-8", "-d", str(tmp_path / "stubs"), *java)
    kotlin = [str(path) for path in tmp_path.rglob("*.kt")]
    run("kotlinc", "-nowarn", "-no-reflect", "-cp", str(tmp_path / "stubs"), "-d", str(tmp_path / "out"), *kotlin)
    classes = ":".join(map(str, (tmp_path / "stubs", tmp_path / "out", KOTLIN)))
    assert run("java", "-Dfile.encoding=UTF-8", "-cp", classes, "afield.model.rings.MainKt").splitlines() == FED


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert not done.returncode, done.stderr
    return done.stdout
