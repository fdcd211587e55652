"""What is written: the page with its policy, the app, the module and its types; refusals; proofs that cannot run."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from afield.core.errors import MissingDependencyError, ModelFileError, OutputError, UnsupportedError
from afield.model.model import Model
from afield.platforms.browser import platform, proving
from afield.platforms.browser.app_files import build_app
from afield.platforms.browser.module_files import build_module, types_of
from afield.platforms.browser.platform import BrowserOptions, BrowserPlatform
from afield.platforms.browser.runtime import Runtime
from afield.platforms.browser.single import build_page, read_page
from afield.platforms.protocol import Bundle
from media_models import image_model
from small_models import small_model

RUNTIME = Runtime(
    version="0", library=gzip.compress(b"export default 1;", mtime=0), wasm=gzip.compress(b"\0asm", mtime=0)
)


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> BrowserPlatform:
    monkeypatch.setattr(platform, "find_runtime", lambda: RUNTIME)
    return BrowserPlatform()


class Elements(HTMLParser):
    """Collects (tag, attributes, text) of all elements."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.found: list[list[object]] = []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append([tag, dict(attrs), ""])

    def handle_endtag(self, tag: str) -> None:
        self.found.append(["", {}, ""])  # what follows is not its text

    def handle_data(self, data: str) -> None:
        if self.found:
            self.found[-1][2] += data  # type: ignore[operator]

    def of(self, tag: str) -> list[tuple[dict[str, str], str]]:
        return [(a, t) for name, a, t in self.found if name == tag]  # type: ignore[misc]


def test_the_policy_names_what_is_in_the_page_and_nothing_else() -> None:
    page = Elements(build_page(Model(small_model()), RUNTIME))
    (policy,) = [a["content"] for a, _ in page.of("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    rules = {r.split()[0]: r.split()[1:] for r in policy.split("; ")}
    assert rules["default-src"] == ["'none'"]
    assert "connect-src" not in rules
    (script,) = [t for a, t in page.of("script") if a.get("type") == "module"]
    ((_, style),) = page.of("style")
    for text, rule in ((script, "script-src"), (style, "style-src")):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in rules[rule]
    assert "'unsafe-inline'" not in policy
    assert "'unsafe-eval'" not in policy
    assert not any(a.get("src") or a.get("style") or any(n.startswith("on") for n in a) for _, a, _ in page.found)  # type: ignore[attr-defined,union-attr]


def test_titles_and_levels_are_text_never_markup() -> None:
    nasty = '</script><img src=x onerror="alert(1)"><!--'
    page = Elements(build_page(Model(small_model(title=nasty)), RUNTIME))
    assert page.of("img") == []
    assert page.of("h1")[0][1] == nasty
    facts = next(t for a, t in page.of("script") if a.get("id") == "facts")
    assert dict(json.loads(facts)["facts"])["classes"] == "low, high, ærlig"


def test_the_model_inside_is_the_file_and_two_pages_are_equal(tmp_path: Path) -> None:
    content = small_model()
    first, second = (build_page(Model(content), RUNTIME) for _ in range(2))
    assert first == second
    (tmp_path / "index.html").write_bytes(first)
    assert read_page(tmp_path / "index.html").bytes == content
    (tmp_path / "index.html").write_text("<!doctype html>")
    with pytest.raises(ModelFileError, match="no model inside this page"):
        read_page(tmp_path / "index.html")


def test_options_say_which_files_there_are(browser: BrowserPlatform, tmp_path: Path) -> None:
    content = small_model()
    single = browser.export(content, tmp_path / "a")
    assert single.files == ("index.html",)
    assert single.size_bytes == (tmp_path / "a" / "index.html").stat().st_size
    full = browser.export(content, tmp_path / "b", BrowserOptions(pwa=True, module=True))
    assert {"sw.js", "manifest.webmanifest", "icon-512.png", "module/index.js", "module/index.d.ts"} < set(full.files)
    assert all((tmp_path / "b" / name).is_file() for name in full.files)
    assert (tmp_path / "b" / "module" / "model.onnx").read_bytes() == content
    with pytest.raises(OutputError, match="not empty"):
        browser.export(content, tmp_path / "b")
    browser.export(content, tmp_path / "b", BrowserOptions(pwa=True, module=True, force=True))


def test_the_worker_of_the_app_keeps_every_file_and_knows_versions_apart() -> None:
    files = build_app(Model(small_model()), RUNTIME)
    worker = files["sw.js"].decode()
    kept = json.loads(re.search(r"const FILES = (\[.*\]);", worker)[1])  # type: ignore[index]
    assert set(kept) == {"./", *(f"./{name}" for name in files if name not in ("sw.js", "index.html"))}
    version = re.search('const VERSION = "(.*)";', worker)[1]  # type: ignore[index]
    other = build_app(Model(small_model(notes=("changed",))), RUNTIME)["sw.js"].decode()
    assert version not in other
    assert version.rpartition("-")[0] in other  # so that a new version clears the old one away
    manifest = json.loads(files["manifest.webmanifest"])
    assert manifest["name"] == "rings <of> shells"
    assert {i["src"] for i in manifest["icons"]} <= set(files)
    for name in ("icon-192.png", "icon-512.png"):
        assert int.from_bytes(files[name][16:20]) == int(name[5:8])


def test_types_follow_the_schema() -> None:
    types = types_of(Model(small_model()))
    assert '"length (mm)": number | string | null;' in types
    assert "/** number; in mm; seen in training: 1 to 9 */" in types
    assert '"caught": string | Date | null;' in types
    assert 'label: "low" | "high" | "ærlig";' in types
    assert "prediction: number;" in types_of(Model(small_model(regression=True)))
    assert "width: number; height: number" in types_of(Model(image_model()))
    package = json.loads(build_module(Model(small_model(target="Größe [m] */")), RUNTIME)["package.json"])
    assert re.fullmatch("[a-z0-9-]+", package["name"])


@pytest.mark.error_code("graph.operator")
def test_a_graph_that_wasm_may_not_run_is_refused(browser: BrowserPlatform, tmp_path: Path) -> None:
    proto = onnx.load_from_string(small_model())
    proto.graph.node.append(helper.make_node("Erf", ["probabilities"], ["erf"]))
    proto.graph.output.append(helper.make_tensor_value_info("erf", TensorProto.FLOAT, ["N", 3]))
    with pytest.raises(UnsupportedError, match=r"ai\.onnx:Erf"):
        browser.export(proto.SerializeToString(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("lacking", ["Chromium", "Playwright"])
def test_a_proof_that_cannot_run_here_says_what_it_needs(
    browser: BrowserPlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    def absent(module: str, *, purpose: str) -> None:
        raise MissingDependencyError("dependency.missing", purpose, fix=f"pip install {module}")

    monkeypatch.setattr(proving, "find_browser", lambda: None if lacking == "Chromium" else "chromium")
    monkeypatch.setattr(proving, "need", absent)
    proof = browser.prove(browser.export(small_model(), tmp_path))
    assert not proof.ran
    assert lacking in proof.needs
    assert "install" in proof.needs


def test_a_browser_that_does_not_start_fails_the_proof(
    browser: BrowserPlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("playwright")
    monkeypatch.setattr(proving, "find_browser", lambda: "/bin/false")
    bundle: Bundle = browser.export(small_model(), tmp_path)
    proof = browser.prove(bundle)
    assert proof.ran
    assert not proof.passed
    assert "does not start" in proof.details[0]


def test_text_of_the_page_is_complete() -> None:
    page = build_page(Model(small_model()), RUNTIME).decode()
    assert "{{" not in page.partition('id="worker-source"')[0]
    assert html.escape("The answer is the most probable class.") in page
