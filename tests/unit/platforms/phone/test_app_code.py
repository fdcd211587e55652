"""The assembler of the Android app, run by an interpreter of our own: requests, permissions, files."""

from __future__ import annotations

import pytest

from afield.platforms.phone.apk.building import PROJECT
from smali_machine import Framework, Machine, Thing, Thrown

MAIN, PAGES, QUESTIONS, SAVER = (f"Lafield/phone/{n};" for n in ("MainActivity", "Pages", "Questions", "Saver"))
HOME = "https://appassets.androidplatform.net/"
OTHERS = ["https://example.org/", "http://192.168.0.1/x", HOME + "favicon.ico", HOME + "?x"]
STRINGS = {"equals": lambda a, b: int(a == b), "startsWith": lambda a, b: int(a.startswith(b))}


class App:
    """The app on a phone that answers as it is told."""

    def __init__(self, **answers) -> None:
        self.phone = Framework(**STRINGS | answers)
        self.machine = Machine(PROJECT, self.phone)
        self.main = self.machine.new(MAIN)

    def request(self, url: str) -> tuple[str, object] | None:
        pages = self.machine.new(PAGES, self.main)
        self.phone.answers["toString"] = url
        found = self.machine.run(pages, "shouldInterceptRequest", Thing("view"), Thing("request"))
        return None if found is None else self.phone.named("<init>")[-1][1:]


def test_the_page_is_answered_from_the_assets_and_nothing_else_is() -> None:
    app = App(open=lambda assets, name: f"stream of {name}", getAssets="assets")
    assert app.request(HOME) == ["text/html", "utf-8", "stream of index.html"]
    for url in OTHERS:
        kind, _, stream = app.request(url)
        assert (kind, stream.kind) == ("text/plain", "Ljava/io/ByteArrayInputStream;")
    assert app.request("data:,") is None
    assert app.request("blob:x") is None


def test_a_page_that_cannot_be_read_is_empty_and_no_request_goes_out() -> None:
    def unreadable(assets: object, name: str) -> None:
        raise Thrown("Ljava/io/IOException;")

    app = App(open=unreadable, getAssets="assets")
    assert app.request(HOME)[0] == "text/plain"


def test_the_first_screen_is_the_page_without_access_to_files() -> None:
    app = App(getSettings="settings")
    app.machine.run(app.main, "onCreate", None)
    assert app.phone.named("loadUrl")[0][1] == HOME
    assert app.phone.named("setAllowFileAccess") == [["settings", 0]]
    assert app.phone.named("setJavaScriptEnabled") == [["settings", 1]]
    clients = {n: app.phone.named(n)[0][1].kind for n in ("setWebViewClient", "setWebChromeClient")}
    assert clients == {"setWebViewClient": PAGES, "setWebChromeClient": QUESTIONS}
    assert app.phone.named("addJavascriptInterface")[0][1].kind == SAVER
    assert app.phone.named("addJavascriptInterface")[0][2] == "afieldPhone"


CAMERA, SOUND = "android.webkit.resource.VIDEO_CAPTURE", "android.webkit.resource.AUDIO_CAPTURE"


def asked(resources: list[str]) -> App:
    app = App(getResources=resources)
    app.machine.run(app.machine.new(QUESTIONS, app.main), "onPermissionRequest", "request")
    return app


@pytest.mark.parametrize("results", [[0, 0], [0, -1], [-1, 0], []], ids=str)
def test_camera_and_microphone_are_granted_when_the_owner_says_so(results: list[int]) -> None:
    app = asked([CAMERA, SOUND])
    [[_, wanted, code]] = app.phone.named("requestPermissions")
    assert wanted == ["android.permission.CAMERA", "android.permission.RECORD_AUDIO"]
    app.machine.run(app.main, "onRequestPermissionsResult", code, wanted, results)
    granted = results == [0, 0]
    assert app.phone.named("grant") == ([["request", [CAMERA, SOUND]]] if granted else [])
    assert len(app.phone.named("deny")) == (not granted)
    app.machine.run(app.main, "onRequestPermissionsResult", code, wanted, results)  # nothing is asked any more
    assert len(app.phone.named("grant") + app.phone.named("deny")) == 1


def test_other_resources_are_denied_without_asking() -> None:
    app = asked([CAMERA, "android.webkit.resource.MIDI_SYSEX"])
    assert app.phone.named("deny") == [["request"]]
    assert not app.phone.named("requestPermissions")


@pytest.mark.parametrize(("given", "any_file"), [("image/*", False), ("audio/*", False), (".csv", True), (None, True)])
def test_files_are_chosen_and_reach_the_page(given: str | None, any_file: bool) -> None:
    app = App(getType=given, createIntent="intent", parseResult="chosen")
    questions = app.machine.new(QUESTIONS, app.main)
    assert app.machine.run(questions, "onShowFileChooser", "view", "callback", "params") == 1
    assert app.phone.named("setType") == ([["intent", "*/*"]] if any_file else [])
    [[_, intent, code]] = app.phone.named("startActivityForResult")
    assert intent == "intent"
    assert app.machine.run(questions, "onShowFileChooser", "view", "second", "params") == 1  # the first one is let go
    app.machine.run(app.main, "onActivityResult", code, -1, "data")
    assert app.phone.named("onReceiveValue") == [["callback", None], ["second", "chosen"]]


def test_a_phone_without_a_chooser_says_so_and_the_page_may_ask_again() -> None:
    def none(*_: object) -> None:
        raise Thrown("Landroid/content/ActivityNotFoundException;")

    app = App(
        getType="image/*", createIntent="intent", startActivityForResult=none, getMessage="none", makeText="toast"
    )
    questions = app.machine.new(QUESTIONS, app.main)
    assert app.machine.run(questions, "onShowFileChooser", "view", "callback", "params") == 0
    assert app.main.fields["choosing"] is None
    assert app.phone.named("show") == [["toast"]]


def test_answers_are_saved_where_the_owner_says() -> None:
    app = App(
        getData="place", getContentResolver="resolver", openOutputStream="stream", getBytes=lambda t, c: t.encode(c)
    )
    saver = app.machine.new(SAVER, app.main)
    app.machine.run(saver, "save", "a.csv", "grade,æ\n")
    assert app.phone.named("runOnUiThread") == [[app.main, saver]]
    app.machine.run(saver, "run")
    assert "a.csv" in [arguments[2] for arguments in app.phone.named("putExtra")]
    [[_, _, code]] = app.phone.named("startActivityForResult")
    app.machine.run(app.main, "onActivityResult", code, 0, "data")  # the owner thought better of it
    assert not app.phone.named("write")
    app.machine.run(app.main, "onActivityResult", code, -1, "data")
    assert app.phone.named("openOutputStream") == [["resolver", "place", "wt"]]
    assert app.phone.named("write") == [["stream", "grade,æ\n".encode()]]
    assert app.phone.named("close") == [["stream"]]
